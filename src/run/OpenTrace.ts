/** Opens a trace as the options say. */
import type { TraceInput } from "../config/ReplayOptions.ts"
import { openTrace } from "../trace/TraceSource.ts"

/** Reads and checks it; the scope keeps the copy of an input that can be read only once. */
export const openInput = ({ files, format, prefixGroups, sharedPrefixRatio, traceBlockTokens }: TraceInput) =>
  openTrace({
    files,
    format,
    prefixGroups,
    sharedPrefixRatio,
    ...(traceBlockTokens === undefined ? {} : { traceBlockTokens })
  })

/** What messages call it. */
export const inputName = ({ files }: TraceInput): string => files.join(", ")

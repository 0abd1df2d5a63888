/** Formats whose lines, or documents, are JSON objects with fields of their own. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { FieldRules } from "../JsonLine.ts"
import { lineBatches } from "../LineReader.ts"
import { readRows, type RowFormat } from "../RowReader.ts"
import type { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import { openTraceFile } from "../TraceFile.ts"
import type { ForeignTrace, OpenForeign } from "./ForeignFormat.ts"
import { jsonDocuments } from "./JsonDocuments.ts"

/** Lines of a file, to be read any number of times. */
export const openLinesOf = (file: string) => Effect.map(openTraceFile(file), ({ bytes }) => lineBatches(bytes, file))

/** A file of objects. */
interface ObjectFormat {
  readonly file: string
  /** The format, as --trace-format names it. */
  readonly readAs: string
  readonly rules: FieldRules
}

/** What makes rows of the objects of a file; made anew for every run, so it may keep state. */
interface ObjectReader {
  readonly rowOf: RowFormat<TraceRow>["rowOf"]
  /** What was left out or made up so far. */
  readonly notices?: () => ReadonlyArray<string>
}

/** Opens a file of an object per line; its notices are those of the latest run of the rows. */
export const openObjectLines = (
  format: ObjectFormat & Pick<ForeignTrace, "traceBlockTokens" | "accumulatesPrompts">,
  make: () => ObjectReader
): ReturnType<OpenForeign> =>
  Effect.map(openLinesOf(format.file), (lines) => {
    let latest: ObjectReader | undefined
    return {
      traceBlockTokens: format.traceBlockTokens,
      accumulatesPrompts: format.accumulatesPrompts,
      isGraph: false,
      rows: itemsOf(lines, {
        ...format,
        make: () => {
          const reader = make()
          latest = reader
          return (object, line) => reader.rowOf(object, line)
        }
      }),
      notices: () => latest?.notices?.() ?? []
    }
  })

/** Objects of a file, however they are laid out. */
export const openDocumentsOf = (file: string) => Effect.map(openLinesOf(file), (lines) => jsonDocuments(lines, file))

/** Reads one item per object. `rowOf` is made anew for every run, so that it may keep state. */
export const itemsOf = <Item>(
  lines: Parameters<typeof readRows<Item, never>>[0],
  format: ObjectFormat & { readonly make: () => RowFormat<Item>["rowOf"] }
): Stream.Stream<Item, TraceError> =>
  Stream.suspend(() =>
    readRows(lines, {
      file: format.file,
      rules: format.rules,
      readAs: format.readAs,
      rowOf: format.make()
    })
  )

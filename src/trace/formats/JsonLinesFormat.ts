/** Formats whose lines, or documents, are JSON objects with fields of their own. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { FieldRules } from "../JsonLine.ts"
import { lineBatches } from "../LineReader.ts"
import { readRows, type RowFormat } from "../RowReader.ts"
import type { TraceError } from "../TraceError.ts"
import { openTraceFile } from "../TraceFile.ts"
import { jsonDocuments } from "./JsonDocuments.ts"

/** Lines of a file, to be read any number of times. */
export const openLinesOf = (file: string) => Effect.map(openTraceFile(file), ({ bytes }) => lineBatches(bytes, file))

/** Objects of a file, however they are laid out. */
export const openDocumentsOf = (file: string) => Effect.map(openLinesOf(file), (lines) => jsonDocuments(lines, file))

/** Reads one item per object. `rowOf` is made anew for every run, so that it may keep state. */
export const itemsOf = <Item>(
  lines: Parameters<typeof readRows<Item, never>>[0],
  format: {
    readonly file: string
    /** The format, as --trace-format names it. */
    readonly readAs: string
    readonly rules: FieldRules
    readonly make: () => RowFormat<Item>["rowOf"]
  }
): Stream.Stream<Item, TraceError> =>
  Stream.suspend(() =>
    readRows(lines, {
      file: format.file,
      rules: format.rules,
      readAs: format.readAs,
      rowOf: format.make()
    })
  )

/** Opens a file as a table, whatever make of table it is: told by its content. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { lineBatches, type LineBatch } from "../../LineReader.ts"
import { isParquet } from "../../Recognition.ts"
import type { TraceError } from "../../TraceError.ts"
import { decodedContent, openStoredFile } from "../../TraceFile.ts"
import { csvTable } from "./CsvTable.ts"
import { jsonTable } from "./JsonTable.ts"
import { parquetTable } from "./ParquetTable.ts"

/** The first line that is not blank. */
export const firstText = (lines: Stream.Stream<LineBatch, TraceError>): Effect.Effect<string, TraceError> =>
  Effect.map(
    Stream.runHead(Stream.filter(lines, ({ texts }) => texts.some((text) => text.trim() !== ""))),
    Option.match({
      onNone: () => "",
      onSome: ({ texts }) => texts.find((text) => text.trim() !== "") ?? ""
    })
  )

export const openTable = Effect.fnUntraced(function* (file: string) {
  const stored = yield* openStoredFile(file)
  if (isParquet(stored.start)) {
    // Read at positions, so that nobody saw its bytes go by.
    if (stored.isObserved) yield* Stream.runDrain(stored.bytes)
    return yield* parquetTable(stored.path, file)
  }
  const lines = lineBatches(yield* decodedContent(stored), file)
  const first = yield* firstText(lines)
  return first.trimStart().startsWith("{") ? yield* jsonTable(lines, file) : yield* csvTable(lines, file)
})

/** Traces for tests, given as text: read through the real pipeline, in chunks of any size. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { lineBatches } from "../../src/trace/LineReader.ts"
import { mooncakeRows } from "../../src/trace/MooncakeReader.ts"
import type { MooncakeRow } from "../../src/trace/MooncakeReader.ts"
import type { TraceError } from "../../src/trace/TraceError.ts"
import type { TraceSource } from "../../src/trace/TraceSource.ts"
import { surveyRows } from "../../src/trace/TraceSurvey.ts"

export const file = "t.jsonl"

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The bytes in chunks of `chunkBytes`. */
export const chunked = (bytes: Uint8Array, chunkBytes: number): Stream.Stream<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let start = 0; start < bytes.length; start += chunkBytes) chunks.push(bytes.subarray(start, start + chunkBytes))
  return Stream.rechunk(Stream.fromIterable(chunks), 1)
}

export const linesOf = (text: string | Uint8Array, chunkBytes = 7) =>
  lineBatches(chunked(typeof text === "string" ? bytesOf(text) : text, chunkBytes), file)

export const mooncake = (
  text: string,
  traceBlockTokens = 64,
  chunkBytes = 1 << 16
): Stream.Stream<MooncakeRow, TraceError> => mooncakeRows(linesOf(text, chunkBytes), file, { traceBlockTokens })

/** The message of the first refusal; fails the test when the text is accepted. */
export const refusalOf = (text: string): Effect.Effect<string, string> =>
  Stream.runCollect(mooncake(text)).pipe(
    Effect.flip,
    Effect.map((error) => error.message),
    Effect.mapError(() => `accepted: ${text}`)
  )

/** A checked source over a text. */
export const sourceOf = (
  text: string,
  traceBlockTokens = 64,
  chunkBytes = 1 << 16
): Effect.Effect<TraceSource, TraceError> => {
  const rows = mooncake(text, traceBlockTokens, chunkBytes)
  return Effect.map(
    surveyRows(rows, file, (row) => row.clamped),
    (survey) => ({
      file,
      traceBlockTokens,
      survey,
      accumulatesPrompts: false,
      graph: undefined,
      notices: [],
      remarks: [],
      rows
    })
  )
}

export const jsonLines = (rows: ReadonlyArray<unknown>): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("")

/** Rows of a text, or the message of its first refusal. */
export const readOrRefuse = <Row, E extends { readonly message: string }>(
  rows: Stream.Stream<Row, E>
): Effect.Effect<ReadonlyArray<Row> | string> =>
  Stream.runCollect(rows).pipe(Effect.catch((error) => Effect.succeed(error.message)))

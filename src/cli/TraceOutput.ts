/** Where a made or converted trace goes: a file that is there whole or not at all, or standard output. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { gzipSync } from "node:zlib"
import { OutputError } from "../report/ReportError.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { isStandardOutput } from "../report/OutputTarget.ts"
import { printable } from "../report/Printable.ts"
import { defaultTraceBlockTokens } from "../trace/TraceSource.ts"
import { isGzipName } from "./OutputForm.ts"
import { counted } from "../settings/Counted.ts"

export interface WrittenTrace<E, R> {
  readonly text: Stream.Stream<string, E, R>
  /** How many requests the text had; asked once it is written. */
  readonly requests: () => number
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
}

/** `-` and the like are standard output. A name ending in `.gz` is written as gzip, a member per piece. */
export const writeTrace = Effect.fnUntraced(function* <E, R>(
  path: string,
  { requests, text, traceBlockTokens }: WrittenTrace<E, R>
) {
  const pieces = isGzipName(path) ? Stream.map(text, (piece) => gzipSync(piece)) : text
  // Whoever read it has seen enough, as in `dynosim trace convert … - | head`.
  yield* OutputFile.writeStream(path, pieces).pipe(
    Effect.catchIf(
      (error) => error instanceof OutputError && error.unread === true,
      () => Effect.void
    )
  )
  if (!(yield* isStandardOutput(path))) {
    yield* Console.log(`${printable(path)}: ${counted(requests(), "request")}`)
  }
  if (traceBlockTokens !== defaultTraceBlockTokens) {
    yield* Console.error(
      `note: replay it with --trace-block-size ${traceBlockTokens}, which the file itself does not say`
    )
  }
})

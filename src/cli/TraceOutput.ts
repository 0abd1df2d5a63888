/** Where a made or converted trace goes: a file that is there whole or not at all, or standard output. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { gzipSync } from "node:zlib"
import { OutputError } from "../report/OutputError.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { printable } from "../report/Printable.ts"
import { defaultTraceBlockTokens } from "../trace/TraceSource.ts"

export interface WrittenTrace<E, R> {
  readonly text: Stream.Stream<string, E, R>
  /** How many requests the text has. */
  readonly requests: number
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
}

/** `-` is standard output. A name ending in `.gz` is written as gzip, a member per piece. */
export const writeTrace = Effect.fnUntraced(function* <E, R>(
  path: string,
  { requests, text, traceBlockTokens }: WrittenTrace<E, R>
) {
  if (path === "-") yield* toStandardOutput(text)
  else {
    yield* OutputFile.writeStream(path, path.endsWith(".gz") ? Stream.map(text, (piece) => gzipSync(piece)) : text)
    yield* Console.log(`${printable(path)}: ${requests.toLocaleString("en-US")} requests`)
  }
  if (traceBlockTokens !== defaultTraceBlockTokens) {
    yield* Console.error(
      `note: replay it with --trace-block-size ${traceBlockTokens}, which the file itself does not say`
    )
  }
})

const toStandardOutput = <E, R>(text: Stream.Stream<string, E, R>) =>
  Effect.flatMap(Stdio.Stdio, (stdio) =>
    Stream.run(
      text,
      Sink.mapError(
        stdio.stdout({ endOnDone: false }),
        ({ message }) => new OutputError({ path: "standard output", problem: `cannot be written (${message})` })
      )
    )
  )

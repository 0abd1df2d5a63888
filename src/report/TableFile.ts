/** Writes a table of rows into a file while the events of a run pass by. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { OutputError } from "./ReportError.ts"
import type { OutputFile } from "./OutputFile.ts"
import type { ReplayEvent } from "./ReplayEvent.ts"
import type { TableWriter } from "./TableWriter.ts"

/**
 * Passes the events through and shows them to `see`, which may add rows to the writer; so may whoever else has it. The file is complete when
 * the events end; its scope decides what becomes of it when they fail.
 */
export const writeTableTo =
  (file: OutputFile, writer: TableWriter, see: (events: ReadonlyArray<ReplayEvent>) => void = () => {}) =>
  <E, R>(events: Stream.Stream<ReplayEvent, E, R>): Stream.Stream<ReplayEvent, E | OutputError, R> =>
    Stream.transformPull(events, (pull) => Effect.as(append(file, writer.take()), passThrough(pull, file, writer, see)))

const append = (file: OutputFile, content: Uint8Array): Effect.Effect<void, OutputError> =>
  content.length === 0 ? Effect.void : file.append(content)

const passThrough = <A extends ReadonlyArray<ReplayEvent>, E, D, R>(
  pull: Pull.Pull<A, E, D, R>,
  file: OutputFile,
  writer: TableWriter,
  see: (events: ReadonlyArray<ReplayEvent>) => void
): Pull.Pull<A, E | OutputError, D, R> =>
  Pull.matchEffect(pull, {
    onSuccess: (chunk) =>
      Effect.suspend(() => {
        see(chunk)
        return Effect.as(append(file, writer.take()), chunk)
      }),
    onFailure: Effect.failCause,
    onDone: (done) =>
      Effect.suspend(() => append(file, writer.end())).pipe(
        Effect.andThen(file.commit),
        Effect.andThen(Cause.done(done))
      )
  })

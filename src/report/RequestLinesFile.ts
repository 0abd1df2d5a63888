/** Writes per-request lines while the events pass by, one write per chunk. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { OutputError } from "./ReportError.ts"
import { MeasuredWindow, type WindowBounds } from "./MeasuredWindow.ts"
import * as OutputFile from "./OutputFile.ts"
import type { ReplayEvent } from "./ReplayEvent.ts"
import { requestLines } from "./RequestLines.ts"

/**
 * Passes the events of a run through and writes the line of each finished request to `path`. The file gets its name when the
 * events end or the stream is interrupted; when they fail, the lines stay in a file beside it, and a note says which.
 */
export const writeRequestLines =
  (path: string) =>
  <E, R>(
    events: Stream.Stream<ReplayEvent, E, R>
  ): Stream.Stream<ReplayEvent, E | OutputError, R | OutputFile.OutputServices> =>
    Stream.transformPull(events, (pull, scope) =>
      Effect.map(Scope.provide(OutputFile.open(path), scope), (file) => passThrough(pull, file))
    )

/** The same into a file that is open already; its scope decides what becomes of it when the events fail. */
export const writeRequestLinesTo =
  (file: OutputFile.OutputFile, engineProfile?: string, bounds?: WindowBounds) =>
  <E, R>(events: Stream.Stream<ReplayEvent, E, R>): Stream.Stream<ReplayEvent, E | OutputError, R> =>
    Stream.transformPull(events, (pull) =>
      Effect.sync(() =>
        passThrough(pull, file, engineProfile, bounds === undefined ? undefined : new MeasuredWindow(bounds))
      )
    )

const passThrough = <A extends ReadonlyArray<ReplayEvent>, E, D, R>(
  pull: Pull.Pull<A, E, D, R>,
  file: OutputFile.OutputFile,
  engineProfile?: string,
  window?: MeasuredWindow
): Pull.Pull<A, E | OutputError, D, R> =>
  Pull.matchEffect(pull, {
    onSuccess: (chunk) => {
      const text = requestLines(chunk, engineProfile, window)
      return text === "" ? Effect.succeed(chunk) : Effect.as(file.append(text), chunk)
    },
    onFailure: Effect.failCause,
    onDone: (done) => Effect.andThen(file.commit, Cause.done(done))
  })

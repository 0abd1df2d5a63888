/** A recording from its flags to its last line. */
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { type FlagValues, readFlags } from "../config/ReadFlags.ts"
import { recordFlags } from "../config/RecordFlags.ts"
import { checkedRecordOptions, makeRecordOptions, type RecordOptions } from "../record/RecordOptions.ts"
import { type RecordedLines, Recording } from "../record/Recording.ts"
import { record } from "../record/RecordServer.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { printable } from "../report/Printable.ts"
import type { OutputError } from "../report/ReportError.ts"
import { type SettingsError, type UsageError, usageError } from "../settings/SettingsError.ts"
import { defaultTraceBlockTokens } from "../trace/TraceSource.ts"
import { checkOutputs, namedOutputs, printerBeside } from "./OutputPaths.ts"
import { signalled } from "./Signals.ts"
import { counted } from "../settings/Counted.ts"
import { cannotListen } from "./CannotListen.ts"

/** `flags` are those of the command line, by name without dashes. */
export const runRecord = Effect.fnUntraced(function* (out: string, flags: FlagValues) {
  const { measured, quiet, traceBlockSize, ...given } = yield* Effect.fromResult(readFlags(recordFlags, flags))
  const options = yield* Effect.fromResult(
    Result.mapError(
      checkedRecordOptions(makeRecordOptions({ ...given, traceBlockTokens: traceBlockSize })),
      asFlagProblem
    )
  )
  yield* checkOutputs(
    namedOutputs([
      ["OUT", out, "jsonLines"],
      ["--measured", measured, "jsonLines"]
    ]),
    []
  )
  const print = yield* printerBeside([out, measured])
  const outputs = yield* openOutputs(out, measured)
  const leftOut = new Map<string, number>()
  const recording = new Recording({
    traceBlockTokens: options.traceBlockTokens,
    salt: options.salt ?? crypto.randomUUID(),
    followsSessions: options.sessions === "prefix"
  })
  yield* record(
    options,
    {
      recording,
      write: outputs.write,
      leftOut: (reason) => void leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1)
    },
    (url) => print(`recording ${options.upstream} on ${url} into ${printable(out)}; Ctrl-C ends it`)
  ).pipe(
    Effect.raceFirst(Effect.raceFirst(signalled("SIGINT", "SIGTERM"), outputs.failure)),
    Effect.catchTag("ServeError", (error) => Effect.fail(cannotListen(options, error)))
  )
  // What is not committed and empty leaves no trace, also not on a file of that name that was there before.
  if (recording.recorded > 0) yield* outputs.commit
  yield* print(`${printable(out)}: ${recordedText(recording.recorded)}`)
  if (quiet === true) return
  for (const notice of noticesOf(options, recording, leftOut)) yield* Console.error(`note: ${printable(notice)}`)
}, Effect.scoped)

const recordedText = (requests: number): string => {
  return requests === 0 ? "not written, for no request was recorded" : counted(requests, "request")
}

const asFlagProblem = ({ message, path: [key = ""], problem }: SettingsError): UsageError =>
  key === "" ? usageError("record", message) : usageError(`--${key.replaceAll("_", "-")}`, problem)

/** The trace and, if asked for, the measured requests; lines of requests that end together do not mix. */
const openOutputs = Effect.fnUntraced(function* (out: string, measured: string | undefined) {
  const trace = yield* OutputFile.open(out)
  const requests = measured === undefined ? undefined : yield* OutputFile.open(measured)
  const failure = yield* Deferred.make<never, OutputError>()
  const inTurn = Semaphore.makeUnsafe(1).withPermits(1)
  const append = (lines: RecordedLines): Effect.Effect<void, OutputError> =>
    Effect.andThen(trace.append(lines.row), requests === undefined ? Effect.void : requests.append(lines.measured))
  return {
    /** A line that cannot be written ends the recording, not the answer that is on its way. */
    write: (lines: RecordedLines): Effect.Effect<void> =>
      Effect.catch(inTurn(append(lines)), (error) => Effect.asVoid(Deferred.fail(failure, error))),
    failure: Deferred.await(failure),
    commit: inTurn(Effect.andThen(trace.commit, requests === undefined ? Effect.void : requests.commit))
  }
})

const noticesOf = (
  { traceBlockTokens }: RecordOptions,
  recording: Recording,
  leftOut: ReadonlyMap<string, number>
): ReadonlyArray<string> => [
  ...[...leftOut].map(([reason, count]) =>
    count === 1 ? `1 request is not in it: it ${reason}` : `${counted(count, "request")} are not in it: each ${reason}`
  ),
  ...(recording.isFull ? ["there were more prompts than are kept: later ones share nothing with each other"] : []),
  ...(recording.recorded === 0 || traceBlockTokens === defaultTraceBlockTokens
    ? []
    : [`replay it with --trace-block-size ${traceBlockTokens}, which the file itself does not say`])
]

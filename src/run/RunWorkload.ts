/** From the options of a run to the load it is put under. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import type { Load, ReplayOptions, SyntheticInput, TraceInput } from "./ReplayOptions.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceSource } from "../trace/TraceSource.ts"
import { Workload } from "../workload/Workload.ts"
import type { WorkloadError } from "../workload/WorkloadError.ts"
import { TraceFileObserver } from "../trace/TraceFile.ts"
import type { InputHashes } from "./InputHashes.ts"
import { openInput } from "./OpenTrace.ts"
import { SharedTraces } from "./SharedTraces.ts"

export interface RunWorkload {
  readonly layer: Layer.Layer<Workload, TraceError | WorkloadError>
  /** Requests that the run will offer unless it is cut off. */
  readonly requests: number
  /** What the trace made necessary and the user should know. */
  readonly notices: ReadonlyArray<string>
}

const tracedWorkload = (trace: TraceSource, load: Load): RunWorkload => {
  return {
    layer:
      load._tag === "OpenLoop"
        ? Workload.layerOpenLoop({ trace, arrivalSpeedup: load.arrivalSpeedup })
        : Workload.layerClosedLoop({ trace, concurrency: load.concurrency }),
    requests: trace.survey.rows,
    notices: [...trace.remarks, ...trace.notices].map((notice) => `${trace.file}: ${notice}`)
  }
}

const syntheticWorkload = (input: SyntheticInput, load: Load, options: ReplayOptions): RunWorkload => {
  const { deployment, seed } = options
  const engine = deployment._tag === "Aggregated" ? deployment.engine : deployment.prefill
  const { _tag, arrivals, ...shape } = input
  return {
    layer: Workload.layerSynthetic({
      ...shape,
      blockTokens: engine.blockTokens,
      ...(arrivals === undefined ? {} : { arrivals }),
      seed,
      ...(load._tag === "OpenLoop" ? { arrivalSpeedup: load.arrivalSpeedup } : { concurrency: load.concurrency })
    }),
    requests: input.requestCount * input.turnsPerSession,
    notices: []
  }
}

/** A trace of this run alone, or one that runs share. */
const traceOf = Effect.fnUntraced(function* (input: TraceInput, hashes: InputHashes | undefined) {
  const openShared = yield* SharedTraces
  if (openShared === undefined) {
    return yield* Effect.provideService(openInput(input), TraceFileObserver, hashes?.observe)
  }
  const { sha256, trace } = yield* openShared(input)
  hashes?.take(sha256)
  return trace
})

/**
 * Reads and checks the trace, if there is one, and adds what it read to the hashes. The scope keeps the copy of an input that can be read
 * only once.
 */
export const openWorkload = (
  options: ReplayOptions,
  hashes: InputHashes | undefined
): Effect.Effect<RunWorkload, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope> => {
  const { input, load } = options
  return input._tag === "Synthetic"
    ? Effect.succeed(syntheticWorkload(input, load, options))
    : Effect.map(traceOf(input, hashes), (trace) => tracedWorkload(trace, load))
}

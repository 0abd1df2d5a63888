/** From the options of a run to the load it is put under. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import type { Load, ReplayOptions, SyntheticInput, TraceInput, WorkloadInput } from "./ReplayOptions.ts"
import type { ServiceLevel } from "../report/ReportOptions.ts"
import type { TraceError } from "../trace/TraceError.ts"
import { fromRows, type TraceSource } from "../trace/TraceSource.ts"
import { Workload } from "../workload/Workload.ts"
import type { WorkloadError } from "../workload/WorkloadError.ts"
import { TraceFileObserver } from "../trace/TraceFile.ts"
import type { InputHashes } from "./InputHashes.ts"
import { openInput } from "./OpenTrace.ts"
import { type SharedTrace, SharedTraces } from "./SharedTraces.ts"

/** Service levels by the name of a class. */
export type ClassLevels = ReadonlyMap<string, ServiceLevel>

export interface RunWorkload {
  readonly layer: Layer.Layer<Workload, TraceError | WorkloadError>
  /** Requests that the run will offer unless it is cut off. */
  readonly requests: number
  /** Requests belong to classes, and what is a good request of each, where that is known; `undefined` without classes. */
  readonly classes: ClassLevels | undefined
  /** What the trace made necessary and the user should know. */
  readonly notices: ReadonlyArray<string>
}

interface OpenedTrace extends Partial<Pick<SharedTrace, "promptsOf">> {
  readonly trace: TraceSource
}

const tracedWorkload = ({ promptsOf, trace }: OpenedTrace, load: Load): RunWorkload => {
  return {
    layer:
      load._tag === "OpenLoop"
        ? Workload.layerOpenLoop({ trace, promptsOf, arrivalSpeedup: load.arrivalSpeedup })
        : Workload.layerClosedLoop({ trace, promptsOf, concurrency: load.concurrency }),
    requests: trace.survey.rows,
    classes: trace.survey.hasClasses ? new Map() : undefined,
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
    classes: undefined,
    notices: []
  }
}

/** Read like a trace: what its classes make is surveyed first, and made again for the run. */
const plannedWorkload = Effect.fnUntraced(function* (
  { plan, requestCount }: WorkloadInput,
  { load, seed }: ReplayOptions
): Effect.fn.Return<RunWorkload, TraceError | WorkloadError> {
  const { levelsOf, plannedRows } = yield* Effect.promise(() => import("../workload/classes/PlannedRows.ts"))
  const rows = yield* plannedRows(plan, { requestCount, seed })
  const trace = yield* fromRows({ rows, name: "workload", traceBlockTokens: plan.blockTokens })
  return { ...tracedWorkload({ trace }, load), classes: levelsOf(plan) }
})

/** A trace of this run alone, or one that runs share. */
const traceOf = Effect.fnUntraced(function* (
  input: TraceInput,
  hashes: InputHashes | undefined
): Effect.fn.Return<OpenedTrace, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope> {
  const openShared = yield* SharedTraces
  if (openShared === undefined) {
    const trace = yield* Effect.provideService(openInput(input), TraceFileObserver, hashes?.observe)
    return { trace }
  }
  const shared = yield* openShared(input)
  hashes?.take(shared.sha256)
  return shared
})

/**
 * Reads and checks the trace, if there is one, and adds what it read to the hashes. The scope keeps the copy of an input that can be read
 * only once.
 */
export const openWorkload = (
  options: ReplayOptions,
  hashes: InputHashes | undefined
): Effect.Effect<RunWorkload, TraceError | WorkloadError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope> => {
  const { input, load } = options
  switch (input._tag) {
    case "Synthetic":
      return Effect.succeed(syntheticWorkload(input, load, options))
    case "Workload":
      return plannedWorkload(input, options)
    case "Trace":
      return Effect.map(traceOf(input, hashes), (opened) => tracedWorkload(opened, load))
  }
}

/**
 * A run from its options: to the stream of its events, or to its report.
 *
 *     options ─▶ prepare (files, trace, deployment) ─▶ events ─▶ report
 *
 * The command, tests and applications all run from options here. {@link events} and {@link report} do everything at once;
 * {@link prepare} stops before the simulation, for those who want to know what will run, or do more with its events.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import type * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { ReplayOptions } from "./ReplayOptions.ts"
import { Autoscaler, none } from "../autoscaler/Autoscaler.ts"
import type { WindowBounds } from "../report/MeasuredWindow.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"
import type { Report } from "../report/Report.ts"
import type { ReportMetadata } from "../report/ReportOptions.ts"
import * as ReportSink from "../report/ReportSink.ts"
import type { PolicyFileError } from "../router/kv/PolicyFileError.ts"
import type { SettingsError, UsageError } from "../settings/SettingsError.ts"
import * as Replay from "../simulation/Replay.ts"
import type { DisaggregationUnsupported, ReplayError } from "../simulation/ReplayError.ts"
import type { RunProbe } from "../simulation/RunProbe.ts"
import type { SimulationView } from "../simulation/SimulationView.ts"
import { VirtualClock } from "../simulation/VirtualClock.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import type { NpzError } from "../timing/npz/NpzError.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { WorkloadError } from "../workload/WorkloadError.ts"
import { ClassGaps } from "./ClassGaps.ts"
import { type Deployment, deployWith } from "./Deployment.ts"
import { hashFiles, InputHashes, Sha256 } from "./InputHashes.ts"
import { sideFiles } from "./InputFiles.ts"
import { windowOf } from "./MeasuredPart.ts"
import { optionsJson } from "./OptionsJson.ts"
import { readRunFiles } from "./RunFiles.ts"
import { autoscalerOf, workerEventsOf } from "./Scaling.ts"
import { runProblem } from "./RunSettings.ts"
import type { WorkerEvent } from "../simulation/WorkerEvent.ts"
import { openWorkload, type RunWorkload } from "./RunWorkload.ts"

/** What is found wrong before the simulation starts: with files, traces, tables, or the load. */
export type PrepareError =
  | AicError
  | DisaggregationUnsupported
  | NpzError
  | PolicyFileError
  | SettingsError
  | TraceError
  | UsageError
  | WorkloadError

/** Everything that can end a run before its report. */
export type RunError = PrepareError | ReplayError

/** Where inputs come from. */
export type Inputs = FileSystem.FileSystem | Path.Path | Stdio.Stdio

/** What a program may do with a run beside reading its events. `E` and `R`: how its policies may fail, and what they need. */
export interface RunControls<E = never, R = never> {
  /** When this completes, the run ends early and still delivers its summary. */
  readonly stopWhen?: Effect.Effect<unknown>
  /** Is handed a view of the run before it starts, to show how far it is. */
  readonly monitor?: (view: SimulationView["Service"]) => void
  /** Effects that live beside the run, on its clock and in the context of whoever runs it; their failure is the run's. */
  readonly policies?: ReadonlyArray<Effect.Effect<unknown, E, R | SimulationView>>
  /** Who looks on, event by event. */
  readonly probes?: ReadonlyArray<RunProbe>
}

/** A run that is ready to start. */
export interface PreparedRun {
  /** Requests that the run will offer unless it is cut off. */
  readonly requests: number
  readonly deployment: Deployment
  /** Requests belong to classes. */
  readonly hasClasses: boolean
  /** What the user should know before it starts, each in a sentence. */
  readonly notices: ReadonlyArray<string>
  /** What part of it counts, where not all of it does. */
  readonly window: WindowBounds | undefined
  /** What is worth a word once the events have ended. */
  readonly warnings: () => ReadonlyArray<string>
  readonly events: <E = never, R = never>(
    controls?: RunControls<E, R>
  ) => Stream.Stream<ReplayEvent, ReplayError | TraceError | E, Replay.PolicyContext<R>>
  /** Folds the events into the run's report: what was really used, notices and warnings included. */
  readonly report: Sink.Sink<Report, ReplayEvent>
}

/**
 * Reads and builds everything that the run needs: whatever is wrong with policy files, traces, tables or the load is found here.
 *
 * `sources` are further files that the options come from; the report lists their hashes beside those of the inputs. The scope
 * keeps the copy of an input that can be read only once.
 */
export const prepare = Effect.fnUntraced(function* (
  options: ReplayOptions,
  sources: ReadonlyArray<string> = []
): Effect.fn.Return<PreparedRun, PrepareError, Inputs | Scope.Scope> {
  const problem = runProblem(options)
  if (problem !== undefined) return yield* problem
  const makeHash = yield* Sha256
  const hashes = makeHash === undefined ? undefined : new InputHashes(makeHash)
  const files = yield* readRunFiles(options)
  const workload = yield* openWorkload(options, hashes)
  const autoscaler = yield* autoscalerOf(options)
  const workerEvents = yield* workerEventsOf(options)
  // A pool of one worker needs a router when it may become more.
  const isElastic = autoscaler !== undefined || workerEvents.length > 0 || (yield* Autoscaler).name !== none.name
  const deployment = yield* deployWith(options, files, isElastic)
  const simulation = yield* options.mode === "online"
    ? (yield* Effect.promise(() => import("./LiveSimulation.ts"))).liveSimulation(options, workload, deployment)
    : virtualSimulation(options, workload, deployment, { autoscaler, workerEvents })
  if (hashes !== undefined) yield* hashFiles(hashes, [...sources, ...sideFiles(options).map(({ path }) => path)])
  const notices = [...options.notices, ...deployment.notices, ...workload.notices]
  const warnings = (): ReadonlyArray<string> => [...simulation.warnings(), ...deployment.warnings()]
  const metadata = (): ReportMetadata => ({
    timingSource: [
      ...new Set(deployment.pools.flatMap(({ groups }) => groups.map(({ timing }) => timing.source)))
    ].join(", "),
    seed: options.seed,
    options: optionsJson({ ...options, deployment: deployment.used }),
    pools: deployment.facts(),
    warnings: [...notices, ...warnings()],
    ...(hashes === undefined ? {} : { inputSha256: hashes.finish() })
  })
  const window = options.measure === undefined ? undefined : windowOf(options.measure, workload.requests)
  const classGaps = workload.classes === undefined || window !== undefined ? undefined : new ClassGaps()
  return {
    requests: workload.requests,
    deployment,
    hasClasses: workload.classes !== undefined,
    notices,
    window,
    warnings,
    events: classGaps === undefined ? simulation.events : watchedBy(classGaps.probe, simulation.events),
    report: ReportSink.sink({
      serviceLevel: options.serviceLevel,
      metadata,
      ...(workload.classes === undefined ? {} : { classLevels: workload.classes }),
      ...(classGaps === undefined ? {} : { classGaps: (className) => classGaps.statistics(className) }),
      ...(window === undefined ? {} : { window })
    })
  }
})

/** The same events, with a probe that looks on. */
const watchedBy =
  (probe: RunProbe, events: PreparedRun["events"]): PreparedRun["events"] =>
  (controls = {}) =>
    events({ ...controls, probes: [...(controls.probes ?? []), probe] })

/** The events of the run that the options describe. */
export const events = <E = never, R = never>(
  options: ReplayOptions,
  controls?: RunControls<E, R>
): Stream.Stream<ReplayEvent, RunError | E, Inputs | Replay.PolicyContext<R>> =>
  Stream.unwrap(Effect.map(prepare(options), (run) => run.events(controls)))

/** The report of the run that the options describe. */
export const report = <E = never, R = never>(
  options: ReplayOptions,
  controls?: RunControls<E, R>
): Effect.Effect<Report, RunError | E, Inputs | Replay.PolicyContext<R>> =>
  Effect.scoped(Effect.flatMap(prepare(options), (run) => Stream.run(run.events(controls), run.report)))

/** What makes workers come and go. */
interface Elasticity {
  readonly autoscaler: Layer.Layer<never> | undefined
  readonly workerEvents: ReadonlyArray<WorkerEvent>
}

/** The part of a prepared run that depends on its clock. */
export type Simulation = Pick<PreparedRun, "events" | "warnings">

const virtualSimulation = Effect.fnUntraced(function* (
  { check, maxSimTimeMs, measure }: ReplayOptions,
  workload: RunWorkload,
  { topology }: Deployment,
  { autoscaler = Layer.empty, workerEvents }: Elasticity
): Effect.fn.Return<Simulation, DisaggregationUnsupported | SettingsError | TraceError | WorkloadError, Scope.Scope> {
  const services = yield* Layer.build(Layer.merge(topology, workload.layer))
  const limit = maxSimTimeMs === undefined ? {} : { maxSimTimeMs }
  return {
    events: (controls = {}) =>
      Replay.run({ ...limit, ...controls, check, workerEvents, timedGaps: measure !== undefined }).pipe(
        Stream.provideContext(services),
        Stream.provide(autoscaler, { local: true }),
        Stream.provide(VirtualClock.layer, { local: true })
      ),
    warnings: () => []
  }
})

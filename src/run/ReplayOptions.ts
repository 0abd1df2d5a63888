/** Everything that decides a run: checked, complete, and with the units in the names. Made by {@link validateReplayOptions}. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { PlannerConfig } from "../autoscaler/reference/PlannerConfig.ts"
import type { SlaConfig } from "../autoscaler/sla/SlaSettings.ts"
import type { UtilisationConfig } from "../autoscaler/utilisation/UtilisationSettings.ts"
import type { ArrivalProcess } from "../workload/ArrivalProcess.ts"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import type { AicModelArgs } from "../timing/aic/AicArgs.ts"
import type { TieBreak } from "../router/kv/Choice.ts"
import type { RouterConfig } from "../router/kv/RouterConfig.ts"
import type { MeasuredPart } from "./MeasuredPart.ts"
import type { PrefixModel } from "../trace/formats/PrefixModel.ts"
import type { TraceColumns } from "../trace/formats/TraceColumns.ts"
import type { WorkloadPlan } from "../workload/classes/WorkloadPlan.ts"
import type { TokenLengths } from "../workload/TokenLengths.ts"
import type { SessionTurns, TimeUnit, TraceFormat } from "../trace/TraceFormat.ts"

/** Names of `--replay-mode`: simulated time, or the live clock. */
export const replayModes = ["offline", "online"] as const
/** One of {@link replayModes}. */
export type ReplayMode = (typeof replayModes)[number]
/** Names of `--router-mode`. */
export const routerModes = ["round_robin", "kv_router"] as const
/** One of {@link routerModes}. */
export type RouterMode = (typeof routerModes)[number]

/** Requests read from trace files. */
export interface TraceInput {
  readonly _tag: "Trace"
  /** In the order given; `-` is standard input. Several for `dynamo` only. */
  readonly files: NonEmptyReadonlyArray<string>
  readonly format: TraceFormat
  /** Tokens per hash id; `undefined` when the trace itself says so (`dynamo`). */
  readonly traceBlockTokens: number | undefined
  /** Of timestamps and delays, where a mooncake trace has another than ms. */
  readonly timeUnit: TimeUnit | undefined
  /** How formats of somebody else are to be read; see the flags of the same names. */
  readonly columns: TraceColumns | undefined
  readonly prefixes: PrefixModel
  readonly sessionTurns: SessionTurns | undefined
  readonly defaultOutputTokens: number | undefined
  readonly textBytesPerToken: number | undefined
  /** Of what is made up. */
  readonly prefixSeed: number
  /** A trace that looks like another format is refused. */
  readonly strict: boolean
  /** Of `applied_compute_agentic`: share of each initial prompt that a group has in common, and the number of groups. */
  readonly sharedPrefixRatio: number
  readonly prefixGroups: number
}

/** Requests that are drawn instead of read; lengths in tokens. */
export interface SyntheticInput {
  readonly _tag: "Synthetic"
  readonly inputTokens: TokenLengths
  readonly outputTokens: TokenLengths
  /** Requests; sessions when there are several turns. */
  readonly requestCount: number
  readonly arrivalIntervalMs: number
  /** Takes the place of the interval. */
  readonly arrivals: ArrivalProcess | undefined
  readonly turnsPerSession: number
  readonly sharedPrefixRatio: number
  readonly prefixGroups: number
  readonly interTurnDelayMs: number
}

/** Classes of requests, as a workload file describes them. */
export interface WorkloadInput {
  readonly _tag: "Workload"
  readonly plan: WorkloadPlan
  /** Sessions of all classes together; requests, where they have one turn. */
  readonly requestCount: number
}

/** What is replayed. */
export type RunInput = TraceInput | SyntheticInput | WorkloadInput

/** How requests arrive. */
export type Load =
  /** Arrivals come at their times, sped up. */
  | { readonly _tag: "OpenLoop"; readonly arrivalSpeedup: number }
  /** So many sessions, or requests of a load without sessions, are active at a time. */
  | { readonly _tag: "ClosedLoop"; readonly concurrency: number }

/** Equal workers of a pool in which not all are equal. */
export interface GroupOptions {
  /** `undefined` where all workers of the pool are equal. */
  readonly name: string | undefined
  /** At the start. */
  readonly workers: number
  readonly engine: EngineArgs
}

/** Arguments are those of the first group where workers of a pool differ. */
export type Deployment =
  | {
      readonly _tag: "Aggregated"
      readonly workers: number
      readonly engine: EngineArgs
      readonly groups?: ReadonlyArray<GroupOptions>
    }
  | {
      readonly _tag: "Disaggregated"
      readonly prefillWorkers: number
      readonly decodeWorkers: number
      readonly prefill: EngineArgs
      readonly decode: EngineArgs
      readonly prefillGroups?: ReadonlyArray<GroupOptions>
      readonly decodeGroups?: ReadonlyArray<GroupOptions>
    }

/** Model by which the router estimates prefill times. */
export type PrefillEstimateArgs = AicModelArgs

/** Who routes, and by which settings. */
export interface Routing {
  readonly mode: RouterMode
  readonly config: RouterConfig
  /** Policy file (YAML) and the model whose profile in it applies. */
  readonly policyFile: string | undefined
  readonly modelName: string | undefined
  readonly prefillEstimate: PrefillEstimateArgs | undefined
  readonly tieBreak: TieBreak
}

export const tableStyles = ["aiperf", "compact", "none"] as const
export type TableStyle = (typeof tableStyles)[number]

export interface SeriesOutput {
  readonly path: string
  /** Simulated time of a row. */
  readonly intervalMs: number
}

export interface TimelineOutput {
  readonly path: string
  readonly fromMs: number
  /** Infinite for the end of the run. */
  readonly untilMs: number
  /** Only every so many-th request. */
  readonly everyRequests: number
  /** Text before compression, about. */
  readonly maxBytes: number
}

/** What a run writes, and where; `undefined` for not at all. */
export interface Outputs {
  /** As given: a file, an existing directory, or empty for a file of the default name. */
  readonly reportJson: string | undefined
  /** The report's figures as a row. */
  readonly csv: string | undefined
  readonly reportJsonl: string | undefined
  readonly series: SeriesOutput | undefined
  readonly timeline: TimelineOutput | undefined
  /** The run as a page. */
  readonly html: string | undefined
  /** Print a summary around the table, also where no terminal is. */
  readonly summary: boolean
  /** `undefined`: by the width of the terminal. */
  readonly table: TableStyle | undefined
  /** Conditions on the report under which the run counts as failed, as given. */
  readonly failIf: ReadonlyArray<string>
  /** Runs with so many seeds, of which the outputs are statistics; `undefined` for one run. */
  readonly seeds: number | undefined
}

/** Bounds that a good request keeps, all inclusive. */
export interface ServiceLevelBounds {
  readonly ttftMs?: number
  readonly itlMs?: number
  readonly e2eMs?: number
}

export const autoscalePolicies = ["target-utilisation", "sla"] as const
export type AutoscalePolicy = (typeof autoscalePolicies)[number]

/** Who decides how many workers there are. */
export type ScalingOptions =
  /** Use of workers is kept at a target. */
  | { readonly _tag: "Utilisation"; readonly config: UtilisationConfig }
  /** Objectives for latencies are kept. */
  | { readonly _tag: "Sla"; readonly config: SlaConfig }
  /** The planner of the reference. */
  | { readonly _tag: "Planner"; readonly config: PlannerConfig }
  /** A file of workers by time. */
  | { readonly _tag: "Schedule"; readonly file: string }

/** Everything that decides a run; checked. `Settings` makes one from flags, JSON or a file. */
export interface ReplayOptions {
  readonly input: RunInput
  readonly load: Load
  readonly deployment: Deployment
  readonly routing: Routing
  /** Of every random choice. */
  readonly seed: number
  readonly mode: ReplayMode
  /** `undefined` without a limit. */
  readonly maxSimTimeMs: number | undefined
  readonly serviceLevel: ServiceLevelBounds
  /** What part of the run its statistics are about; all of it where this is left out. */
  readonly measure?: MeasuredPart
  readonly outputs: Outputs
  /** Who decides how many workers there are; `undefined` when those of the start stay. */
  readonly scaling: ScalingOptions | undefined
  /** File of what happens to workers from outside. */
  readonly workerEvents: string | undefined
  /** Files with AIC data for what is not shipped. */
  readonly aicBundles: ReadonlyArray<string>
  /** Check the invariants of the simulation while running. */
  readonly check: boolean
  readonly quiet: boolean
  /** Options that were given but cannot make a difference to this run, each in a sentence. */
  readonly notices: ReadonlyArray<string>
}

/** What is deployed; what is replayed on it, and how, is not among it. */
export type DeploymentOptions = Pick<ReplayOptions, "deployment" | "routing" | "seed" | "aicBundles">

/**
 * The load a run is put under: where rows come from and when each request is ready.
 *
 * The rows are a lazy stream; the core is a plain synchronous object fed with chunks of them, at most one chunk ahead.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { BlockIdentity } from "../request/BlockIdentity.ts"
import type { InternedPrompts } from "../request/InternedPrompts.ts"
import { sortedRows } from "../trace/SortedRows.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import type { TraceSource } from "../trace/TraceSource.ts"
import type { TraceSurvey } from "../trace/TraceSurvey.ts"
import { AgenticCore } from "./AgenticCore.ts"
import { ClosedLoopCore } from "./ClosedLoopCore.ts"
import { OpenLoopCore } from "./OpenLoopCore.ts"
import type { PromptOptions } from "./RequestFactory.ts"
import { RequestLoopCore } from "./RequestLoopCore.ts"
import type { SessionTurns } from "./Sessions.ts"
import { planSynthetic } from "./SyntheticLoad.ts"
import type { SyntheticOptions } from "./SyntheticLoad.ts"
import type { WorkloadCore } from "./WorkloadCore.ts"
import { checkConcurrency, checkSpan, checkSpeedup } from "./WorkloadError.ts"
import type { WorkloadError } from "./WorkloadError.ts"

export type { WorkloadCore } from "./WorkloadCore.ts"

/** The prompts of all rows as blocks of so many tokens; `undefined` where there are too many to keep. */
export type PromptsOf = (blockTokens: number) => Effect.Effect<InternedPrompts | undefined, TraceError>

interface ReplayedTrace {
  readonly trace: TraceSource
  /** What runs of the trace one after the other share; without it each makes blocks of prompts as it dispatches them. */
  readonly promptsOf?: PromptsOf | undefined
}

/** A trace whose requests arrive at their own times. */
export interface OpenLoopTrace extends ReplayedTrace {
  /** Arrivals come this many times faster, waits between turns are as much shorter; 1 by default. */
  readonly arrivalSpeedup?: number
}

/** A trace of which so many sessions are served at a time, whatever its timestamps. */
export interface ClosedLoopTrace extends ReplayedTrace {
  /** Sessions that are active at a time. */
  readonly concurrency: number
}

/** Rows that a program makes, as an open loop. */
export interface RowStream {
  /** Rows in the order of their arrival, see {@link sortedRows}. */
  readonly rows: Stream.Stream<TraceRow, TraceError>
  /** What error messages call the rows. */
  readonly name: string
  /** Tokens per hash id. */
  readonly traceBlockTokens: number
  /** Some row may plan its generated tokens; false by default. */
  readonly plansOutputs?: boolean
  readonly arrivalSpeedup?: number
}

const turnsOf = ({ sessionTurns }: TraceSurvey): SessionTurns =>
  sessionTurns === undefined ? () => 1 : (index) => sessionTurns[index] ?? 1

/** What every core of a trace is made with. */
const coreOptions = ({ accumulatesPrompts, survey, traceBlockTokens }: TraceSource) => ({
  traceBlockTokens,
  usesTokenRuns: survey.plansOutputs || accumulatesPrompts,
  accumulatesPrompts,
  turnsOf: turnsOf(survey)
})

/** What a core of a trace is made with in each run. */
type OfRun = Pick<PromptOptions, "identity" | "interned">

const fromTrace = ({ promptsOf, trace }: ReplayedTrace, make: (ofRun: OfRun) => WorkloadCore): Workload["Service"] => {
  const { traceBlockTokens, usesTokenRuns } = coreOptions(trace)
  return {
    traceBlockTokens,
    usesTokenRuns,
    rows: trace.rows,
    make: (identity) =>
      promptsOf === undefined || usesTokenRuns
        ? Effect.sync(() => make({ identity }))
        : Effect.map(promptsOf(identity.blockTokens), (interned) => make({ identity, interned }))
  }
}

const openLoop = Effect.fnUntraced(function* ({ arrivalSpeedup = 1, ...replayed }: OpenLoopTrace) {
  const { trace } = replayed
  const { graph, survey } = trace
  yield* checkSpeedup("ratio", arrivalSpeedup)
  if (survey.openLoopProblem !== undefined) return yield* survey.openLoopProblem
  yield* checkSpan("arrival_speedup_ratio", (survey.horizonMs ?? 0) - (survey.originMs ?? 0), arrivalSpeedup)
  const options = { ...coreOptions(trace), arrivalSpeedup }
  const { order, originMs } = survey
  return fromTrace(replayed, (ofRun) =>
    graph === undefined
      ? new OpenLoopCore({ ...options, ...ofRun, originMs, order })
      : new AgenticCore({ ...options, ...ofRun, graph, originMs: originMs ?? 0, streamable: order !== "none" })
  )
})

const closedLoop = Effect.fnUntraced(function* ({ concurrency, ...replayed }: ClosedLoopTrace) {
  const { trace } = replayed
  const { closedLoopProblem } = trace.survey
  yield* checkConcurrency(concurrency)
  if (closedLoopProblem !== undefined) return yield* closedLoopProblem
  const options = { ...coreOptions(trace), concurrency }
  return fromTrace(replayed, (ofRun) => new ClosedLoopCore({ ...options, ...ofRun }))
})

const rowStream = Effect.fnUntraced(function* ({
  arrivalSpeedup = 1,
  name,
  plansOutputs = false,
  rows,
  traceBlockTokens
}: RowStream) {
  yield* checkSpeedup("ratio", arrivalSpeedup)
  return {
    traceBlockTokens,
    usesTokenRuns: plansOutputs,
    rows: sortedRows(rows, name, plansOutputs),
    make: (identity: BlockIdentity) =>
      Effect.sync(
        () =>
          new OpenLoopCore({
            identity,
            traceBlockTokens,
            usesTokenRuns: plansOutputs,
            accumulatesPrompts: false,
            originMs: undefined,
            arrivalSpeedup,
            order: "by-session",
            turnsOf: undefined
          })
      )
  }
})

const synthetic = Effect.fnUntraced(function* (options: SyntheticOptions) {
  const plan = yield* planSynthetic(options)
  const { arrivalSpeedup, concurrency } = options
  const prompts = { traceBlockTokens: options.blockTokens, usesTokenRuns: false, accumulatesPrompts: false }
  const make = (identity: BlockIdentity): WorkloadCore => {
    if (concurrency === undefined) {
      return new OpenLoopCore({
        identity,
        ...prompts,
        originMs: 0,
        arrivalSpeedup: arrivalSpeedup ?? 1,
        order: "by-session",
        turnsOf: plan.turnsOf
      })
    }
    return plan.sessions
      ? new ClosedLoopCore({ identity, ...prompts, concurrency, turnsOf: plan.turnsOf })
      : new RequestLoopCore({ identity, ...prompts, concurrency })
  }
  return { ...prompts, rows: plan.rows, make: (identity: BlockIdentity) => Effect.sync(() => make(identity)) }
})

/** What requests there are and when they come: rows, and a factory of workload cores, one per run. */
export class Workload extends Context.Service<
  Workload,
  {
    /** Tokens per hash id; what block identities are built from. */
    readonly traceBlockTokens: number
    /** Whether prompts are built from token runs (planned outputs, accumulated prompts) instead of hash ids alone. */
    readonly usesTokenRuns: boolean
    readonly rows: Stream.Stream<TraceRow, TraceError>
    readonly make: (identity: BlockIdentity) => Effect.Effect<WorkloadCore, TraceError>
  }
>()("dynosim/workload/Workload") {
  /** A checked trace, arriving at its own times. */
  static readonly layerOpenLoop = (options: OpenLoopTrace): Layer.Layer<Workload, TraceError | WorkloadError> =>
    Layer.effect(Workload, openLoop(options))

  /** A checked trace, with a fixed number of active sessions. */
  static readonly layerClosedLoop = (options: ClosedLoopTrace): Layer.Layer<Workload, TraceError | WorkloadError> =>
    Layer.effect(Workload, closedLoop(options))

  /** Any rows in arrival order, checked as they come; fails in the run at the first row out of order. */
  static readonly layerRows = (options: RowStream): Layer.Layer<Workload, WorkloadError> =>
    Layer.effect(Workload, rowStream(options))

  /** Made-up load: see {@link SyntheticOptions}. */
  static readonly layerSynthetic = (options: SyntheticOptions): Layer.Layer<Workload, WorkloadError> =>
    Layer.effect(Workload, synthetic(options))
}

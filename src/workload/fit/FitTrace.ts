/**
 * A trace as a small workload file: how sessions arrive, how long prompts and outputs are, what prompts share, how sessions go on.
 *
 * Everything is described for itself, by tables of percentiles; how lengths, gaps and waits hang together is not, except sharing, which
 * follows the length of prompts. Holds some numbers per request: 64 bytes at the most.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { complete } from "../../settings/Decode.ts"
import { OpenSessions } from "../../trace/edit/OpenSessions.ts"
import { SessionClock } from "../../trace/edit/SessionClock.ts"
import { PrefixHistory } from "../../trace/PrefixHistory.ts"
import { TraceError } from "../../trace/TraceError.ts"
import type { TraceRow } from "../../trace/TraceRow.ts"
import type { TraceSource } from "../../trace/TraceSource.ts"
import type { PercentileTable } from "../classes/PercentileTable.ts"
import { type ClassPlan, classSettings, planSettings, type WorkloadPlan } from "../classes/WorkloadPlan.ts"
import { fittedBands, type SharedPrompt } from "./FittedBands.ts"
import { fittedTable } from "./FittedTable.ts"

/** Name of the class of rows that name none. */
const defaultClass = "requests"

/** Distinct prefixes that are compared, at most; of traces with more, sharing is underestimated. */
const maxPrefixes = 1 << 22

const table = (values: ReadonlyArray<number>, digits = 0): PercentileTable =>
  fittedTable(Float64Array.from(values), digits)

/** What has been seen of a class. */
class ClassFit {
  readonly startsMs: Array<number> = []
  readonly inputTokens: Array<number> = []
  readonly outputTokens: Array<number> = []
  readonly turns: Array<number> = []
  readonly addedTokens: Array<number> = []
  readonly waitsMs: Array<number> = []
  readonly sharing: Array<SharedPrompt> = []
  readonly name: string
  private readonly first: TraceRow

  /** Priorities are those of the first row. */
  constructor(name: string, first: TraceRow) {
    this.name = name
    this.first = first
  }

  plan(): ClassPlan {
    const { name } = this
    const hasTurns = this.addedTokens.length > 0
    const starts = Float64Array.from(this.startsMs).toSorted()
    const gapsMs = Array.from(starts.subarray(1), (startMs, index) => startMs - starts[index]!)
    const { policyClass, priority, strictPriority } = this.first
    return {
      ...complete(classSettings, {}),
      name,
      gapsMs: gapsMs.length === 0 ? 0 : table(gapsMs, 3),
      inputTokens: table(this.inputTokens),
      outputTokens: table(this.outputTokens),
      ...(hasTurns
        ? { turns: table(this.turns), turnInputTokens: table(this.addedTokens), waitMs: table(this.waitsMs, 3) }
        : {}),
      ...(this.sharing.some(({ sharedBlocks }) => sharedBlocks > 0) ? { sharing: fittedBands(this.sharing) } : {}),
      priority,
      strictPriority,
      policyClass
    }
  }
}

/** A session that goes on. */
interface FitSession {
  readonly of: ClassFit
  readonly clock: SessionClock
  readonly index: number
  /** Tokens said and heard so far; `NaN` before the first turn. */
  tokens: number
}

class TraceFit {
  private readonly trace: TraceSource
  private readonly classes = new Map<string, ClassFit>()
  private readonly sessions: OpenSessions<FitSession>
  private readonly prefixes = new PrefixHistory(maxPrefixes)

  constructor(trace: TraceSource) {
    this.trace = trace
    this.sessions = new OpenSessions(trace.survey, (row) => this.begin(row))
  }

  add(row: TraceRow): void {
    const session = this.sessions.of(row)
    const { of } = session
    of.outputTokens.push(row.outputTokens)
    of.turns[session.index]! += 1
    const waitMs = session.clock.waitMs(row)
    if (Number.isNaN(session.tokens)) this.addPrompt(of, row)
    else {
      const addedTokens = this.trace.accumulatesPrompts ? row.promptTokens : row.promptTokens - session.tokens
      of.addedTokens.push(Math.max(1, addedTokens))
      of.waitsMs.push(waitMs)
    }
    session.tokens = row.promptTokens + row.outputTokens
  }

  plan(): WorkloadPlan {
    const { survey, traceBlockTokens } = this.trace
    return {
      blockTokens: traceBlockTokens,
      requestCount: survey.sessions,
      daySeconds: planSettings.daySeconds.absent,
      classes: [...this.classes.values()].map((of) => of.plan())
    }
  }

  private begin(row: TraceRow): FitSession {
    const name = row.className ?? defaultClass
    const of = this.classes.get(name) ?? new ClassFit(name, row)
    this.classes.set(name, of)
    of.startsMs.push(row.timestampMs ?? 0)
    return { of, clock: new SessionClock(row), index: of.turns.push(0) - 1, tokens: Number.NaN }
  }

  /** First prompts of sessions: later ones share with those before. */
  private addPrompt(of: ClassFit, { hashIds, promptTokens }: TraceRow): void {
    const blocks = Math.ceil(promptTokens / this.trace.traceBlockTokens)
    const { blocks: sharedBlocks, promptsBack } = this.prefixes.add(hashIds, blocks)
    of.inputTokens.push(promptTokens)
    of.sharing.push({ promptTokens, blocks, sharedBlocks, promptsBack })
  }
}

/** Reads a trace once more and describes it. */
export const fitTrace = Effect.fnUntraced(function* (trace: TraceSource): Effect.fn.Return<WorkloadPlan, TraceError> {
  const { file, graph, survey } = trace
  if (survey.openLoopProblem !== undefined) return yield* survey.openLoopProblem
  if (graph !== undefined) {
    const problem = "has requests that wait for each other by name, which a workload file cannot describe"
    return yield* new TraceError({ file, problem })
  }
  const fit = new TraceFit(trace)
  yield* Stream.runForEachArray(trace.rows, (chunk) =>
    Effect.sync(() => {
      for (const row of chunk) fit.add(row)
    })
  )
  return fit.plan()
})

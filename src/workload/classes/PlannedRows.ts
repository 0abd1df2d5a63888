/** The rows of a workload file: the sessions of all classes in the order of their starts, each with its turns in a row. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { TraceRow } from "../../trace/TraceRow.ts"
import { rowChunks } from "../RowChunks.ts"
import { workloadError, type WorkloadError } from "../WorkloadError.ts"
import { meanWait } from "./Amounts.ts"
import { ClassSessions, FreshIds } from "./ClassSessions.ts"
import type { ClassPlan, WorkloadPlan } from "./WorkloadPlan.ts"

/** Sessions per ms. */
const rateOf = ({ gapsMs, rate = 0 }: ClassPlan): number => (gapsMs === undefined ? rate / 1000 : 1 / meanWait(gapsMs))

/**
 * Sessions of each class, in proportion to the rates and as many as asked for in all: whole parts first, then one more for the largest
 * remainders. A class whose sessions all start at once counts as one with the rate of all others together.
 */
export const sessionsPerClass = ({ classes }: WorkloadPlan, total: number): ReadonlyArray<number> => {
  const rates = classes.map(rateOf)
  const finite = rates.filter((rate) => Number.isFinite(rate)).reduce((sum, rate) => sum + rate, 0)
  const shares = rates.map((rate) => (Number.isFinite(rate) ? rate : finite === 0 ? 1 : finite))
  const all = shares.reduce((sum, rate) => sum + rate, 0)
  const exact = shares.map((share) => (total * share) / all)
  const counts = exact.map(Math.floor)
  const missing = total - counts.reduce((sum, count) => sum + count, 0)
  const byRemainder = exact
    .map((value, index) => [value - counts[index]!, index] as const)
    .toSorted((a, b) => b[0] - a[0])
  for (const [, index] of byRemainder.slice(0, missing)) counts[index]! += 1
  return counts
}

/** What differs from the workload file. */
export interface PlannedOptions {
  /** Sessions of all classes together; that of the file by default. */
  readonly requestCount: number | undefined
  readonly seed: number | bigint
}

/** What a good request of each class is: bounds in ms, those that are given. */
export interface ClassLevel {
  readonly ttftMs?: number
  readonly itlMs?: number
  readonly e2eMs?: number
}

export const levelsOf = ({ classes }: WorkloadPlan): ReadonlyMap<string, ClassLevel> =>
  new Map(
    classes.map(({ name, slaE2eMs, slaItlMs, slaTtftMs }) => [
      name,
      {
        ...(slaTtftMs === undefined ? {} : { ttftMs: slaTtftMs }),
        ...(slaItlMs === undefined ? {} : { itlMs: slaItlMs }),
        ...(slaE2eMs === undefined ? {} : { e2eMs: slaE2eMs })
      }
    ])
  )

const earliest = (classes: ReadonlyArray<ClassSessions>): ClassSessions | undefined => {
  let found: ClassSessions | undefined
  for (const each of classes) {
    if (each.nextStartMs < (found?.nextStartMs ?? Number.POSITIVE_INFINITY)) found = each
  }
  return found
}

function* rowsOf(plan: WorkloadPlan, total: number, seed: number | bigint): Generator<TraceRow> {
  const { blockTokens, daySeconds } = plan
  const counts = sessionsPerClass(plan, total)
  const ids = new FreshIds()
  const classes = plan.classes.map(
    (each, index) => new ClassSessions(each, { sessions: counts[index]!, blockTokens, daySeconds, seed, index, ids })
  )
  let line = 0
  for (;;) {
    const next = earliest(classes)
    if (next === undefined) return
    for (const row of next.take()) yield { ...row, line: ++line }
  }
}

/** The rows that a workload file stands for, made anew at every run. */
export const plannedRows = (
  plan: WorkloadPlan,
  { requestCount = plan.requestCount, seed }: PlannedOptions
): Effect.Effect<Stream.Stream<TraceRow>, WorkloadError> =>
  requestCount === undefined
    ? Effect.fail(
        workloadError("request_count", "is missing: say how many sessions there are, in the file or beside it")
      )
    : Effect.succeed(rowChunks(() => rowsOf(plan, requestCount, seed)))

/** A point and its runs, one per seed: its figures, whether it meets the constraints, and which of two is better. */
import { type Judgement, judgeValue, violation, type Condition } from "../report/Condition.ts"
import { isEmptyLatency, type Metric, reportMetrics } from "../report/Metric.ts"
import type { Report } from "../report/Report.ts"
import type { Cell, Point } from "./Cell.ts"
import { cost, type Objective } from "./Objective.ts"
import type { Plan } from "./Plan.ts"
import { totalGpus } from "./SweepMetrics.ts"
import { halfWidth95, mean } from "../report/Interval.ts"

/** A point whose runs are all done, one per seed. */
export interface Candidate {
  readonly point: Point
  /** Position of the point in the plan. */
  readonly index: number
  readonly values: ReadonlyArray<string>
  /** Options of the first seed, as a `--config` file. */
  readonly config: string
  readonly reports: readonly [Report, ...ReadonlyArray<Report>]
  readonly judgements: ReadonlyArray<Judgement>
  readonly isFeasible: boolean
  /** Sum of what is missed of the constraints, each as a share of its bound. */
  readonly violation: number
  /** Of each objective, less is better. */
  readonly costs: ReadonlyArray<number>
}

/** A mean over seeds, and how sure it is. */
export interface Figure {
  readonly mean: number
  /** Half the width of the 95 % interval of the mean; `undefined` for a single run. */
  readonly halfWidth: number | undefined
}

const valuesOf = ({ of }: Metric, reports: ReadonlyArray<Report>): ReadonlyArray<number> | undefined => {
  const values = reports.map(of).filter((value) => value !== undefined)
  return values.length === reports.length ? values : undefined
}

/** A metric over the seeds; `undefined` where a run does not have it. */
export const figureOf = (metric: Metric, reports: ReadonlyArray<Report>): Figure | undefined => {
  const values = valuesOf(metric, reports)
  return values === undefined ? undefined : { mean: mean(values), halfWidth: halfWidth95(values) }
}

const judgementOf = (condition: Condition, reports: ReadonlyArray<Report>, judge: Plan["judge"]): Judgement => {
  const values = tellingValues(condition.metric, reports)
  if (values === undefined) return judgeValue(condition, undefined)
  if (judge === "mean") return judgeValue(condition, mean(values))
  const each = values.map((value) => judgeValue(condition, value))
  return each.reduce((worst, next) => (violation(next) > violation(worst) ? next : worst))
}

const tellingValues = (metric: Metric, reports: ReadonlyArray<Report>): ReadonlyArray<number> | undefined =>
  reports.some((report) => isEmptyLatency(metric, report)) ? undefined : valuesOf(metric, reports)

/** What a candidate makes of a condition that it should not meet; `worst` of its runs is any that meets it. */
export const judgeThreshold = (condition: Condition, { reports }: Candidate, judge: Plan["judge"]): Judgement => {
  const values = tellingValues(condition.metric, reports)
  if (values === undefined) return judgeValue(condition, undefined)
  const each = (judge === "mean" ? [mean(values)] : values).map((value) => judgeValue(condition, value))
  return each.find(({ holds }) => holds) ?? judgeValue(condition, values[0])
}

export const candidateOf = (
  plan: Plan,
  cells: readonly [Cell, ...ReadonlyArray<Cell>],
  reports: Candidate["reports"]
): Candidate => {
  const [{ config, index, point, values }] = cells
  const judgements = plan.constraints.map((condition) => judgementOf(condition, reports, plan.judge))
  return {
    point,
    index,
    values,
    config,
    reports,
    judgements,
    isFeasible: judgements.every(({ holds }) => holds),
    violation: judgements.reduce((sum, judgement) => sum + violation(judgement), 0),
    costs: plan.objectives.map((objective) => costOf(objective, reports))
  }
}

const costOf = (objective: Objective, reports: ReadonlyArray<Report>): number =>
  cost(objective, figureOf(objective.metric, reports)?.mean)

const throughput = reportMetrics.get("output_throughput_tok_s")
const latency = reportMetrics.get("mean_e2e_latency_ms")

const meanOf = (metric: Metric | undefined, { reports }: Candidate): number =>
  metric === undefined ? 0 : (figureOf(metric, reports)?.mean ?? 0)

/**
 * Below 0 where `a` is the better one. Of those that meet the constraints the objective decides, then output throughput, mean end-to-end
 * latency, GPUs; the smallest violation goes before all of it where none does. Last, the earlier in the plan, so that there are no ties.
 */
export const compareCandidates = (a: Candidate, b: Candidate): number => {
  if (a.isFeasible !== b.isFeasible) return a.isFeasible ? -1 : 1
  const differences = [
    a.isFeasible ? 0 : difference(a.violation, b.violation),
    a.isFeasible ? difference(a.costs[0] ?? 0, b.costs[0] ?? 0) : 0,
    difference(meanOf(throughput, b), meanOf(throughput, a)),
    difference(meanOf(latency, a), meanOf(latency, b)),
    difference(totalGpus(a.reports[0]), totalGpus(b.reports[0])),
    difference(a.index, b.index)
  ]
  return differences.find((found) => found !== 0) ?? 0
}

/** Infinite costs are equal, not NaN apart. */
const difference = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0)

/** The best, feasible or not; `undefined` of none. */
export const bestOf = (candidates: ReadonlyArray<Candidate>): Candidate | undefined =>
  candidates.reduce<Candidate | undefined>(
    (best, next) => (best === undefined || compareCandidates(next, best) < 0 ? next : best),
    undefined
  )

const dominates = (a: Candidate, b: Candidate): boolean =>
  a.costs.every((value, index) => value <= (b.costs[index] ?? Number.POSITIVE_INFINITY))
  && a.costs.some((value, index) => value < (b.costs[index] ?? Number.POSITIVE_INFINITY))

/** Feasible candidates that none is better than: in no objective worse and in one better. Equal ones are all in the set. */
export const paretoSet = (candidates: ReadonlyArray<Candidate>): ReadonlySet<Candidate> => {
  const feasible = candidates.filter(({ costs, isFeasible }) => isFeasible && costs.every(Number.isFinite))
  return new Set(feasible.filter((one) => !feasible.some((other) => dominates(other, one))))
}

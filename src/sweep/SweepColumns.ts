/** The columns of the tables of figures that a sweep writes: CSV and Parquet hold the same. A row is a candidate. */
import type { Column } from "../report/Column.ts"
import { type Candidate, figureOf } from "./Candidate.ts"
import type { Plan } from "./Plan.ts"
import { isBest, type Summary } from "./Summary.ts"
import { sweepMetrics } from "./SweepMetrics.ts"

const truth = (name: string, is: (candidate: Candidate) => boolean): Column<Candidate> => ({
  name,
  type: "text",
  of: (candidate) => String(is(candidate))
})

const number = (name: string, of: (candidate: Candidate) => number | undefined): Column<Candidate> => ({
  name,
  type: "number",
  of: (candidate) => {
    const value = of(candidate)
    return value === undefined || !Number.isFinite(value) ? null : value
  }
})

/** Where there are several seeds, each figure is their mean, and has the half-width of its interval beside it. */
const figures = (isRepeated: boolean): ReadonlyArray<Column<Candidate>> =>
  [...sweepMetrics.values()].flatMap((metric) => [
    number(metric.name, ({ reports }) => figureOf(metric, reports)?.mean),
    ...(isRepeated ? [number(`${metric.name}_ci95`, ({ reports }) => figureOf(metric, reports)?.halfWidth)] : [])
  ])

export const sweepColumns = (plan: Plan, summary: Summary): ReadonlyArray<Column<Candidate>> => [
  { name: "index", type: "integer", of: ({ index }) => index },
  ...plan.axes.map(({ name }, axis): Column<Candidate> => ({
    name,
    type: "text",
    of: ({ values }) => values[axis] ?? null
  })),
  truth("feasible", ({ isFeasible }) => isFeasible),
  truth("best", (candidate) => isBest(plan, summary, candidate)),
  truth("pareto", (candidate) => summary.pareto.has(candidate)),
  number("violation", ({ violation }) => violation),
  ...figures((plan.seeds?.length ?? 1) > 1)
]

/** The columns of the tables of figures that a sweep writes: CSV and Parquet hold the same. A row is a candidate, or a combination that was stopped. */
import type { Column } from "../report/Column.ts"
import { type Candidate, figureOf } from "./Candidate.ts"
import type { Plan } from "./Plan.ts"
import { isBest, type StoppedPoint, type Summary } from "./Summary.ts"
import { sweepMetrics } from "./SweepMetrics.ts"

export type SweepRow = Candidate | StoppedPoint

/** In the order of the plan. */
export const rowsOf = ({ candidates, stopped }: Summary): ReadonlyArray<SweepRow> =>
  [...candidates, ...stopped].toSorted((a, b) => a.index - b.index)

const truth = (name: string, is: (candidate: Candidate) => boolean): Column<SweepRow> => ({
  name,
  type: "text",
  of: (row) => String("reports" in row && is(row))
})

const number = (name: string, of: (candidate: Candidate) => number | undefined): Column<SweepRow> => ({
  name,
  type: "number",
  of: (row) => {
    const value = "reports" in row ? of(row) : undefined
    return value === undefined || !Number.isFinite(value) ? null : value
  }
})

/** Where there are several seeds, each figure is their mean, and has the half-width of its interval beside it. */
const figures = (isRepeated: boolean): ReadonlyArray<Column<SweepRow>> =>
  [...sweepMetrics.values()].flatMap((metric) => [
    number(metric.name, ({ reports }) => figureOf(metric, reports)?.mean),
    ...(isRepeated ? [number(`${metric.name}_ci95`, ({ reports }) => figureOf(metric, reports)?.halfWidth)] : [])
  ])

const stopped: Column<SweepRow> = {
  name: "stopped",
  type: "text",
  of: (row) => ("reports" in row ? null : row.reason)
}

export const sweepColumns = (plan: Plan, summary: Summary): ReadonlyArray<Column<SweepRow>> => [
  { name: "index", type: "integer", of: ({ index }) => index },
  ...plan.axes.map(({ name }, axis): Column<SweepRow> => ({
    name,
    type: "text",
    of: ({ values }) => values[axis] ?? null
  })),
  truth("feasible", ({ isFeasible }) => isFeasible),
  truth("best", (candidate) => isBest(plan, summary, candidate)),
  truth("pareto", (candidate) => summary.pareto.has(candidate)),
  ...(plan.stopEarly ? [stopped] : []),
  number("violation", ({ violation }) => violation),
  ...figures((plan.seeds?.length ?? 1) > 1)
]

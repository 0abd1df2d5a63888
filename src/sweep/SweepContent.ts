/** What a sweep found, for a page to look at: a row per combination, with the figures that people choose deployments by. */
import { describeJudgement } from "../report/Condition.ts"
import type { Metric } from "../report/Metric.ts"
import { type Candidate, figureOf } from "./Candidate.ts"
import { objectiveText } from "./Objective.ts"
import type { Plan } from "./Plan.ts"
import type { Summary } from "./Summary.ts"
import { sweepMetrics } from "./SweepMetrics.ts"
import { markOf, remarks, shownMetrics } from "./SweepText.ts"

/** Beside those that the plan speaks of. */
const usual = [
  "total_gpus",
  "output_throughput_tok_s",
  "output_throughput_tok_s_per_gpu",
  "request_throughput_rps",
  "goodput_request_throughput_rps",
  "mean_ttft_ms",
  "p99_ttft_ms",
  "mean_tpot_ms",
  "p99_itl_ms",
  "mean_e2e_latency_ms",
  "p99_e2e_latency_ms",
  "shared_prefix_reused_ratio",
  "gpu_hours",
  "dynosim.rejected_requests"
]

const higherIsBetter: ReadonlySet<Metric["unit"]> = new Set(["requests/s", "tokens/s", "tokens", "ratio"])

/** Six digits are more than a chart shows. */
const rounded = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(6))

export const sweepContent = (plan: Plan, summary: Summary) => {
  const named = shownMetrics(plan)
  const metrics = [...new Set([...named, ...usual.flatMap((name) => sweepMetrics.get(name) ?? [])])]
  const told = metrics.filter((metric) =>
    summary.candidates.some((each) => figureOf(metric, each.reports) !== undefined)
  )
  const directions = new Map(plan.objectives.map(({ direction, metric }) => [metric.name, direction]))
  return {
    objectives: plan.objectives.map((objective) => ({ name: objective.metric.name, text: objectiveText(objective) })),
    constraints: plan.constraints.map(({ metric, text }) => ({ name: metric.name, text })),
    axes: plan.axes.map(({ name }) => name),
    metrics: told.map(({ name, unit }) => ({
      name,
      unit,
      isNamed: named.some((metric) => metric.name === name),
      isMaximised: (directions.get(name) ?? (higherIsBetter.has(unit) ? "maximise" : "minimise")) === "maximise"
    })),
    combinations: summary.candidates.map((candidate) => combination(plan, summary, candidate, told)),
    remarks: remarks(plan, summary)
  }
}

const combination = (plan: Plan, summary: Summary, candidate: Candidate, metrics: ReadonlyArray<Metric>) => ({
  index: candidate.index,
  mark: markOf(plan, summary, candidate),
  isFeasible: candidate.isFeasible,
  values: candidate.values,
  misses: candidate.judgements.filter(({ holds }) => !holds).map(describeJudgement),
  figures: metrics.map((metric) => rounded(figureOf(metric, candidate.reports)?.mean)),
  config: JSON.parse(candidate.config)
})

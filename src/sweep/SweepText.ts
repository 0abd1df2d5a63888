/** What a sweep found as text: a table for people, CSV for spreadsheets, JSON for programs. The same summary gives the same bytes. */
import { describeJudgement } from "../report/Condition.ts"
import type { Metric } from "../report/Metric.ts"
import { counted } from "../settings/Counted.ts"
import { type Candidate, figureOf } from "./Candidate.ts"
import { objectiveText } from "./Objective.ts"
import { looksForFewestGpus } from "./CheapestFirst.ts"
import { findingsJson, findingTexts } from "./FindingText.ts"
import { isFloor } from "./FindSearch.ts"
import type { Plan } from "./Plan.ts"
import { sweepMetrics } from "./SweepMetrics.ts"
import { rowsOf, sweepColumns } from "./SweepColumns.ts"
import { isBest, type Summary } from "./Summary.ts"

/** Metrics that the plan speaks of, each once, and those that say what was bought. */
export const shownMetrics = ({ constraints, objectives }: Plan): ReadonlyArray<Metric> => {
  const named = [...objectives.map(({ metric }) => metric), ...constraints.map(({ metric }) => metric)]
  const always = ["total_gpus", "output_throughput_tok_s", "mean_ttft_ms", "mean_itl_ms"]
  return [...new Set([...named, ...always.flatMap((name) => sweepMetrics.get(name) ?? [])])]
}

const figureText = (metric: Metric, { reports }: Candidate): string => {
  const figure = figureOf(metric, reports)
  if (figure === undefined) return "-"
  const width = figure.halfWidth === undefined ? "" : ` ±${Number(figure.halfWidth.toPrecision(2))}`
  return `${Number(figure.mean.toPrecision(6))}${width}`
}

export const markOf = (plan: Plan, summary: Summary, candidate: Candidate): string => {
  if (isFloor(plan, candidate.point)) return "floor"
  if (!candidate.isFeasible) return "misses"
  if (isBest(plan, summary, candidate)) return "best"
  return plan.objectives.length > 1 && summary.pareto.has(candidate) ? "pareto" : ""
}

/** Heading and rows. */
export const tableRows = (plan: Plan, summary: Summary): ReadonlyArray<ReadonlyArray<string>> => {
  const metrics = shownMetrics(plan)
  return [
    ["", ...plan.axes.map(({ name }) => name), ...metrics.map(({ name }) => name)],
    ...rowsOf(summary).map((row) =>
      "reports" in row
        ? [markOf(plan, summary, row), ...row.values, ...metrics.map((metric) => figureText(metric, row))]
        : ["stopped", ...row.values, ...metrics.map(() => "-")]
    )
  ]
}

/** What is worth a sentence below the table. */
export const remarks = (plan: Plan, summary: Summary): ReadonlyArray<string> => {
  const { best, candidates, elsewhere, failed, impossible } = summary
  const feasible = candidates.filter(({ isFeasible, point }) => isFeasible && !isFloor(plan, point)).length
  const nearest =
    best === undefined || best.isFeasible || plan.find !== undefined
      ? []
      : [
          `No combination meets the constraints. Nearest: ${valuesText(plan, best)}: ${best.judgements
            .filter(({ holds }) => !holds)
            .map(describeJudgement)
            .join(", ")}`
        ]
  const unserved = candidates.filter(({ reports }) =>
    reports.some(({ dynosim }) => dynosim.rejected_requests > 0)
  ).length
  return [
    `${counted(candidates.length, "combination")} run, ${feasible} within the constraints; ${plan.objectives.map(objectiveText).join(", ")}`,
    ...findingTexts(plan, summary),
    ...nearest,
    ...(unserved === 0 ? [] : [`${counted(unserved, "combination")} rejected requests: see dynosim.rejected_requests`]),
    ...[...impossible].map(([reason, count]) => `${counted(count, "combination")} skipped: ${reason}`),
    ...stoppedTexts(plan, summary),
    ...plan.leftOut,
    ...failed.map(({ cell, reason }) => `run ${cell.index} failed (${cell.values.join(", ")}): ${reason}`),
    ...(elsewhere === 0 ? [] : [`${counted(elsewhere, "run")} of other shards not stored here yet`])
  ]
}

/** What was not run, or not to its end, and why that changes nothing. */
const stoppedTexts = (plan: Plan, { best, elsewhere, stopped, ...rest }: Summary): ReadonlyArray<string> => {
  const all = plan.axes.reduce((count, { values }) => count * values.length, 1)
  const seen = new Set([...rest.candidates, ...stopped].map(({ index }) => index)).size
  const impossible = [...rest.impossible.values()].reduce((sum, count) => sum + count, 0)
  const failed = new Set(rest.failed.map(({ cell }) => cell.point.join())).size
  const unseen = looksForFewestGpus(plan) && elsewhere === 0 ? all - seen - impossible - failed : 0
  return [
    ...(stopped.length === 0
      ? []
      : [`${counted(stopped.length, "combination")} stopped early, with a constraint broken for good`]),
    ...(unseen > 0 && best?.isFeasible === true
      ? [`${counted(unseen, "combination")} not run: with more GPUs than the best`]
      : [])
  ]
}

export const valuesText = ({ axes }: Plan, { values }: Pick<Candidate, "values">): string =>
  axes.length === 0 ? "the base" : axes.map(({ name }, axis) => `${name} ${values[axis]}`).join(", ")

/** A cell as RFC 4180 has it; texts that spreadsheets would take for formulas are quoted by an apostrophe. */
const csvCell = (value: string): string => {
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** A row per candidate as CSV (RFC 4180), heading first. */
export const sweepCsv = (plan: Plan, summary: Summary): string => {
  const columns = sweepColumns(plan, summary)
  const rows = rowsOf(summary).map((row) => columns.map(({ of }) => String(of(row) ?? "")))
  return [columns.map(({ name }) => name), ...rows].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("")
}

const candidateJson = (plan: Plan, summary: Summary, candidate: Candidate) => ({
  index: candidate.index,
  settings: Object.fromEntries(plan.axes.map(({ name }, axis) => [name, candidate.values[axis]])),
  feasible: candidate.isFeasible,
  best: isBest(plan, summary, candidate),
  pareto: summary.pareto.has(candidate),
  misses: candidate.judgements.filter(({ holds }) => !holds).map(describeJudgement),
  figures: Object.fromEntries(
    [...sweepMetrics.values()].flatMap((metric) => {
      const figure = figureOf(metric, candidate.reports)
      return figure === undefined
        ? []
        : [[metric.name, figure.halfWidth === undefined ? figure.mean : { mean: figure.mean, ci95: figure.halfWidth }]]
    })
  ),
  config: JSON.parse(candidate.config)
})

/** The summary as JSON, keys as in docs/sweep.md. */
export const sweepJson = (plan: Plan, summary: Summary): string =>
  `${JSON.stringify(
    {
      objectives: plan.objectives.map(objectiveText),
      constraints: plan.constraints.map(({ text }) => text),
      search: plan.search,
      ...(plan.find === undefined
        ? {}
        : { find: plan.axes[plan.find.axis]?.name, findings: findingsJson(plan, summary) }),
      combinations: summary.candidates.map((candidate) => candidateJson(plan, summary, candidate)),
      ...(plan.stopEarly
        ? {
            stopped: summary.stopped.map(({ index, reason, values }) => ({
              index,
              settings: Object.fromEntries(plan.axes.map(({ name }, axis) => [name, values[axis]])),
              reason
            }))
          }
        : {}),
      impossible: [...summary.impossible].map(([reason, count]) => ({ reason, count })),
      failed: summary.failed.map(({ cell, reason }) => ({ index: cell.index, settings: cell.values, reason })),
      units: Object.fromEntries([...sweepMetrics.values()].map(({ name, unit }) => [name, unit]))
    },
    undefined,
    2
  )}\n`

/** The options of a candidate as a `--config` file of JSON. */
export const configText = ({ config }: Candidate): string => `${JSON.stringify(JSON.parse(config), undefined, 2)}\n`

/**
 * Conditions on the report of a run, wherever they are written: `p99_ttft_ms < 2000`.
 *
 *     condition = metric operator number [unit]
 *     operator  = "<" | "<=" | ">" | ">=" | "==" | "!="
 *
 * A number without a unit is in the unit of the metric; with one, it is converted, and a unit of another quantity is refused:
 * `p99_ttft_ms < 2 s`, `prefix_cache_reused_ratio >= 40 %`. Several conditions are a list of such texts, or joined by `and`.
 */
import * as Result from "effect/Result"
import { closestName } from "../settings/ClosestName.ts"
import { groupMetric } from "./GroupMetric.ts"
import { type Metric, type Metrics, type MetricUnit, reportMetrics } from "./Metric.ts"
import type { Report } from "./Report.ts"
import { ConditionError } from "./ReportError.ts"

const operators = {
  "<": (value: number, bound: number) => value < bound,
  "<=": (value: number, bound: number) => value <= bound,
  ">": (value: number, bound: number) => value > bound,
  ">=": (value: number, bound: number) => value >= bound,
  "==": (value: number, bound: number) => value === bound,
  "!=": (value: number, bound: number) => value !== bound
}
/** How a figure is held against its bound. */
export type Operator = keyof typeof operators

const isOperator = (text: string): text is Operator => Object.hasOwn(operators, text)

/** About a `Subject`, which is a report where nothing else is said. */
export interface Condition<Subject = Report> {
  readonly metric: Metric<Subject>
  readonly operator: Operator
  /** In the metric's unit. */
  readonly bound: number
  /** As it was written, in regular spacing. */
  readonly text: string
}

/** By what a number with this unit is multiplied to be in the metric's own. */
const factors: Readonly<Record<MetricUnit, Readonly<Record<string, number>>>> = {
  ms: { us: 1e-3, ms: 1, s: 1e3, min: 6e4, h: 3.6e6 },
  s: { ms: 1e-3, s: 1, min: 60, h: 3600 },
  h: { s: 1 / 3600, min: 1 / 60, h: 1 },
  "requests/s": { rps: 1, "req/s": 1, "requests/s": 1, "/s": 1 },
  "tokens/s": { "tok/s": 1, "tokens/s": 1, "/s": 1 },
  tokens: { tokens: 1, tok: 1 },
  requests: { requests: 1, req: 1 },
  gpus: { gpus: 1, gpu: 1 },
  ratio: { "%": 0.01 },
  count: {}
}

const pattern = /^([A-Za-z_][\w.-]*)\s*([<>=!]+)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*([A-Za-z%/]*)$/i

const shape = 'write it like "p99_ttft_ms < 2000": a key of the report, one of <, <=, >, >=, ==, !=, and a number'

const problemIn = (text: string, problem: string, hint?: string): Result.Result<never, ConditionError> =>
  Result.fail(new ConditionError({ text, problem, ...(hint === undefined ? {} : { hint }) }))

/** What conditions may speak of. */
export interface Vocabulary<Subject> {
  readonly metrics: Metrics<Subject>
  /** Figures that have no name of their own. */
  readonly byPath?: (name: string) => Metric<Subject> | undefined
  /** Where the figures stand: "report", "comparison". */
  readonly place: string
  /** Page that lists them. */
  readonly page: string
}

const inReports = (metrics: Metrics): Vocabulary<Report> => ({
  metrics,
  byPath: groupMetric,
  place: "report",
  page: "docs/report.md"
})

const metricIn = <Subject>(
  name: string,
  text: string,
  { byPath, metrics, page, place }: Vocabulary<Subject>
): Result.Result<Metric<Subject>, ConditionError> => {
  const metric = metrics.get(name) ?? byPath?.(name)
  if (metric !== undefined) return Result.succeed(metric)
  const ofTheRun = `dynosim.${name}`
  const close = metrics.has(ofTheRun) ? ofTheRun : closestName(name, metrics.keys())
  return problemIn(
    text,
    `${name} is not a number in the ${place}`,
    close === undefined ? `${page} lists the keys of a ${place}` : `did you mean ${close}?`
  )
}

/** The metric of this name; a problem, with the nearest name, where there is none. `text` is where the name stands. */
export const metricNamed = (
  name: string,
  text: string = name,
  metrics: Metrics = reportMetrics
): Result.Result<Metric, ConditionError> => metricIn(name, text, inReports(metrics))

const inUnitOf = (
  metric: Pick<Metric, "name" | "unit">,
  number: number,
  unit: string,
  text: string
): Result.Result<number, ConditionError> => {
  if (unit === "") return Result.succeed(number)
  const known = factors[metric.unit]
  const factor = Object.hasOwn(known, unit) ? known[unit] : undefined
  if (factor !== undefined) return Result.succeed(number * factor)
  const accepted = Object.keys(known)
  return problemIn(
    text,
    `${metric.name} is not measured in ${unit}`,
    accepted.length === 0 ? "write the number alone" : `write the number alone, or with one of ${accepted.join(", ")}`
  )
}

const conditionIn = <Subject>(
  given: string,
  vocabulary: Vocabulary<Subject>
): Result.Result<Condition<Subject>, ConditionError> => {
  const text = given.trim()
  const [, name, operator, digits, unit] = pattern.exec(text) ?? []
  if (name === undefined || operator === undefined || digits === undefined) {
    return problemIn(text, "is not a condition", shape)
  }
  if (!isOperator(operator)) {
    return problemIn(text, `${operator} does not compare`, `use one of ${Object.keys(operators).join(", ")}`)
  }
  return Result.gen(function* () {
    const metric = yield* metricIn(name, text, vocabulary)
    const bound = yield* inUnitOf(metric, Number(digits), unit ?? "", text)
    if (!Number.isFinite(bound)) return yield* problemIn(text, `${digits} is too large a number`)
    return { metric, operator, bound, text: `${name} ${operator} ${digits}${unit ? ` ${unit}` : ""}` }
  })
}

/** One condition. `metrics`: what may be named, where that is more than the report's own keys. */
export const parseCondition = (
  given: string,
  metrics: Metrics = reportMetrics
): Result.Result<Condition, ConditionError> => conditionIn(given, inReports(metrics))

/** Conditions about something else than reports, as {@link parseConditions} reads them. */
export const parseConditionsIn = <Subject>(
  texts: ReadonlyArray<string>,
  vocabulary: Vocabulary<Subject>
): Result.Result<ReadonlyArray<Condition<Subject>>, ConditionError> =>
  Result.all(texts.flatMap((text) => text.split(/\s+and\s+/i)).map((text) => conditionIn(text, vocabulary)))

/** Conditions that must all hold: texts of one or more, joined by `and`. The first problem in their order wins. */
export const parseConditions = (
  texts: ReadonlyArray<string>,
  metrics: Metrics = reportMetrics
): Result.Result<ReadonlyArray<Condition>, ConditionError> => parseConditionsIn(texts, inReports(metrics))

/** What a run makes of a condition. */
export interface Judgement<Subject = Report> {
  readonly condition: Condition<Subject>
  /** The figure of the run; `undefined` where its report has none, and then the condition does not hold. */
  readonly value: number | undefined
  readonly holds: boolean
}

/** Whether a subject, by default a report, meets the condition, and by how much it misses it. */
export const judge = <Subject>(condition: Condition<Subject>, subject: Subject): Judgement<Subject> =>
  judgeValue(condition, condition.metric.of(subject))

/** The same for a figure that stands for several runs, such as their mean. */
export const judgeValue = <Subject>(condition: Condition<Subject>, value: number | undefined): Judgement<Subject> => ({
  condition,
  value,
  holds: value !== undefined && operators[condition.operator](value, condition.bound)
})

/**
 * By how much a run misses a condition, as a share of the bound (of 1 where the bound is 0); 0 where it holds, infinite where the report has
 * no such figure. Searches order runs by it where none is good enough.
 */
export const violation = <Subject>({ condition: { bound }, holds, value }: Judgement<Subject>): number => {
  if (holds) return 0
  if (value === undefined) return Number.POSITIVE_INFINITY
  return Math.max(Math.abs(value - bound) / (bound === 0 ? 1 : Math.abs(bound)), Number.EPSILON)
}

/** `p99_ttft_ms is 2310.5, not < 2000` for a condition that does not hold, and the like for one that does. */
export const describeJudgement = <Subject>({
  condition: { metric, operator, text },
  holds,
  value
}: Judgement<Subject>): string => {
  const bound = text.slice(metric.name.length + operator.length + 2)
  if (value === undefined) return `${metric.name}: this run has no such figure`
  return `${metric.name} is ${Number(value.toPrecision(6))}, ${holds ? "" : "not "}${operator} ${bound}`
}

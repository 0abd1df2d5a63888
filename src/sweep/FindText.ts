/** The answer of a search for a threshold, in words and as JSON. */
import { describeJudgement } from "../report/Condition.ts"
import type { Candidate } from "./Candidate.ts"
import type { Question } from "./Find.ts"
import { totalGpus } from "./SweepMetrics.ts"
import { type Found, isLatencyBound, notMonotone } from "./Threshold.ts"
import { counted } from "../settings/Counted.ts"

const valueAt = ({ plan }: Question, position: number): string => {
  const value = plan.axes[0]?.values[position]
  return value?._tag === "Integer" ? String(value.value) : value?._tag === "Float" ? value.literal : ""
}

/** A load that holds at the very end of what is looked at is no bound. */
const openEnd = (question: Question, position: number): ReadonlyArray<string> =>
  question.what === "num-workers" || position > 0
    ? []
    : [`The search ends at ${valueAt(question, 0)} times the load: more may hold as well`]

const conditionsText = ({ plan }: Question): string => plan.constraints.map(({ text }) => text).join(" and ")

const answerText = (question: Question, position: number, candidate: Candidate): string => {
  const value = valueAt(question, position)
  const conditions = conditionsText(question)
  if (question.what === "num-workers") {
    const gpus = totalGpus(candidate.reports[0])
    return `${counted(Number(value), "worker")}, ${counted(gpus, "GPU")}: ${conditions}`
  }
  return `${value} times the load, ${Number(candidate.reports[0].request_throughput_rps.toPrecision(4))} completed requests per second: ${conditions}`
}

/** What an idle worker comes to, where that is why nothing helps. */
export const floorText = ({ floor }: Found): ReadonlyArray<string> =>
  floor === undefined
    ? []
    : floor.judgements
        .filter(({ condition, holds }) => !holds && isLatencyBound(condition))
        .map(
          (judgement) =>
            `The floor: with one request in flight at a time, on an idle worker, ${describeJudgement(judgement)}`
        )

/** What the easiest that was tried still misses. */
export const missText = ({ tried }: Found): string => {
  const figures =
    tried
      .at(-1)
      ?.candidate?.judgements.filter(({ holds }) => !holds)
      .map(describeJudgement) ?? []
  return figures.length === 0 ? "" : `, where ${figures.join(", ")}`
}

const limitText = (question: Question, found: Found): string => {
  const last = found.tried.at(-1)
  const value = last === undefined ? "" : valueAt(question, last.position)
  const at = question.what === "num-workers" ? counted(Number(value), "worker") : `${value} times the load`
  return `Out of reach: ${conditionsText(question)} is not met with up to ${at}${missText(found)}`
}

/** What is worth a sentence beside the answer. */
export const caveats = (found: Found): ReadonlyArray<string> => {
  const metric = notMonotone(found)
  return metric === undefined
    ? []
    : [
        `${metric} does not move one way along what was tried, so that what was passed over may hold a better answer: a grid (dynosim sweep) looks at all`
      ]
}

/** Why no answer was found, in a sentence; `undefined` where one was. */
export const outOfReach = (question: Question, found: Found): string | undefined =>
  found.position === undefined ? [limitText(question, found), ...floorText(found)].join(". ") : undefined

/** A line per run, then the answer. */
export const findLines = (question: Question, found: Found): ReadonlyArray<string> => {
  const { position, tried } = found
  const rows = tried.map(({ candidate, position: at }) => {
    const figures = candidate?.judgements.map(
      ({ condition, value }) => `${condition.metric.name} ${value === undefined ? "-" : Number(value.toPrecision(6))}`
    )
    return `${valueAt(question, at).padStart(8)}  ${candidate?.isFeasible === true ? "holds " : "misses"}  ${figures?.join(", ") ?? "cannot be run"}`
  })
  const answer = tried.find((one) => one.position === position)?.candidate
  return [
    `${question.what}:`,
    ...rows,
    "",
    ...(position === undefined || answer === undefined
      ? [limitText(question, found), ...floorText(found)]
      : [answerText(question, position, answer), ...openEnd(question, position)]),
    ...caveats(found)
  ]
}

export const answerOf = ({ position, tried }: Found): Candidate | undefined =>
  position === undefined ? undefined : tried.find((one) => one.position === position)?.candidate

const figuresOf = (candidate: Candidate | undefined) =>
  Object.fromEntries(candidate?.judgements.map(({ condition, value }) => [condition.metric.name, value ?? null]) ?? [])

export const findJson = (question: Question, found: Found): string => {
  const answer = answerOf(found)
  return `${JSON.stringify(
    {
      question: question.what,
      conditions: question.plan.constraints.map(({ text }) => text),
      reached: answer !== undefined,
      answer: found.position === undefined ? null : Number(valueAt(question, found.position)),
      total_gpus: answer === undefined ? null : totalGpus(answer.reports[0]),
      floor: found.floor === undefined ? null : figuresOf(found.floor),
      not_monotone: notMonotone(found) ?? null,
      tried: found.tried.map(({ candidate, position }) => ({
        value: Number(valueAt(question, position)),
        holds: candidate?.isFeasible ?? false,
        figures: figuresOf(candidate)
      })),
      config: answer === undefined ? null : JSON.parse(answer.config)
    },
    undefined,
    2
  )}\n`
}

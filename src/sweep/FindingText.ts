/** What the searches of a `find` plan came to, in words and as JSON. */
import { valueText } from "./Axis.ts"
import { type Finding, findings } from "./FindSearch.ts"
import { caveats, floorText, missText } from "./FindText.ts"
import type { Plan } from "./Plan.ts"
import type { Summary } from "./Summary.ts"

/** None while runs are missing, and none for plans with another search. */
const findingsOf = (plan: Plan, { candidates, elsewhere, failed }: Summary): ReadonlyArray<Finding> =>
  elsewhere > 0
    ? []
    : findings(
        plan,
        candidates,
        failed.map(({ cell }) => cell.point)
      )

const conditionsText = ({ constraints }: Plan): string => constraints.map(({ text }) => text).join(" and ")

/** The settings of the other axes, which tell one search from the next. */
const settingsOf = ({ axes, find }: Plan, { point }: Finding): ReadonlyArray<readonly [name: string, value: string]> =>
  axes.flatMap(({ name, values }, axis) =>
    axis === find?.axis || axis === find?.floor
      ? []
      : [[name, valueText(values[point[axis] ?? 0] ?? values[0])] as const]
  )

const valueAt = ({ axes, find }: Plan, position: number | undefined): string | undefined => {
  const value = position === undefined ? undefined : axes[find?.axis ?? 0]?.values[position]
  return value === undefined ? undefined : valueText(value)
}

const answerText = (plan: Plan, finding: Finding): string => {
  const { found, isUndecided } = finding
  const name = plan.axes[plan.find?.axis ?? 0]?.name ?? ""
  const conditions = conditionsText(plan)
  if (isUndecided) return `undecided, because a run failed: which ${name} meets ${conditions}`
  const answer = valueAt(plan, found.position)
  if (answer !== undefined) return `${name} ${answer} is the first that meets ${conditions}`
  const last = valueAt(plan, found.tried.at(-1)?.position)
  return [
    `out of reach: ${conditions} is not met with ${name} up to ${last}${missText(found)}`,
    ...floorText(found)
  ].join(". ")
}

const prefixOf = (plan: Plan, finding: Finding): string => {
  const settings = settingsOf(plan, finding)
  return settings.length === 0 ? "" : `${settings.map((setting) => setting.join(" ")).join(", ")}: `
}

/** A sentence per search, in the order of the plan. */
export const findingTexts = (plan: Plan, summary: Summary): ReadonlyArray<string> =>
  findingsOf(plan, summary).flatMap((finding) =>
    [answerText(plan, finding), ...caveats(finding.found)].map((text) => `${prefixOf(plan, finding)}${text}`)
  )

/** Why the plan has no answer, a sentence per search; none where some search has one, or may have. */
export const nothingFound = (plan: Plan, summary: Summary): ReadonlyArray<string> => {
  const all = findingsOf(plan, summary)
  return all.some(({ found, isUndecided }) => isUndecided || found.position !== undefined)
    ? []
    : all.map((finding) => `${prefixOf(plan, finding)}${answerText(plan, finding)}`)
}

export const findingsJson = (plan: Plan, summary: Summary) =>
  findingsOf(plan, summary).map((finding) => ({
    settings: Object.fromEntries(settingsOf(plan, finding)),
    first: finding.isUndecided ? null : (valueAt(plan, finding.found.position) ?? null),
    undecided: finding.isUndecided,
    floor: Object.fromEntries(
      finding.found.floor?.judgements.map(({ condition, value }) => [condition.metric.name, value ?? null]) ?? []
    )
  }))

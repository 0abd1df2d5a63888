/** Holds that no number of a report is NaN or infinite: inputs that could make one are refused before a run. */
import type { Json } from "effect/Schema"
import type { Report } from "./Report.ts"

/** Path of the first number that is not finite, such as `dynosim.pools.0.kv_gib`; `undefined` when all are. */
export const nonFiniteKey = (value: unknown, path = ""): string | undefined => {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : path
  if (typeof value !== "object" || value === null) return undefined
  for (const [key, item] of Object.entries(value)) {
    const found = nonFiniteKey(item, path === "" ? key : `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

/** Settings as JSON can hold them: numbers that it does not know, such as "no limit", become `null`. */
export const finiteJson = (value: Json): Json => {
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(finiteJson)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, finiteJson(item)]))
}

/** The report, if all its numbers are finite; throws otherwise, because a run has times or counts that cannot be. */
export const finiteReport = (report: Report): Report => {
  const key = nonFiniteKey(report)
  if (key === undefined) return report
  throw new Error(
    `${key} of the report is not a finite number: a duration, a time or a count of the run is not `
      + `(a timing model, a router or a workload of one's own must give finite numbers)`
  )
}

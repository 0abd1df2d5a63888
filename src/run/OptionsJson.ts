/** The options of a run as the report shows them: units in the names, "no limit" and "not set" as null. */
import type { Json } from "effect/Schema"
import type { ReplayOptions } from "./ReplayOptions.ts"

const jsonOf = (value: unknown): Json => {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (typeof value === "bigint") return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value !== "object") return null
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key === "_tag" ? "kind" : key, jsonOf(item)]))
}

/** Not part of what was simulated; the report carries the notices as its warnings. */
const beside: ReadonlySet<string> = new Set(["notices", "outputs", "quiet"])

export const optionsJson = (options: ReplayOptions): Json =>
  jsonOf(Object.fromEntries(Object.entries(options).filter(([key]) => !beside.has(key))))

/** The options of a run as the report shows them: units in the names, "no limit" and "not set" as null. */
import type { Json } from "effect/Schema"
import type { ReplayOptions } from "../config/ReplayOptions.ts"

const jsonOf = (value: unknown): Json => {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (typeof value === "bigint") return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value !== "object") return null
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key === "_tag" ? "kind" : key, jsonOf(item)]))
}

/** Without the notices, which the report carries as warnings. */
export const optionsJson = ({ notices, quiet, ...options }: ReplayOptions): Json => jsonOf(options)

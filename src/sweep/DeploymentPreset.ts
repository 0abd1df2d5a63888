/**
 * Deployments as axes name them: `{workers: 4}`, `{prefill: 2, decode: 2}`, with parallel sizes `{workers: 2, tp: 4}`,
 * `{workers: 1, tp: 8, moe_ep: 8}`, `{prefill: 2, decode: 4, prefill_tp: 2, decode_tp: 1}`.
 *
 * Under a preset `extra-engine-args` of the base are the arguments of all engines, and those of the prefill and decode workers add to
 * them: one base serves aggregated and disaggregated runs.
 */
import { emptyObject, type JsonNode, type JsonObject, type Position, showNode } from "../settings/JsonNode.ts"
import { closestName } from "../settings/ClosestName.ts"

/** Sizes by the key in a preset, and the engine argument that each sets. */
const sizeArguments = {
  tp: "aic_tp_size",
  moe_tp: "aic_moe_tp_size",
  moe_ep: "aic_moe_ep_size",
  attention_dp: "aic_attention_dp_size"
} as const
const sizeKeys = Object.keys(sizeArguments)

export const aggregatedKeys: ReadonlyArray<string> = ["workers", ...sizeKeys]
export const disaggregatedKeys: ReadonlyArray<string> = [
  "prefill",
  "decode",
  ...["", "prefill_", "decode_"].flatMap((role) => sizeKeys.map((key) => `${role}${key}`))
]

export const isPreset = (node: JsonNode): node is JsonObject => node._tag === "Object"

interface PresetProblem {
  readonly at: Position
  readonly problem: string
  readonly hint?: string
}

export const presetProblem = (preset: JsonObject): PresetProblem | undefined => {
  const aggregated = preset.entries.has("workers")
  const known = aggregated ? aggregatedKeys : disaggregatedKeys
  for (const [key, { keyAt, value }] of preset.entries) {
    if (!known.includes(key)) {
      const close = closestName(key, [...aggregatedKeys, ...disaggregatedKeys])
      return {
        at: keyAt,
        problem: `${key}: unknown key`,
        hint: close === undefined || close === key ? `accepted keys: ${known.join(", ")}` : `did you mean ${close}?`
      }
    }
    if (value._tag !== "Integer" || value.value < 1n) {
      return { at: value.at, problem: `${key}: expected an integer of at least 1, got ${showNode(value)}` }
    }
  }
  const missing = (aggregated ? ["workers"] : ["prefill", "decode"]).find((key) => !preset.entries.has(key))
  return missing === undefined
    ? undefined
    : { at: preset.at, problem: `${missing} is missing`, hint: "give workers, or both prefill and decode" }
}

type Entries = Map<string, JsonNode>

const entriesOf = (node: JsonNode | undefined): Entries =>
  new Map(node?._tag === "Object" ? [...node.entries].map(([key, { value }]) => [key, value]) : [])

const objectOf = (entries: Entries): JsonObject => ({
  ...emptyObject,
  entries: new Map([...entries].map(([key, value]) => [key, { keyAt: value.at, value }]))
})

/** Engine arguments of the sizes that a preset gives a pool; those of its role go before those of both. */
const sizesOf = (preset: Entries, role: "prefill" | "decode" | undefined): Entries =>
  new Map(
    Object.entries(sizeArguments).flatMap(([key, argument]) => {
      const size = (role === undefined ? undefined : preset.get(`${role}_${key}`)) ?? preset.get(key)
      return size === undefined ? [] : [[argument, size] as const]
    })
  )

const engineArgs = (
  common: JsonNode | undefined,
  own: JsonNode | undefined,
  sizes: Entries,
  role: "prefill" | "decode" | undefined
): JsonObject => {
  const merged = new Map([...entriesOf(common), ...entriesOf(own), ...sizes])
  if (role !== undefined) merged.set("worker_type", { _tag: "String", value: role, at: emptyObject.at })
  return objectOf(merged)
}

/** Options of a run, by name, deployed as the preset says. */
export const deployAs = (options: ReadonlyMap<string, JsonNode>, preset: JsonObject): ReadonlyMap<string, JsonNode> => {
  const counts = entriesOf(preset)
  const result = new Map(options)
  const common = options.get("extra-engine-args")
  for (const name of ["num-workers", "num-prefill-workers", "num-decode-workers"]) result.delete(name)
  for (const name of ["extra-engine-args", "prefill-engine-args", "decode-engine-args"]) result.delete(name)
  const workers = counts.get("workers")
  if (workers !== undefined) {
    const engine = engineArgs(common, undefined, sizesOf(counts, undefined), undefined)
    return engine.entries.size === 0
      ? result.set("num-workers", workers)
      : result.set("num-workers", workers).set("extra-engine-args", engine)
  }
  for (const role of ["prefill", "decode"] as const) {
    const count = counts.get(role)
    if (count !== undefined) result.set(`num-${role}-workers`, count)
    const own = options.get(`${role}-engine-args`)
    result.set(`${role}-engine-args`, engineArgs(common, own, sizesOf(counts, role), role))
  }
  return result
}

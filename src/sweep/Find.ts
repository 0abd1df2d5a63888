/** The two common questions as plans of their own: how few workers are enough, and how much load is not too much. */
import * as Result from "effect/Result"
import { ConfigError, type ConfigSource } from "../config/ConfigError.ts"
import type { FlagTable } from "../config/FlagSpec.ts"
import { emptyObject, type JsonEntry, type JsonNode, type JsonObject, numberNode } from "../settings/JsonNode.ts"
import { type JsonSetting, nodeOf } from "../config/JsonSetting.ts"
import type { FlagValues } from "../config/ReadFlags.ts"
import type { Condition } from "../report/Condition.ts"
import type { Form } from "../settings/Kind.ts"
import { numberOf } from "../settings/NumberText.ts"
import type { Axis } from "./Axis.ts"
import { parseObjective } from "./Objective.ts"
import type { Plan } from "./Plan.ts"
import { isLatencyBound, type Row } from "./Threshold.ts"

/** A question: the plan whose points it looks at, and the row of them. */
export interface Question {
  readonly plan: Plan
  readonly row: Row
  /** What the first axis counts. */
  readonly what: string
}

const { at } = emptyObject

const integerNode = (value: number): JsonNode => ({ _tag: "Integer", value: BigInt(value), literal: String(value), at })

const wordNode = (form: Form | undefined, word: string): JsonNode => {
  const number = form === "integer" || form === "number" ? numberOf(word) : undefined
  if (number !== undefined && Number.isFinite(number)) {
    return numberNode(JSON.stringify(number), at) ?? { _tag: "String", value: word, at }
  }
  return form === "switch"
    ? { _tag: "Boolean", value: word === "true", literal: word, at }
    : { _tag: "String", value: word, at }
}

const settingNode = (setting: JsonSetting, form: Form | undefined): Result.Result<JsonNode, ConfigError> => {
  if (setting._tag === "Text" && form !== "json") return Result.succeed(wordNode(form, setting.text))
  return Result.map(nodeOf(setting), ({ node }) => node)
}

/** Options that were given as flags, as those of a configuration file. */
export const baseOfFlags = (
  traces: ReadonlyArray<string>,
  values: FlagValues,
  table: FlagTable
): Result.Result<JsonObject, ConfigError> =>
  Result.gen(function* () {
    const entries = new Map<string, JsonEntry>()
    if (traces.length > 0) {
      const items = traces.map((value): JsonNode => ({ _tag: "String", value, at }))
      entries.set("traces", { keyAt: at, value: { _tag: "Array", items, at } })
    }
    for (const [name, setting] of values) {
      entries.set(name, { keyAt: at, value: yield* settingNode(setting, table[name]?.kind.form) })
    }
    return { ...emptyObject, entries }
  })

const source: ConfigSource = { _tag: "Flag", name: "dynosim find" }

const axisOf = (name: string, [first, ...others]: ReadonlyArray<JsonNode>): Axis => ({
  name,
  path: [name],
  keyAt: at,
  values: [first ?? integerNode(1), ...others]
})

const planOf = (base: JsonObject, constraints: ReadonlyArray<Condition>, axes: ReadonlyArray<Axis>): Plan => ({
  source,
  base,
  axes,
  constraints,
  judge: "mean",
  maxGpus: undefined,
  objectives: [Result.getOrThrow(parseObjective("minimise total_gpus"))],
  seeds: undefined,
  search: "grid",
  find: undefined,
  stopEarly: false,
  leftOut: []
})

/** The first axis varies; on the second stand the load as it is, and one request in flight. */
const question = (
  what: string,
  base: JsonObject,
  constraints: ReadonlyArray<Condition>,
  values: ReadonlyArray<JsonNode>,
  row: Pick<Row, "growth" | "last" | "start" | "step">
): Question => {
  const asGiven = base.entries.get("replay-concurrency")?.value ?? { _tag: "Null", at }
  const axes = [axisOf(what, values), axisOf("replay-concurrency", [asGiven, integerNode(1)])]
  const [first = [0, 0], ...others] = values.map((_, index) => [index, 0])
  const floor = constraints.some(isLatencyBound) ? [0, 1] : undefined
  return { what, plan: planOf(base, constraints, axes), row: { ...row, points: [first, ...others], floor } }
}

/** Looked at, whatever the floor says, before a number of workers is given up: their caches together hold more than one. */
const manyWorkers = 64

/** The fewest workers, of at most `most`, that meet the conditions. */
export const fewestWorkers = (base: JsonObject, constraints: ReadonlyArray<Condition>, most: number): Question =>
  question(
    "num-workers",
    base,
    constraints,
    Array.from({ length: most }, (_, index) => integerNode(index + 1)),
    { start: 0, step: 1, growth: 2, last: Math.min(manyWorkers, most) - 1 }
  )

/** Steps between a load and twice that load: about one percent each. */
const stepsPerOctave = 64
const octaves = 10

/** The highest arrival speed-up, from 1/1024 to 1024 of the load as given, that meets the conditions. */
export const highestLoad = (base: JsonObject, constraints: ReadonlyArray<Condition>): Question => {
  const exponents = Array.from(
    { length: 2 * octaves * stepsPerOctave + 1 },
    (_, index) => octaves - index / stepsPerOctave
  )
  const values = exponents.map((exponent): JsonNode => {
    const value = Number((2 ** exponent).toPrecision(4))
    return { _tag: "Float", value, literal: String(value), at }
  })
  const start = octaves * stepsPerOctave
  return question("arrival-speedup-ratio", base, constraints, values, {
    start,
    step: stepsPerOctave,
    growth: 1,
    last: Math.min(start + 5 * stepsPerOctave, values.length - 1)
  })
}

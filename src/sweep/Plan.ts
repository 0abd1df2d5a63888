/**
 * A plan: base settings of a run, axes along which they vary, and what is looked for. YAML or JSON.
 *
 *     base:        {traces: trace.jsonl, extra-engine-args: {block_size: 64}}
 *     axes:        {num-workers: [1, 2, 4], extra-engine-args.max_num_seqs: [64, 256]}
 *     constraints: [p99_ttft_ms < 2 s]
 *     objective:   minimise total_gpus
 *
 * Every part remembers where it was written, so that what is wrong with it is told with its place.
 */
import * as Result from "effect/Result"
import { type ConfigError, configError, type ConfigSource } from "../config/ConfigError.ts"
import { readConfig } from "../config/ReadConfig.ts"
import { readFlags } from "../config/ReadFlags.ts"
import { replayFlags } from "../config/ReplayFlags.ts"
import { decodePlaced } from "../config/DecodeSettings.ts"
import { emptyObject, type JsonEntry, type JsonNode, type JsonObject, showNode } from "../settings/JsonNode.ts"
import { firstRepeat } from "../settings/FirstRepeat.ts"
import { parseSettingsFile } from "../config/SettingsFile.ts"
import { type Condition, parseConditions } from "../report/Condition.ts"
import { closestName } from "../settings/ClosestName.ts"
import { decode } from "../settings/Decode.ts"
import { anyCount, boolean, integer, type Kind, oneOf, text, texts } from "../settings/Kind.ts"
import { optional, setting } from "../settings/Setting.ts"
import { type Axis, readAxes } from "./Axis.ts"
import { floorAxis } from "./FindSearch.ts"
import { type Objective, parseObjective } from "./Objective.ts"
import { sweepMetrics } from "./SweepMetrics.ts"
import type { ConditionError } from "../report/ReportError.ts"

const object = (expected: string): Kind<ReadonlyMap<string, unknown>> => ({
  expected,
  form: "json",
  schema: { type: "object" },
  read: (value) => (value instanceof Map ? value : undefined)
})

const seedList: Kind<ReadonlyArray<number>> = {
  expected: "a list of different integers of at least 0",
  form: "other",
  schema: { type: "array", items: { type: "integer", minimum: 0 }, minItems: 1, uniqueItems: true },
  read: (value) => {
    if (!Array.isArray(value) || value.length === 0 || new Set<unknown>(value).size !== value.length) return undefined
    const items: ReadonlyArray<unknown> = value
    const seeds = items.filter((item) => typeof item === "number" && Number.isSafeInteger(item) && item >= 0)
    return seeds.length === items.length ? seeds.filter((item) => typeof item === "number") : undefined
  }
}

export const searches = ["grid", "descent", "find"] as const
export type SearchName = (typeof searches)[number]

/** The table of a plan: what its file may say. */
export const planSettings = {
  base: setting(object("options by name"), new Map(), "Options of every run: those of a --config file"),
  axes: setting(
    object("lists of values by option"),
    new Map(),
    "What varies: a list of values for each option, or for a key inside one (extra-engine-args.max_num_seqs); deployment lists worker counts such as {workers: 4} or {prefill: 2, decode: 2}, or is auto"
  ),
  constraints: optional(texts, [], "Conditions that a good run meets, such as p99_ttft_ms < 2000"),
  judge: setting(oneOf(["mean", "worst"]), "mean", "What constraints look at where there are several seeds"),
  maxGpus: optional(integer(1, anyCount), undefined, "GPU budget: larger deployments are not run"),
  objective: optional(text, undefined, "What the best run has most or least of: maximise KEY, minimise KEY"),
  pareto: optional(
    texts,
    undefined,
    "Two or three objectives: runs that none is better than in all of them are marked"
  ),
  seeds: optional(seedList, undefined, "Every combination runs once with each seed; figures are means over them"),
  search: setting(
    oneOf(searches),
    "grid",
    "grid runs every combination; descent improves axis by axis; find looks along one axis"
  ),
  stopEarly: setting(
    boolean,
    false,
    "A grid ends runs that have broken a constraint for good, and runs nothing with more GPUs than the fewest that are looked for"
  ),
  find: optional(
    text,
    undefined,
    "Axis of which the first value that meets the constraints is looked for, in each combination of the others; list its values from the most wanted to the easiest to meet them with"
  )
}

/** What is varied, and what is looked for; read from a plan file. */
export interface Plan {
  readonly source: ConfigSource
  readonly base: JsonObject
  readonly axes: ReadonlyArray<Axis>
  readonly constraints: ReadonlyArray<Condition>
  readonly judge: "mean" | "worst"
  readonly maxGpus: number | undefined
  /** One, or two or three for a Pareto set. */
  readonly objectives: readonly [Objective, ...ReadonlyArray<Objective>]
  readonly seeds: ReadonlyArray<number> | undefined
  readonly search: SearchName
  /** Which axis `find` looks along, and which one is the floor; `undefined` for other searches. */
  readonly find: { readonly axis: number; readonly floor: number | undefined } | undefined
  /** Runs that can no longer win are ended, or not begun. */
  readonly stopEarly: boolean
  /** Ways to spread the model that are no candidates, a sentence each. */
  readonly leftOut: ReadonlyArray<string>
}

/** Reads the text of a plan; a name ending in `.json` makes it strict JSON. */
export const parsePlan = (file: string, text: string): Result.Result<Plan, ConfigError> => {
  const source: ConfigSource = { _tag: "File", name: file }
  return Result.flatMap(parseSettingsFile(file, text), (node) => readPlan(source, node))
}

const schemaKey = "$schema"

const withoutSchema = (node: JsonNode): JsonNode =>
  node._tag === "Object" ? { ...node, entries: new Map([...node.entries].filter(([key]) => key !== schemaKey)) } : node

/** Keys may be written with dashes, as those of configuration files. */
const withUnderscores = (node: JsonNode): JsonNode =>
  node._tag === "Object"
    ? { ...node, entries: new Map([...node.entries].map(([key, entry]) => [key.replaceAll("-", "_"), entry])) }
    : node

const partOf = (root: JsonNode, key: string): JsonEntry | undefined =>
  root._tag === "Object" ? root.entries.get(key) : undefined

const objectAt = (root: JsonNode, key: string): JsonObject => {
  const node = partOf(root, key)?.value
  return node?._tag === "Object" ? node : emptyObject
}

/** Refuses what no run can be given, also where an axis says something else. */
const checkBase = (source: ConfigSource, base: JsonObject): Result.Result<unknown, ConfigError> =>
  Result.flatMap(readConfig(source, base), ({ values }) =>
    Result.mapError(readFlags(replayFlags, values), (error) =>
      error._tag === "ConfigError" ? error : configError(source, "base", base.at, error.message, error.hint)
    )
  )

/** What is wrong with what stands under a key; of the plan as a whole, under an empty one. */
type ProblemAt = (key: string, problem: string, hint?: string) => ConfigError

export const readPlan = (source: ConfigSource, written: JsonNode): Result.Result<Plan, ConfigError> =>
  Result.gen(function* () {
    if (written._tag !== "Object") {
      return yield* Result.fail(configError(source, "", written.at, `expected a plan, got ${showNode(written)}`))
    }
    const root = withUnderscores(withoutSchema(written))
    const given = yield* decodePlaced({ source, path: "", node: root }, (plain) => decode(planSettings, plain))
    const at = (key: string) => partOf(root, key)?.value.at ?? root.at
    const placed = <A>(key: string, read: Result.Result<A, ConditionError>): Result.Result<A, ConfigError> =>
      Result.mapError(read, (error) => configError(source, key, at(key), error.message, error.hint))
    const base = objectAt(root, "base")
    yield* checkBase(source, base)
    const axes = yield* readAxes(source, objectAt(root, "axes"))
    const constraints = yield* placed("constraints", parseConditions(given.constraints ?? [], sweepMetrics))
    const problemAt: ProblemAt = (key, problem, hint) => configError(source, key, at(key), problem, hint)
    const objectives = yield* objectivesOf(given, problemAt)
    const looked = yield* findOf(axes, constraints, given, problemAt)
    const search = looked === undefined ? (given.search ?? "grid") : "find"
    const stopEarly = given.stopEarly ?? false
    if (stopEarly && search !== "grid") {
      return yield* Result.fail(
        problemAt("stop_early", `cannot be combined with search: ${search}, which goes by the figures of all runs`)
      )
    }
    const floor = looked === undefined ? undefined : floorAxis(base, axes, constraints)
    return {
      source,
      base,
      axes: floor === undefined ? axes : [...axes, floor],
      constraints,
      judge: given.judge ?? "mean",
      maxGpus: given.maxGpus,
      objectives,
      seeds: given.seeds,
      search,
      find: looked === undefined ? undefined : { axis: looked, floor: floor === undefined ? undefined : axes.length },
      stopEarly,
      leftOut: []
    }
  })

/** What is looked for: one objective, or two or three of which none is traded for another. */
const objectivesOf = (
  {
    objective,
    pareto
  }: { readonly objective?: string | undefined; readonly pareto?: ReadonlyArray<string> | undefined },
  problem: ProblemAt
): Result.Result<Plan["objectives"], ConfigError> => {
  const key = pareto === undefined ? "objective" : "pareto"
  const names = pareto ?? (objective === undefined ? [] : [objective])
  if (pareto !== undefined && objective !== undefined) {
    return Result.fail(problem("objective", "cannot be combined with pareto"))
  }
  if (pareto !== undefined && (names.length < 2 || names.length > 3)) {
    return Result.fail(problem(key, `expected two or three objectives, got ${names.length}`))
  }
  const twice = names[firstRepeat(names)]
  if (twice !== undefined) return Result.fail(problem(key, `has "${twice}" twice`))
  const read = Result.mapError(Result.all(names.map(parseObjective)), ({ hint, message }) =>
    problem(key, message, hint)
  )
  return Result.flatMap(read, ([first, ...others]) =>
    first === undefined
      ? Result.fail(
          problem(
            "",
            "says not what is looked for",
            "add an objective such as objective: minimise total_gpus, or pareto with two or three"
          )
        )
      : Result.succeed([first, ...others])
  )
}

/** The axis that `find` looks along; `undefined` for a plan with another search. */
const findOf = (
  axes: ReadonlyArray<Axis>,
  constraints: ReadonlyArray<Condition>,
  { find, search }: { readonly find?: string | undefined; readonly search?: SearchName | undefined },
  problem: ProblemAt
): Result.Result<number | undefined, ConfigError> => {
  if (find === undefined) {
    return search === "find"
      ? Result.fail(problem("search", "find needs an axis to look along", "name it: find: num-workers"))
      : Result.succeed(undefined)
  }
  if (search !== undefined && search !== "find") {
    return Result.fail(problem("find", `cannot be combined with search: ${search}`))
  }
  if (constraints.length === 0) {
    return Result.fail(problem("find", "looks for the first value that meets constraints, and there are none"))
  }
  const axis = axes.findIndex(({ name }) => name.replaceAll("_", "-") === find.replaceAll("_", "-"))
  const close = closestName(
    find,
    axes.map(({ name }) => name)
  )
  return axis >= 0
    ? Result.succeed(axis)
    : Result.fail(
        problem("find", `${find} is no axis of the plan`, close === undefined ? undefined : `did you mean ${close}?`)
      )
}

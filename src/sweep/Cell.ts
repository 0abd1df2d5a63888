/**
 * Cells: the runs that a plan stands for, each with its options resolved and checked.
 *
 * A *point* is a choice of one value per axis; with several seeds it has a cell for each.
 */
import * as Result from "effect/Result"
import { ConfigError, configError } from "../config/ConfigError.ts"
import { readConfig } from "../config/ReadConfig.ts"
import { readGivenOptions } from "../config/GivenOptions.ts"
import { emptyObject, type JsonNode, type JsonObject, nodeText } from "../settings/JsonNode.ts"
import { nodeOf } from "../config/JsonSetting.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import type { UsageError } from "../settings/SettingsError.ts"
import { type Axis, deploymentAxis, isCandidates, valueText } from "./Axis.ts"
import { deployAs, isPreset } from "./DeploymentPreset.ts"
import type { Plan } from "./Plan.ts"

/** The index of a value on each axis, in the order of the axes. */
export type Point = ReadonlyArray<number>

/** One run of a sweep: a point of the plan under one seed. */
export interface Cell {
  readonly point: Point
  /** Position of the cell among all cells of the plan, from 0; shards are taken by it. */
  readonly index: number
  readonly seed: number | undefined
  /** The value on each axis, as tables show it. */
  readonly values: ReadonlyArray<string>
  /** The options as a `--config` file of JSON. */
  readonly config: string
  readonly options: ReplayOptions
}

/** A point that cannot be run, and why. */
export interface Impossible {
  readonly _tag: "Impossible"
  readonly point: Point
  readonly reason: string
}

/** Every combination, the last axis changing fastest. */
export const allPoints = (axes: ReadonlyArray<Axis>): ReadonlyArray<Point> =>
  axes.reduce<ReadonlyArray<Point>>(
    (points, { values }) => points.flatMap((point) => values.map((_, index) => [...point, index])),
    [[]]
  )

/** The place of a point among all points. */
const indexOf = (axes: ReadonlyArray<Axis>, point: Point): number =>
  axes.reduce((index, { values }, axis) => index * values.length + (point[axis] ?? 0), 0)

/** A tree with another value under some keys; `undefined` where a key leads into a list that has no such entry. */
const replaced = (
  node: JsonNode | undefined,
  [key, ...inside]: ReadonlyArray<string>,
  value: JsonNode
): JsonNode | undefined => {
  if (key === undefined) return value
  if (node?._tag === "Array") {
    const next = node.items[Number(key)] === undefined ? undefined : replaced(node.items[Number(key)], inside, value)
    return next && { ...node, items: node.items.with(Number(key), next) }
  }
  const object = node?._tag === "Object" ? node : emptyObject
  const old = object.entries.get(key)
  const next = replaced(old?.value, inside, value)
  return (
    next && { ...object, entries: new Map([...object.entries, [key, { keyAt: old?.keyAt ?? value.at, value: next }]]) }
  )
}

const withValue = (object: JsonObject, path: ReadonlyArray<string>, value: JsonNode): JsonObject => {
  const next = replaced(object, path, value)
  return next?._tag === "Object" ? next : object
}

/** Axes that speak of one engine where the base has groups of different workers. */
const groupProblem = (plan: Plan, base: JsonObject): ConfigError | undefined => {
  for (const { keyAt, name, path, values } of plan.axes) {
    if (name !== deploymentAxis && replaced(base, path, values[0]) === undefined) {
      const hint = `name the group by its place in the list, such as ${[path[0], 0, ...path.slice(1)].join(".")}`
      return configError(plan.source, `axes.${name}`, keyAt, `${path[0]} is a list of groups`, hint)
    }
    const listed = [...base.entries].find(([key, { value }]) => value._tag === "Array" && key.endsWith("-engine-args"))
    if (name === deploymentAxis && listed !== undefined) {
      return configError(
        plan.source,
        listed[0],
        listed[1].keyAt,
        "a list says itself how many workers there are",
        "leave the deployment axis out"
      )
    }
  }
  return undefined
}

/** Objects may have been written as strings of JSON. */
const opened = (plan: Plan, name: string, node: JsonNode): Result.Result<JsonNode, ConfigError> =>
  node._tag === "String" && (name.endsWith("-engine-args") || name === "router-config")
    ? Result.map(
        nodeOf({ _tag: "Text", flag: `${plan.source.name}:${node.at.line}: ${name}`, text: node.value }),
        (placed) => placed.node
      )
    : Result.succeed(node)

const baseOf = (plan: Plan): Result.Result<JsonObject, ConfigError> =>
  Result.gen(function* () {
    const entries: JsonObject["entries"] = new Map(
      yield* Result.all(
        [...plan.base.entries].map(([key, { keyAt, value }]) => {
          const name = key.replaceAll("_", "-")
          return Result.map(opened(plan, name, value), (node) => [name, { keyAt, value: node }] as const)
        })
      )
    )
    const base = { ...plan.base, entries }
    const problem = groupProblem(plan, base)
    return problem === undefined ? base : yield* Result.fail(problem)
  })

const withSettings = (base: JsonObject, plan: Plan, point: Point): JsonObject => {
  let object = base
  for (const [axis, { name, path, values }] of plan.axes.entries()) {
    const value = values[point[axis] ?? 0] ?? values[0]
    if (name !== deploymentAxis) object = withValue(object, path, value)
  }
  return object
}

const withDeployment = (object: JsonObject, plan: Plan, point: Point): JsonObject => {
  const axis = plan.axes.findIndex(({ name }) => name === deploymentAxis)
  const preset = plan.axes[axis]?.values[point[axis] ?? 0]
  if (preset === undefined || !isPreset(preset)) return object
  const options = new Map([...object.entries].map(([key, { value }]) => [key, value]))
  return {
    ...object,
    entries: new Map([...deployAs(options, preset)].map(([key, value]) => [key, { keyAt: value.at, value }]))
  }
}

const withSeed = (object: JsonObject, seed: number | undefined): JsonObject =>
  seed === undefined
    ? object
    : withValue(object, ["seed"], { _tag: "Integer", value: BigInt(seed), literal: String(seed), at: emptyObject.at })

const hasOutputs = ({ outputs: { failIf, summary, ...files } }: ReplayOptions): boolean =>
  summary || failIf.length > 0 || Object.values(files).some((file) => file !== undefined)

/** Options of a run that make no sense in many of them. */
const unfit = (options: ReplayOptions): string | undefined => {
  if (options.mode === "online") return "online runs take real time and are never the same: a sweep runs offline"
  if (options.outputs.reportJson !== undefined) return "report-json: reports of a sweep go to its results folder"
  if (options.outputs.reportJsonl !== undefined) return "report-jsonl: a sweep writes no lines per request"
  if (hasOutputs(options))
    return "outputs of single runs (csv, series, timeline, html, summary, table, fail-if) and seeds of their own have no place in a sweep"
  const { input } = options
  return input._tag === "Trace" && input.files.includes("-")
    ? "standard input can be read only once: name a file"
    : undefined
}

const optionsOf = (plan: Plan, node: JsonObject): Result.Result<ReplayOptions, UsageError | ConfigError> =>
  Result.gen(function* () {
    const { traces, values } = yield* readConfig(plan.source, node)
    const options = yield* Result.flatMap(readGivenOptions(traces, values), validateReplayOptions)
    const problem = unfit(options)
    if (problem !== undefined) return yield* Result.fail(configError(plan.source, "base", plan.base.at, problem))
    return options
  })

/** Deployments that are still to be listed have no cells. */
const checkResolved = ({ axes, source }: Plan): Result.Result<void, ConfigError> => {
  const axis = axes.find(({ name, values: [first] }) => name === deploymentAxis && isCandidates(first))
  return axis === undefined
    ? Result.void
    : Result.fail(
        configError(
          source,
          `axes.${deploymentAxis}`,
          axis.keyAt,
          "candidates are not listed",
          "use Sweep.resolve first"
        )
      )
}

export type CellsOf = (point: Point) => Result.Result<ReadonlyArray<Cell> | Impossible, ConfigError>

/**
 * Makes the cells of points. What is wrong with a value itself is an error with its place; values that are each fine but do not go
 * together make an {@link Impossible}.
 */
export const cellsOf = (plan: Plan): Result.Result<CellsOf, ConfigError> =>
  Result.map(Result.andThen(checkResolved(plan), baseOf(plan)), (base) => (point) => {
    const shared = withDeployment(withSettings(base, plan, point), plan, point)
    const seeds = plan.seeds ?? [undefined]
    const first = indexOf(plan.axes, point) * seeds.length
    const cells: Array<Cell> = []
    for (const [repeat, seed] of seeds.entries()) {
      const node = withSeed(shared, seed)
      const options = optionsOf(plan, node)
      if (Result.isFailure(options)) {
        const { failure } = options
        if (failure._tag === "ConfigError") return Result.fail(failure)
        const reason = failure.hint === undefined ? failure.message : `${failure.message}; ${failure.hint}`
        return Result.succeed({ _tag: "Impossible", point, reason })
      }
      const values = plan.axes.map(({ values }, axis) => valueText(values[point[axis] ?? 0] ?? values[0]))
      cells.push({ point, index: first + repeat, seed, values, config: nodeText(node), options: options.success })
    }
    return Result.succeed(cells)
  })

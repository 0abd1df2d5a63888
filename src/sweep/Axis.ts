/** The axes of a plan: which setting varies, and its values. */
import { firstRepeat } from "../settings/FirstRepeat.ts"
import * as Result from "effect/Result"
import { type ConfigError, configError, type ConfigSource } from "../config/ConfigError.ts"
import {
  type JsonEntry,
  type JsonNode,
  type JsonObject,
  nodeText,
  type Position,
  showNode
} from "../settings/JsonNode.ts"
import { isFlagName, replayFlags } from "../config/ReplayFlags.ts"
import { closestName } from "../settings/ClosestName.ts"
import { isPreset, presetProblem } from "./DeploymentPreset.ts"

/** An option that varies, and its values. */
export interface Axis {
  /** As it was written: the heading of its column. */
  readonly name: string
  /** The option, and the keys inside it; of a preset, none. */
  readonly path: ReadonlyArray<string>
  readonly keyAt: Position
  readonly values: readonly [JsonNode, ...ReadonlyArray<JsonNode>]
}

/** The axis whose values are deployments. */
export const deploymentAxis = "deployment"

/** In place of a list of deployments: all that fit into the GPU budget, see DeploymentCandidates.ts. */
export const candidateWords = ["auto", "aggregated", "disaggregated"] as const
export type CandidateWord = (typeof candidateWords)[number]

export const isCandidates = (
  node: JsonNode
): node is Extract<JsonNode, { _tag: "String" }> & { value: CandidateWord } =>
  node._tag === "String" && candidateWords.some((word) => word === node.value)

/** The value of an axis as tables and files show it. */
export const valueText = (node: JsonNode): string => {
  if (node._tag === "String") return node.value
  if (node._tag !== "Object") return nodeText(node)
  return [...node.entries].map(([key, { value }]) => `${key} ${valueText(value)}`).join(", ")
}

const problemOfName = (name: string): string | undefined => {
  if (name === "traces" || (isFlagName(name) && name !== "config")) return undefined
  const close = closestName(name, ["traces", deploymentAxis, ...Object.keys(replayFlags)])
  return close === undefined
    ? "axes are options of dynosim replay without dashes, or deployment"
    : `did you mean ${close}?`
}

const readAxis = (
  source: ConfigSource,
  name: string,
  { keyAt, value }: JsonEntry
): Result.Result<Axis, ConfigError> => {
  const fail = (at: Position, problem: string, hint?: string) =>
    Result.fail(configError(source, `axes.${name}`, at, problem, hint))
  const [first = "", ...inside] = name.split(".")
  const option = first.replaceAll("_", "-")
  const isDeployment = name === deploymentAxis
  const hint = isDeployment ? undefined : problemOfName(option)
  if (hint !== undefined) return fail(keyAt, "unknown option", hint)
  if (option === "seed") return fail(keyAt, "seeds are repetitions, not an axis", "list them under seeds")
  if (isDeployment && isCandidates(value)) {
    return Result.succeed({ name, path: [], keyAt, values: [value] })
  }
  if (value._tag !== "Array") {
    const words = isDeployment ? `, or one of ${candidateWords.join(", ")}` : ""
    return fail(value.at, `expected a list of values${words}, got ${showNode(value)}`)
  }
  const [head, ...tail] = value.items
  if (head === undefined) return fail(value.at, "expected at least one value")
  if (isDeployment) {
    for (const item of value.items) {
      const problem = isPreset(item)
        ? presetProblem(item)
        : { at: item.at, problem: `expected worker counts, got ${showNode(item)}` }
      if (problem !== undefined) return fail(problem.at, problem.problem, problem.hint)
    }
  }
  return Result.succeed({ name, path: isDeployment ? [] : [option, ...inside], keyAt, values: [head, ...tail] })
}

const leadsTo = (outer: ReadonlyArray<string>, inner: ReadonlyArray<string>): boolean =>
  outer.every((key, depth) => key === inner[depth])

/** What an axis would undo of those before it, and what to do. */
const overlapOf = (axis: Axis, before: ReadonlyArray<Axis>): readonly [problem: string, hint: string] | undefined => {
  const undone = before.find(({ path }) => path.length > 0 && axis.path.length > 0 && leadsTo(axis.path, path))
  if (undone === undefined) return undefined
  return [
    `takes the place of axes.${undone.name}, which would change nothing`,
    undone.path.length === axis.path.length ? "leave one of them out" : "put it before that one"
  ]
}

/** Options that a deployment sets itself. */
const workerCounts = ["num-workers", "num-prefill-workers", "num-decode-workers"]

/** Axes of which one would hide the other, so that rows of the table would differ in name only. */
const conflictOf = (source: ConfigSource, axes: ReadonlyArray<Axis>): ConfigError | undefined => {
  const deploys = axes.some(({ name }) => name === deploymentAxis)
  for (const [index, axis] of axes.entries()) {
    const { keyAt, name, path, values } = axis
    const again = values[firstRepeat(values.map(nodeText))]
    if (again !== undefined) return configError(source, `axes.${name}`, again.at, `has ${showNode(again)} twice`)
    if (deploys && path[0] !== undefined && workerCounts.includes(path[0])) {
      const problem = "the deployments say how many workers there are"
      return configError(source, `axes.${name}`, keyAt, problem, "leave one of the two out")
    }
    const overlap = overlapOf(axis, axes.slice(0, index))
    if (overlap !== undefined) return configError(source, `axes.${name}`, keyAt, ...overlap)
  }
  return undefined
}

/** The axes in the order in which they were written; of their combinations the last axis changes fastest. */
export const readAxes = (source: ConfigSource, node: JsonObject): Result.Result<ReadonlyArray<Axis>, ConfigError> =>
  Result.flatMap(Result.all([...node.entries].map(([name, entry]) => readAxis(source, name, entry))), (axes) => {
    const conflict = conflictOf(source, axes)
    return conflict === undefined ? Result.succeed(axes) : Result.fail(conflict)
  })

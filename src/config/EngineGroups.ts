/**
 * Engine arguments of a pool: an object for equal workers, or a list of objects for groups of different ones, each with its `workers`
 * and, if it is to be called something, its `name`.
 */
import * as Result from "effect/Result"
import { decodeEngineArgs, type EngineArgs } from "../engine/EngineArgs.ts"
import { mixProblem } from "../engine/MixedEngine.ts"
import type { GroupOptions } from "../run/ReplayOptions.ts"
import { complete, decode, type Plain } from "../settings/Decode.ts"
import type { JsonNode } from "../settings/JsonNode.ts"
import { filledText } from "../settings/Kind.ts"
import { optional, setting } from "../settings/Setting.ts"
import { poolSize } from "../simulation/PoolSizes.ts"
import { type ConfigError, configError } from "./ConfigError.ts"
import { decodePlaced, placedError } from "./DecodeSettings.ts"
import type { PlacedNode } from "./JsonSetting.ts"
import type { EngineGroups } from "./rules/DeploymentRules.ts"

export const groupSettings = {
  workers: setting(poolSize, 1, "Workers of the group at the start"),
  name: optional(filledText, undefined, "What the group is called in reports; group-1, group-2, … by default")
}

type NonEmpty<A> = readonly [A, ...ReadonlyArray<A>]

/** Group keys, and engine arguments. */
const parted = (written: Plain): readonly [group: Plain, engine: Plain] => {
  const entries = [...written]
  return [
    new Map(entries.filter(([key]) => Object.hasOwn(groupSettings, key))),
    new Map(entries.filter(([key]) => !Object.hasOwn(groupSettings, key)))
  ]
}

const decodeGroup =
  (index: number, prepare: (written: Plain) => Plain) =>
  (written: Plain): Result.Result<GroupOptions, Parameters<typeof placedError>[1]> => {
    const [group, args] = parted(written)
    return Result.gen(function* () {
      const { name, workers } = complete(groupSettings, yield* decode(groupSettings, group))
      return { name: name ?? `group-${index + 1}`, workers, engine: yield* decodeEngineArgs(prepare(args)) }
    })
  }

const itemOf = ({ path, source }: PlacedNode, node: JsonNode, index: number): PlacedNode => ({
  source,
  path: path === "" ? String(index) : `${path}.${index}`,
  node
})

const decodeGroups = (
  placed: PlacedNode,
  items: ReadonlyArray<JsonNode>,
  prepare: (written: Plain) => Plain
): Result.Result<NonEmpty<GroupOptions>, ConfigError> =>
  Result.gen(function* () {
    const groups: Array<GroupOptions> = []
    for (const [index, node] of items.entries()) {
      const item = itemOf(placed, node, index)
      const group = yield* decodePlaced(item, decodeGroup(index, prepare))
      if (groups.some(({ name }) => name === group.name)) {
        return yield* Result.fail(
          configError(item.source, item.path, node.at, `a second group is called ${group.name}`)
        )
      }
      groups.push(group)
    }
    const [first, ...others] = groups
    if (first === undefined) {
      const { node, path, source } = placed
      return yield* Result.fail(configError(source, path, node.at, "the list is empty: expected groups of workers"))
    }
    const problem = mixProblem(groups.map(({ engine }) => engine))
    if (problem !== undefined) return yield* Result.fail(placedError(placed, problem))
    return [first, ...others] as const
  })

/** `prepare` adds to the arguments what other options say. */
export const decodeEngines = (
  placed: PlacedNode,
  prepare: (written: Plain) => Plain
): Result.Result<EngineGroups, ConfigError> =>
  placed.node._tag === "Array"
    ? decodeGroups(placed, placed.node.items, prepare)
    : decodePlaced(placed, (written): Result.Result<EngineArgs, Parameters<typeof placedError>[1]> =>
        decodeEngineArgs(prepare(written))
      )

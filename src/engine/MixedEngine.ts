/**
 * Different workers in one pool: groups of workers with arguments of their own, such as GPUs of two kinds or two parallel sizes.
 *
 * Groups stand in a row: the first workers are those of the first group, and so on. A pool grows and shrinks at the end of the row, so
 * workers that are added belong to the last group.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine } from "./Engine.ts"
import type { EngineArgs } from "./EngineArgs.ts"
import type { HandoffSupport } from "./Handoff.ts"
import { sharesLowerTiers } from "./tiers/SharedTiers.ts"
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"

/** Equal workers of a pool in which not all are equal. */
export interface WorkerGroup {
  readonly name: string
  /** At the start. */
  readonly workers: number
  readonly engine: Engine["Service"]
}

/** Which workers of a pool are which, where they differ. */
export interface EngineMix {
  /** Two or more. */
  readonly groups: ReadonlyArray<WorkerGroup>
  /** Which of the groups a worker belongs to, by its index in the pool. */
  readonly groupOf: (worker: number) => number
}

/** What all workers of a pool must have in common: their router, and who hands KV to them, take them for equal in it. */
const common = {
  engine_type: "engineType",
  worker_type: "workerType",
  block_size: "blockTokens",
  dp_size: "dpSize",
  kv_events_at: "kvEventsAt",
  router_queue_policy: "routerQueuePolicy",
  kv_transfer_timing_mode: "kvTransferTimingMode",
  frontend_ms: "frontendMs",
  frontend_us_per_token: "frontendUsPerToken"
} as const satisfies Readonly<Record<string, keyof EngineArgs>>

/** The first argument in which groups differ although they must not; the path starts with the number of the group. */
export const mixProblem = (groups: ReadonlyArray<EngineArgs>): SettingsError | undefined => {
  const [first, ...others] = groups
  if (first === undefined) return undefined
  for (const [index, args] of others.entries()) {
    for (const [key, field] of Object.entries(common)) {
      if (args[field] === first[field]) continue
      return settingsError(
        `${index + 1}.${key}`,
        `must be the same for all workers of a pool, got ${String(first[field])} and ${String(args[field])}`
      )
    }
    if (!groups.slice(0, index + 1).every((other) => sharesLowerTiers(other, args)))
      return settingsError(
        `${index + 1}.num_g3_blocks`,
        "must be the same for all workers that share disk and object store tiers, like offload_policy, enable_g4_storage, "
          + "kv_bytes_per_token, latency and bandwidths of these tiers"
      )
  }
  return undefined
}

/** One engine for a pool of these groups. */
export const mixedEngine = (groups: readonly [WorkerGroup, ...ReadonlyArray<WorkerGroup>]): Engine["Service"] => {
  const [{ engine: first }] = groups
  if (groups.length === 1) return first
  const groupOf = (worker: number): number => {
    let end = 0
    const found = groups.findIndex(({ workers }) => worker < (end += workers))
    return found < 0 ? groups.length - 1 : found
  }
  const of = (worker: number): Engine["Service"] => groups[groupOf(worker)]!.engine
  const handoff = mixedHandoff(
    groups.map(({ engine }) => engine.handoff),
    groupOf
  )
  const { passEstimator } = groups.at(-1)!.engine
  return {
    args: first.args,
    kvEventVisibility: first.kvEventVisibility,
    spawn: (context) => of(context.workerIndex).spawn(context),
    ...(handoff === undefined ? {} : { handoff }),
    ...(passEstimator === undefined ? {} : { passEstimator }),
    mix: { groups, groupOf }
  }
}

/** A group of a pool that a program puts together. */
export interface LayerGroup<E, R> {
  readonly name: string
  readonly workers: number
  readonly engine: Layer.Layer<Engine, E, R>
}

/** {@link mixedEngine} of engines that are layers themselves, checked for what they must have in common. */
export const layer = <E, R>(
  first: LayerGroup<E, R>,
  ...others: ReadonlyArray<LayerGroup<E, R>>
): Layer.Layer<Engine, E | SettingsError, R> =>
  Layer.effect(Engine)(
    Effect.gen(function* () {
      const build = ({ engine, name, workers }: LayerGroup<E, R>) =>
        Effect.map(Layer.build(engine), (services) => ({ name, workers, engine: Context.get(services, Engine) }))
      const groups = [yield* build(first), ...(yield* Effect.forEach(others, build))] as const
      const problem = mixProblem(groups.map(({ engine }) => engine.args))
      if (problem !== undefined) return yield* problem
      return mixedEngine(groups)
    })
  )

const mixedHandoff = (
  supports: ReadonlyArray<HandoffSupport | undefined>,
  groupOf: EngineMix["groupOf"]
): HandoffSupport | undefined => {
  const [first, ...others] = supports
  if (first === undefined || others.some((other) => other?.order !== first.order)) return undefined
  const of = (worker: number): HandoffSupport => supports[groupOf(worker)] ?? first
  return {
    order: first.order,
    spawnSource: (context) => of(context.workerIndex).spawnSource(context),
    spawnDestination: (context) => of(context.workerIndex).spawnDestination(context)
  }
}

/** The engine of one worker. */
export const engineOfWorker = (engine: Engine["Service"], worker: number): Engine["Service"] =>
  engine.mix === undefined ? engine : engine.mix.groups[engine.mix.groupOf(worker)]!.engine

/** The engine of workers that are added. */
export const engineOfNewWorkers = (engine: Engine["Service"]): Engine["Service"] =>
  engine.mix?.groups.at(-1)?.engine ?? engine

/** Arguments of all groups; those of equal workers once. */
export const argsOfGroups = ({ args, mix }: Engine["Service"]): ReadonlyArray<EngineArgs> =>
  mix === undefined ? [args] : mix.groups.map(({ engine }) => engine.args)

/** Name of a worker's group; `undefined` where all are equal. */
export const groupName = ({ mix }: Engine["Service"], worker: number): string | undefined =>
  mix?.groups[mix.groupOf(worker)]?.name

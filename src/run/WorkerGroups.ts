/** The pools of a deployment and the groups of equal workers in them. */
import type { EngineArgs } from "../engine/EngineArgs.ts"
import type { PoolRole } from "../router/Router.ts"
import type { Deployment, GroupOptions } from "./ReplayOptions.ts"

export interface PoolOptions {
  readonly role: PoolRole
  readonly workers: number
  /** One without a name where all workers are equal. */
  readonly groups: readonly [GroupOptions, ...ReadonlyArray<GroupOptions>]
}

const poolOf = (
  role: PoolOptions["role"],
  workers: number,
  engine: EngineArgs,
  [first, ...others]: ReadonlyArray<GroupOptions> = []
): PoolOptions => ({
  role,
  workers,
  groups: first === undefined ? [{ name: undefined, workers, engine }] : [first, ...others]
})

/** One pool, or prefill and decode. */
export const poolsOf = (deployment: Deployment): readonly [PoolOptions, ...ReadonlyArray<PoolOptions>] => {
  if (deployment._tag === "Aggregated") {
    return [poolOf("aggregated", deployment.workers, deployment.engine, deployment.groups)]
  }
  const { decode, decodeGroups, decodeWorkers, prefill, prefillGroups, prefillWorkers } = deployment
  return [
    poolOf("prefill", prefillWorkers, prefill, prefillGroups),
    poolOf("decode", decodeWorkers, decode, decodeGroups)
  ]
}

/** Arguments of all engines, those of equal workers once. */
export const enginesOf = (deployment: Deployment): ReadonlyArray<EngineArgs> =>
  poolsOf(deployment).flatMap(({ groups }) => groups.map(({ engine }) => engine))

/** GPUs that a pool has at the start. */
export const gpusOfPool = ({ groups }: PoolOptions): number =>
  groups.reduce((sum, { engine, workers }) => sum + workers * engine.gpusPerWorker, 0)

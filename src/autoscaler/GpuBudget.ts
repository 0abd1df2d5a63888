/** A bound on the GPUs of all pools together: growth that does not fit is cut, most where most was asked for. */
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"
import type { PoolRole, ScaledPool } from "./Autoscaler.ts"
import { counted } from "../settings/Counted.ts"

export interface WantedPool {
  /** Of the workers that are there or starting, and of one more. */
  readonly gpus: number
  readonly gpusPerWorker: number
  /** Workers that are there or starting, and those wanted. */
  readonly current: number
  readonly wanted: number
}

/** Workers of each pool within the bound, which is used up where workers are small enough; nobody who is there has to go for others. */
export const withinGpus = (pools: ReadonlyArray<WantedPool>, maxGpus: number): ReadonlyArray<number> => {
  const workers = pools.map(({ wanted }) => wanted)
  const growth = (pool: number): number => (workers[pool]! - pools[pool]!.current) * pools[pool]!.gpusPerWorker
  const total = (): number => pools.reduce((sum, { gpus }, pool) => sum + gpus + growth(pool), 0)
  while (total() > maxGpus) {
    const cut = pools.reduce((most, _, pool) => (growth(pool) > growth(most) ? pool : most), 0)
    if (growth(cut) <= 0) break
    workers[cut]! -= 1
  }
  pools.forEach(({ gpusPerWorker, wanted }, pool) => {
    while (workers[pool]! < wanted && total() + gpusPerWorker <= maxGpus) workers[pool]! += 1
  })
  return workers
}

/** A pool at the start. */
export type StartingPool = Pick<ScaledPool, "role" | "workers" | "gpus" | "gpusPerWorker">

/** A budget that cannot hold the pools as they start, or at their fewest workers. */
export const gpuProblem = (
  maxGpus: number | undefined,
  pools: ReadonlyArray<StartingPool>,
  minWorkers: (role: PoolRole) => number
): SettingsError | undefined => {
  if (maxGpus === undefined) return undefined
  const fewest = pools.reduce(
    (sum, { gpus, gpusPerWorker, role, workers }) =>
      // Workers that go are of the kind that is added.
      sum + Math.max(gpusPerWorker, gpus - Math.max(0, workers - Math.max(1, minWorkers(role))) * gpusPerWorker),
    0
  )
  if (maxGpus < fewest) {
    return settingsError(
      "max_gpus",
      `${counted(maxGpus, "GPU")} cannot hold the fewest workers, which need ${fewest}`,
      `give at least ${fewest}`
    )
  }
  const start = pools.reduce((sum, { gpus }) => sum + gpus, 0)
  return start > maxGpus
    ? settingsError(
        "max_gpus",
        `the run starts with ${counted(start, "GPU")}, which is more than ${maxGpus}`,
        `give at least ${start}, or start with fewer workers`
      )
    : undefined
}

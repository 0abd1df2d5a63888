/** GPUs that options ask for: workers times GPUs of a worker, summed over the pools. */
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { gpusOfPool, poolsOf } from "../run/WorkerGroups.ts"

export const gpusOf = ({ deployment }: ReplayOptions): number =>
  poolsOf(deployment).reduce((sum, pool) => sum + gpusOfPool(pool), 0)

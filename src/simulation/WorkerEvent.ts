/** What happens to workers from outside, whatever an autoscaler wants: failures, maintenance, slow machines. */
import type { PoolRole } from "../autoscaler/Autoscaler.ts"

/** What becomes of the requests of a worker that fails: they start again elsewhere, or they fail with it. */
export type LostRequests = "retry" | "fail"

/** Something that happens to workers at a simulated time, ms, whatever the autoscaler wants. */
export type WorkerEvent = { readonly atMs: number; readonly pool: PoolRole } & (
  | { readonly kind: "fail"; readonly worker: number; readonly requests: LostRequests }
  | { readonly kind: "drain"; readonly worker: number }
  /** Its passes take `factor` times as long from its next pass on. */
  | { readonly kind: "slow"; readonly worker: number; readonly factor: number }
  /** So many workers more. */
  | { readonly kind: "add"; readonly workers: number }
)

export const makesSlow = (events: ReadonlyArray<WorkerEvent>): boolean => events.some(({ kind }) => kind === "slow")

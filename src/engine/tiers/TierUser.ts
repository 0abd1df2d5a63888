/** A request inside a worker with KV tiers: what it waits for, what was loaded for it, and how both are accounted for. */
import { emptyBlocks, type SimRequest } from "../../request/SimRequest.ts"
import type { Load, Offload, TierMatch } from "./KvTiers.ts"

export interface TierUser {
  readonly request: SimRequest
  /** The offload that makes room for it, and since when it waits for that, ms. */
  waitsFor: Offload | undefined
  blockedSinceMs: number
  /** What was loaded for it so far. */
  loads: ReadonlyArray<TierMatch>
}

/** One that may have to wait at its place in the queue, others passing it: for blocks on their way, and since when, ms. */
export interface DeferredUser extends TierUser {
  deferredBy: Offload | undefined
  deferredSinceMs: number
}

/** The copy that ends next of those that hold slots for themselves alone. */
export class Release implements Offload {
  live = true
  endedMs = Number.POSITIVE_INFINITY

  end(nowMs: number): void {
    this.live = false
    this.endedMs = nowMs
  }
}

/** Copies of one request's blocks. */
export class RunningCopies {
  /** Those that have not ended, and when the last of them ends, ms. */
  copies = 0
  lastEndMs = Number.NEGATIVE_INFINITY
}

/** Once the request has let go of its blocks, they are held here. */
export class CopyHolder extends RunningCopies {
  slots: Int32Array = emptyBlocks
  heldBlocks = 0
}

/** One whose blocks are copied once they are computed. */
export interface CopyUser extends DeferredUser {
  /** Identities of its blocks, as far as they are known before those are full. */
  readonly keys: Int32Array
  slots: Int32Array
  heldBlocks: number
  /** Leading blocks that were handed over to be copied, as far as tiers lacked them, and the copies of them that run. */
  copiedBlocks: number
  copyHolder: CopyHolder | undefined
}

/** Whoever waits for blocks on their way is passed by others. */
export const isDue = ({ deferredBy }: DeferredUser): boolean => deferredBy === undefined || !deferredBy.live

/** From `nowMs` on the request waits for the copy. */
export const defer = (user: DeferredUser, copy: Offload, nowMs: number): void => {
  user.deferredBy = copy
  user.deferredSinceMs = nowMs
}

/** The copy is over for which the request waited: its wait counts. */
export const countDeferral = (user: DeferredUser): void => {
  const { deferredBy, deferredSinceMs, request } = user
  if (deferredBy === undefined) return
  user.deferredBy = undefined
  if (request.tiers !== null) request.tiers.onboardWaitMs += Math.max(0, deferredBy.endedMs - deferredSinceMs)
}

/** From `nowMs` on the request waits for room. */
export const waitFor = (user: TierUser, offload: Offload, nowMs: number): void => {
  countWait(user)
  user.waitsFor = offload
  user.blockedSinceMs = nowMs
}

/** What the request waited for is over: its wait counts. */
export const countWait = (user: TierUser): void => {
  const { blockedSinceMs, request, waitsFor } = user
  if (waitsFor === undefined || waitsFor.live || request.tiers === null) return
  const waitMs = waitsFor.endedMs - blockedSinceMs
  if (waitMs > 0) request.tiers.offloadWaitMs += waitMs
  user.waitsFor = undefined
}

export const noteLoad = (load: Load<TierUser>, nowMs: number): void => {
  const { owner, startedMs } = load
  if (load.arrived) owner.loads = [...owner.loads, load]
  if (owner.request.tiers !== null) owner.request.tiers.onboardWaitMs += Math.max(0, nowMs - startedMs)
}

/** The request joins the batch for the first time with `cachedTokens` of its prompt: those loaded for it count by tier. */
export const countReuse = (user: TierUser, cachedTokens: number, blockTokens: number): void => {
  const { loads, request } = user
  const use = request.tiers
  if (use === null) return
  countWait(user)
  let end = Math.floor(cachedTokens / blockTokens)
  for (const load of loads.toReversed()) {
    const blocks = Math.max(0, end - load.from)
    const host = Math.min(blocks, load.hostBlocks)
    const disk = Math.min(blocks - host, load.diskBlocks)
    const object = Math.min(blocks - host - disk, load.objectBlocks)
    use.hostReusedTokens += host * blockTokens
    use.diskReusedTokens += disk * blockTokens
    use.objectReusedTokens += object * blockTokens
    // What an earlier load brought of this one's blocks was gone before the later load.
    end = Math.min(end, load.from)
  }
  user.loads = []
}

/**
 * What workers have in common whose blocks are copied to tiers once they are computed, whatever their scheduler and their cache.
 *
 * The copies of a pass's blocks start when the pass ends. Who is done with blocks whose copies run, or is preempted, lingers: its blocks
 * stay held until the copies have ended, so that no slot is used again while it is read.
 *
 * A request that loads, or needs a block that is on its way, keeps its place in the queue and others may pass it; it is tried again when
 * the copy has ended, and finds loaded blocks among the cached ones.
 */
import type { TierEventSinks } from "../KvEvents.ts"
import type { TierClock, TierOccupancy } from "../WorkerCore.ts"
import { type CopyEvents, type CopyTiers, isLoadedFaster, type Load, type Offload, type TierMatch } from "./KvTiers.ts"
import type { SharedTiers } from "./SharedTiers.ts"
import type { TierArgs } from "./TierArgs.ts"
import { countDeferral, defer, type DeferredUser, Release, type RunningCopies } from "./TierUser.ts"
import type { TransferTimes } from "./TransferTimes.ts"
import { WriteThroughTiers } from "./WriteThroughTiers.ts"

/** What the worker is told, and asked. */
export interface CopyingWorker {
  /** Slots have become free, or blocks that were held are not any more. */
  roomMade(): void
  /** How long computing `tokens` behind `prefixTokens` would take, ms. */
  computeMs(tokens: number, prefixTokens: number): number
}

export abstract class ComputedCopies<
  User extends DeferredUser,
  Holder extends RunningCopies,
  Worker extends CopyingWorker = CopyingWorker
>
  implements TierClock, CopyEvents<User, Holder>
{
  protected readonly worker: Worker
  protected readonly blockTokens: number
  protected readonly tiers: CopyTiers<User, Holder>
  /** Those who hold blocks for copies only. */
  protected readonly lingering = new Set<Holder>()
  /** When copies next free what is held for them alone, as far as {@link releaseIsKnown}. */
  private releaseMs = Number.POSITIVE_INFINITY
  private releaseIsKnown = true
  private readonly times: TransferTimes
  private readonly onlyFaster: boolean
  private nextRelease = new Release()
  /** Some block that is to be copied is computed in the pass under way. */
  private someComputed = false

  constructor(
    args: TierArgs,
    shared: SharedTiers,
    blockTokens: number,
    worker: Worker,
    sinks: TierEventSinks | undefined
  ) {
    this.times = shared.times
    this.blockTokens = blockTokens
    this.onlyFaster = args.onlyFaster
    this.worker = worker
    this.tiers = new WriteThroughTiers(args, shared, this, sinks)
  }

  tick(nowMs: number): boolean {
    this.lookAtReleases()
    const released = this.releaseMs <= nowMs
    return this.tiers.tick(nowMs) || released
  }

  deadlineMs(): number {
    return this.tiers.deadlineMs()
  }

  /** A copy whose blocks are held anyway, and for which nobody waits, ends unnoticed. */
  noticeMs(): number {
    this.lookAtReleases()
    return Math.min(this.releaseMs, this.tiers.noticeMs())
  }

  private lookAtReleases(): void {
    if (this.releaseIsKnown) return
    this.releaseMs = Number.POSITIVE_INFINITY
    for (const { lastEndMs } of this.lingering) this.releaseMs = Math.min(this.releaseMs, lastEndMs)
    this.releaseIsKnown = true
  }

  occupancy(): TierOccupancy {
    return this.tiers.occupancy()
  }

  /** What was claimed last is the holder's, and computed when the pass ends. */
  protected collect(holder: Holder): void {
    this.tiers.hold(holder)
    this.someComputed = true
  }

  /** What was computed since the last call is there at `endMs`. */
  passEnds(endMs: number): void {
    if (!this.someComputed) return
    this.tiers.copy(endMs)
    this.someComputed = false
    // Who lingers may have been among them.
    if (this.lingering.size > 0) this.releaseChanges()
  }

  private releaseChanges(): void {
    this.releaseIsKnown = false
    this.times.changes += 1
  }

  /** The holder keeps its blocks until the copies of them that run have ended. */
  protected linger(holder: Holder): void {
    this.lingering.add(holder)
    this.releaseChanges()
  }

  copied(holder: Holder, nowMs: number): void {
    holder.copies -= 1
    if (holder.copies > 0 || !this.lingering.delete(holder)) return
    this.releaseChanges()
    this.release(holder)
    this.nextRelease.end(nowMs)
    this.nextRelease = new Release()
    this.worker.roomMade()
  }

  /** The last copy of one who lingered has ended: lets go of its blocks. */
  protected abstract release(holder: Holder): void

  /** What makes room next; nothing when no copy holds any. */
  roomToCome(): Offload | undefined {
    return this.lingering.size > 0 ? this.nextRelease : undefined
  }

  /**
   * What could be loaded of `keys[cached … to)` for a waiting request. When blocks of it are on their way the request is deferred
   * instead, and nothing returned.
   */
  protected search(user: User, keys: Int32Array, cached: number, to: number, nowMs: number): TierMatch | undefined {
    const { tiers } = this
    countDeferral(user)
    if (cached >= to) return undefined
    const match = tiers.lookup(keys, cached, to)
    if (match === undefined) {
      if (tiers.awaited !== undefined) defer(user, tiers.awaited, nowMs)
      return undefined
    }
    return this.onlyFaster && !isLoadedFaster(tiers, match, this.blockTokens, this.worker) ? undefined : match
  }

  abstract loaded(load: Load<User>): void

  checkInvariants(): void {
    this.tiers.checkInvariants()
    for (const { copies } of this.lingering)
      if (copies <= 0) throw new Error("blocks are held for copies that have ended")
    if (this.someComputed) throw new Error("blocks of a pass that has ended are not copied")
  }
}

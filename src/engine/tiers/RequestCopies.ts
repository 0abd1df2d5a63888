/**
 * What a worker does whose blocks are copied to tiers once they are computed, whatever its scheduler and its pool.
 *
 * The copies of a pass's blocks start when the pass ends. Who is done with blocks whose copies run, or is preempted, holds on to all of its
 * blocks until they have ended, as vLLM's connectors make it do: no slot is used again while it is read.
 *
 * A request that loads, or needs a block that is on its way, keeps its place in the queue and others may pass it; it is tried again when
 * the copy has ended, and finds loaded blocks among the cached ones.
 */
import { emptyBlocks } from "../../request/SimRequest.ts"
import type { TierEventSinks } from "../KvEvents.ts"
import type { TierClock, TierOccupancy } from "../WorkerCore.ts"
import type { BlockRuns } from "./BlockRuns.ts"
import { type CopyEvents, type CopyTiers, isLoadedFaster, type Load, type Offload, type TierMatch } from "./KvTiers.ts"
import type { SharedTiers } from "./SharedTiers.ts"
import type { TierArgs } from "./TierArgs.ts"
import type { TransferTimes } from "./TransferTimes.ts"
import { CopyHolder, type CopyUser, countDeferral, countReuse, defer, Release } from "./TierUser.ts"
import { WriteThroughTiers } from "./WriteThroughTiers.ts"

/** What the worker does with blocks, and is told of them. */
export interface CopyWorker {
  /** Identity of the full block in a slot. */
  keyOf(slot: number): number
  /** Lets go of the first `count` held slots of a list, the last one first. */
  release(slots: Int32Array, count: number): void
  /**
   * Blocks `keys[from … to)` have been loaded into `slots[from … to)`, which were taken for them behind `from` held cached ones: they become
   * cached blocks, and nobody holds any of the list.
   */
  publish(keys: Int32Array, slots: Int32Array, from: number, to: number): void
  /** Slots have become free. */
  roomMade(): void
  /** How long computing `tokens` behind `prefixTokens` would take, ms. */
  computeMs(tokens: number, prefixTokens: number): number
}

interface Held {
  readonly slots: Int32Array
  readonly heldBlocks: number
}

export class RequestCopies<Member extends CopyUser> implements TierClock, CopyEvents<Member, CopyHolder> {
  private readonly times: TransferTimes
  private readonly worker: CopyWorker
  private readonly blockTokens: number
  private readonly tiers: CopyTiers<Member, CopyHolder>
  private readonly onlyFaster: boolean
  /** Requests whose blocks are being loaded; they stand in the queue. */
  private readonly loading = new Set<Member>()
  /** Those that were dropped meanwhile: the copies still end. */
  private readonly abandoned = new Map<Member, Held>()
  /** Those who hold blocks for copies only. */
  private readonly lingering = new Set<CopyHolder>()
  private nextRelease = new Release()
  /** Blocks computed in the pass under way, to be copied when it ends. */
  private readonly collected: Array<{ readonly holder: CopyHolder; readonly blocks: BlockRuns }> = []
  /** Identities of blocks that are being handed over. */
  private keys = new Int32Array(64)

  constructor(
    args: TierArgs,
    shared: SharedTiers,
    blockTokens: number,
    worker: CopyWorker,
    sinks: TierEventSinks | undefined
  ) {
    this.times = shared.times
    this.worker = worker
    this.blockTokens = blockTokens
    this.onlyFaster = args.onlyFaster
    this.tiers = new WriteThroughTiers(args, shared, this, sinks)
  }

  tick(nowMs: number): boolean {
    const released = this.releaseMs() <= nowMs
    return this.tiers.tick(nowMs) || released
  }

  deadlineMs(): number {
    return this.tiers.deadlineMs()
  }

  /** A copy whose blocks are held anyway, and for which nobody waits, ends unnoticed. */
  noticeMs(): number {
    return Math.min(this.releaseMs(), this.tiers.noticeMs())
  }

  /** When copies next free slots that are held for them alone. */
  private releaseMs(): number {
    let releaseMs = Number.POSITIVE_INFINITY
    if (this.lingering.size === 0) return releaseMs
    for (const { lastEndMs } of this.lingering) releaseMs = Math.min(releaseMs, lastEndMs)
    return releaseMs
  }

  occupancy(): TierOccupancy {
    return this.tiers.occupancy()
  }

  // ---- down ------------------------------------------------------------------------------------------------------------

  /** The first `end` blocks of the request are full, and computed when the pass ends. */
  computed(member: Member, end: number): void {
    const { copiedBlocks, slots } = member
    if (end <= copiedBlocks) return
    member.copiedBlocks = end
    const count = end - copiedBlocks
    if (count > this.keys.length) this.keys = new Int32Array(2 * count)
    const { keys } = this
    for (let block = 0; block < count; block++) keys[block] = this.worker.keyOf(slots[copiedBlocks + block]!)
    const blocks = this.tiers.claim(keys, 0, count)
    if (blocks === undefined) return
    const holder = (member.copyHolder ??= new CopyHolder())
    holder.copies += 1
    this.collected.push({ holder, blocks })
  }

  /** What was computed since the last call is there at `endMs`. */
  passEnds(endMs: number): void {
    if (this.collected.length === 0) return
    for (const { blocks, holder } of this.collected) holder.lastEndMs = this.tiers.copy(blocks, holder, endMs)
    this.collected.length = 0
  }

  /** The request lets go of its blocks: whether they, and its list of slots, stay held for copies that run. */
  keepsBlocks(member: Member): boolean {
    const { copyHolder, heldBlocks, keys, slots } = member
    member.copiedBlocks = 0
    if (this.loading.delete(member)) this.abandoned.set(member, { slots, heldBlocks })
    else {
      this.tiers.touch(keys, Math.min(keys.length, heldBlocks))
      if (copyHolder === undefined || copyHolder.copies === 0) return false
      copyHolder.slots = slots
      copyHolder.heldBlocks = heldBlocks
      this.lingering.add(copyHolder)
      this.times.changes += 1
    }
    member.copyHolder = undefined
    member.heldBlocks = 0
    member.slots = emptyBlocks
    return true
  }

  copied(holder: CopyHolder, nowMs: number): void {
    holder.copies -= 1
    if (holder.copies > 0 || !this.lingering.delete(holder)) return
    this.worker.release(holder.slots, holder.heldBlocks)
    this.nextRelease.end(nowMs)
    this.nextRelease = new Release()
    this.worker.roomMade()
  }

  /** What makes room next; nothing when no copy holds any. */
  roomToCome(): Offload | undefined {
    return this.lingering.size > 0 ? this.nextRelease : undefined
  }

  // ---- up --------------------------------------------------------------------------------------------------------------

  /**
   * What could be loaded of `keys[cached … to)` for a waiting request. When blocks of it are on their way the request is deferred
   * instead, and nothing returned.
   */
  find(member: Member, cached: number, to: number, nowMs: number): TierMatch | undefined {
    const { tiers } = this
    countDeferral(member)
    if (cached >= to) return undefined
    const match = tiers.lookup(member.keys, cached, to)
    if (match === undefined) {
      if (tiers.awaited !== undefined) defer(member, tiers.awaited, nowMs)
      return undefined
    }
    return this.onlyFaster && !isLoadedFaster(tiers, match, this.blockTokens, this.worker) ? undefined : match
  }

  /** Holds what was found until it is loaded or let go. */
  reserve(match: TierMatch): void {
    this.tiers.reserve(match)
  }

  letGo(match: TierMatch): void {
    this.tiers.letGo(match)
  }

  /** Loads what is reserved into slots that the request has taken; it is deferred until then. */
  start(match: TierMatch, member: Member, nowMs: number): void {
    this.loading.add(member)
    defer(member, this.tiers.start(match, member), nowMs)
  }

  loaded(load: Load<Member>): void {
    const { from, keys, owner } = load
    owner.loads = [...owner.loads, load]
    const { heldBlocks, slots }: Held = this.abandoned.get(owner) ?? owner
    this.worker.publish(keys, slots, from, heldBlocks)
    if (this.loading.delete(owner)) owner.heldBlocks = 0
    this.abandoned.delete(owner)
    this.worker.roomMade()
  }

  /** The request joins the batch for the first time. */
  countReuse(member: Member, cachedTokens: number): void {
    this.touchPrompt(member)
    countReuse(member, cachedTokens, this.blockTokens)
  }

  private touchPrompt({ keys }: Member): void {
    this.tiers.touch(keys, keys.length)
  }

  // ---- both ------------------------------------------------------------------------------------------------------------

  /** Blocks held for copies by nobody in queue or batch. */
  heldBlocks(): number {
    let held = 0
    for (const { heldBlocks } of this.lingering) held += heldBlocks
    for (const { heldBlocks } of this.abandoned.values()) held += heldBlocks
    return held
  }

  markBlocks(mark: (block: number) => void): void {
    this.tiers.markBlocks(mark)
    for (const { keys } of this.abandoned.keys()) for (const key of keys) if (key >= 0) mark(key)
  }

  checkInvariants(): void {
    this.tiers.checkInvariants()
    for (const { copies } of this.lingering)
      if (copies <= 0) throw new Error("blocks are held for copies that have ended")
    if (this.collected.length > 0) throw new Error("blocks of a pass that has ended are not copied")
  }
}

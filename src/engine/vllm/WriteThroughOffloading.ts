/**
 * Tiers to which a vLLM-style worker copies every block once it is computed, and from which waiting requests load.
 *
 * The copy of a pass's blocks starts when the pass ends. Who is done with blocks whose copies run, or is preempted, holds on to all of its
 * blocks until they have ended, as vLLM's connectors make it do: no slot is used again while it is read.
 *
 * A request that loads, or needs a block that is on its way, keeps its place in the queue and others may pass it; it is tried again when
 * the copy has ended, and finds loaded blocks among the cached ones.
 */
import { emptyBlocks } from "../../request/SimRequest.ts"
import { type CopyEvents, type CopyTiers, type Load, matchedBlocks, type Offload } from "../tiers/KvTiers.ts"
import { noBlock } from "../tiers/LeafOrder.ts"
import type { SharedTiers } from "../tiers/SharedTiers.ts"
import type { TierArgs } from "../tiers/TierArgs.ts"
import { WriteThroughTiers } from "../tiers/WriteThroughTiers.ts"
import type { KvEventSink } from "../KvEvents.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { CopyHolder } from "./CopyHolder.ts"
import { KvBlockPool } from "./KvBlockPool.ts"
import { type OffloadEvents, Offloading, Onboard } from "./Offloading.ts"
import type { Sequence } from "./Sequence.ts"

/** Some copy that ends next frees slots. */
class Release implements Offload {
  live = true
  endedMs = Number.POSITIVE_INFINITY
}

/** A pool whose own identities nobody else has either: workers may share a disk. */
class SharedIdentityPool extends KvBlockPool {
  private readonly shared: SharedTiers

  constructor(capacity: number, shared: SharedTiers, events: KvEventSink | undefined, probe: WorkerProbe | undefined) {
    super(capacity, events, probe)
    this.shared = shared
  }

  override privateKey(): number {
    return this.shared.privateKey()
  }
}

export class WriteThroughOffloading extends Offloading implements CopyEvents<Sequence, CopyHolder> {
  readonly pool: KvBlockPool
  readonly defers = true
  private readonly tiers: CopyTiers<Sequence, CopyHolder>
  private readonly onlyFaster: boolean
  /** Without prefix caching nothing could find a copy. */
  private readonly copies: boolean
  /** Requests whose blocks are being loaded; they stand in the queue. */
  private readonly loading = new Set<Sequence>()
  /** Those who hold blocks for copies only. */
  private readonly lingering = new Set<CopyHolder>()
  private nextRelease = new Release()
  /** Blocks computed in the pass under way, to be copied when it ends. */
  private readonly collected: Array<{ readonly holder: CopyHolder; readonly keys: ReadonlyArray<number> }> = []

  constructor(
    args: TierArgs,
    shared: SharedTiers,
    engine: { readonly capacityBlocks: number; readonly blockTokens: number; readonly cachesPrefixes: boolean },
    context: WorkerContext,
    worker: OffloadEvents
  ) {
    super(worker, engine.blockTokens)
    this.onlyFaster = args.onlyFaster
    this.copies = engine.cachesPrefixes
    this.tiers = new WriteThroughTiers(args, shared, this)
    this.pool = new SharedIdentityPool(engine.capacityBlocks, shared, context.kvEvents, context.probe)
  }

  tick(nowMs: number): boolean {
    return this.tiers.tick(nowMs)
  }

  deadlineMs(): number {
    return this.tiers.deadlineMs()
  }

  /** The worker stays open for arrivals; whoever drives it knows when the next copy ends. */
  wakeUpMs(nowMs: number): number {
    return nowMs
  }

  // ---- down ------------------------------------------------------------------------------------------------------------

  computed(sequence: Sequence): void {
    const { copiedBlocks, computedTokens, fullBlocks, slots } = sequence
    const end = Math.min(fullBlocks, Math.floor(computedTokens / this.blockTokens))
    if (end <= copiedBlocks || !this.copies) return
    sequence.copiedBlocks = end
    const keys: Array<number> = []
    for (let position = copiedBlocks; position < end; position++) {
      const key = this.pool.keyOf(slots[position]!)
      if (this.tiers.claim(key)) keys.push(key)
    }
    if (keys.length === 0) return
    const holder = (sequence.copyHolder ??= new CopyHolder())
    holder.copies += 1
    this.collected.push({ holder, keys })
  }

  passEnds(endMs: number): void {
    if (this.collected.length === 0) return
    for (const { holder, keys } of this.collected) this.tiers.copy(keys, holder, endMs)
    this.collected.length = 0
  }

  keepsBlocks(sequence: Sequence): boolean {
    const { copyHolder, heldBlocks, keys, slots } = sequence
    sequence.copiedBlocks = 0
    if (this.loading.delete(sequence)) {
      this.abandoned.add(sequence)
      return true
    }
    this.tiers.touch(keys, Math.min(keys.length, heldBlocks))
    if (copyHolder === undefined || copyHolder.copies === 0) return false
    copyHolder.slots = slots
    copyHolder.heldBlocks = heldBlocks
    this.lingering.add(copyHolder)
    sequence.copyHolder = undefined
    sequence.heldBlocks = 0
    sequence.slots = emptyBlocks
    return true
  }

  copied(holder: CopyHolder, nowMs: number): void {
    holder.copies -= 1
    if (holder.copies > 0 || !this.lingering.delete(holder)) return
    this.release(holder.slots, holder.heldBlocks)
    this.nextRelease.live = false
    this.nextRelease.endedMs = nowMs
    this.nextRelease = new Release()
    this.worker.roomMade()
  }

  protected roomToCome(): Offload | undefined {
    return this.lingering.size > 0 ? this.nextRelease : undefined
  }

  // ---- up --------------------------------------------------------------------------------------------------------------

  tryStart(sequence: Sequence, nowMs: number): Onboard {
    if (!this.copies) return Onboard.Nothing
    const { pool, tiers } = this
    const { keys, slots } = sequence
    this.countDeferral(sequence)
    const promptBlocks = Math.min(sequence.fullBlocks, Math.floor(sequence.promptTokens / this.blockTokens))
    const cached = pool.residentPrefix(keys, promptBlocks)
    if (cached === promptBlocks) return Onboard.Nothing
    const match = tiers.lookup(keys, cached, promptBlocks)
    if (match === undefined)
      return tiers.awaited === undefined ? Onboard.Nothing : this.defer(sequence, tiers.awaited, nowMs)
    if (this.onlyFaster && !this.isFaster(match, tiers.loadMs(match))) return Onboard.Nothing
    tiers.reserve(match)
    const blocks = cached + matchedBlocks(match)
    if (pool.acquireUnregistered(keys, cached, blocks, slots) < 0) {
      tiers.letGo(match)
      return this.blocks(sequence, nowMs) ? Onboard.Blocked : Onboard.Nothing
    }
    sequence.heldBlocks = blocks
    this.loading.add(sequence)
    return this.defer(sequence, tiers.start(match, sequence), nowMs)
  }

  loaded(load: Load<Sequence>): void {
    const { pool } = this
    const { from, keys, owner } = load
    owner.loads = [...owner.loads, load]
    for (let position = from; position < owner.heldBlocks; position++) {
      const parentKey = position > 0 ? keys[position - 1]! : noBlock
      owner.slots[position] = pool.promote(owner.slots[position]!, keys[position]!, parentKey)
    }
    pool.unpin(owner.slots, from)
    this.release(owner.slots, owner.heldBlocks)
    owner.heldBlocks = 0
    this.loading.delete(owner)
    if (this.abandoned.delete(owner)) this.worker.loadedInVain(owner)
    this.worker.roomMade()
  }

  /** Whoever loads stands in the queue, and is dropped like anybody there. */
  abandon(): boolean {
    return false
  }

  override countReuse(sequence: Sequence, cachedTokens: number): void {
    this.tiers.touch(sequence.keys, Math.min(sequence.keys.length, sequence.fullBlocks))
    super.countReuse(sequence, cachedTokens)
  }

  private defer(sequence: Sequence, copy: Offload, nowMs: number): Onboard {
    sequence.deferredBy = copy
    sequence.deferredSinceMs = nowMs
    return Onboard.Deferred
  }

  /** The copy is over for which the request waited: its wait counts. */
  private countDeferral(sequence: Sequence): void {
    const { deferredBy, deferredSinceMs, request } = sequence
    if (deferredBy === undefined) return
    sequence.deferredBy = undefined
    if (request.tiers !== null) request.tiers.onboardWaitMs += Math.max(0, deferredBy.endedMs - deferredSinceMs)
  }

  // ---- both ------------------------------------------------------------------------------------------------------------

  heldBlocks(): number {
    let held = 0
    for (const { heldBlocks } of this.lingering) held += heldBlocks
    for (const { heldBlocks } of this.abandoned) held += heldBlocks
    return held
  }

  markBlocks(mark: (block: number) => void): void {
    this.tiers.markBlocks(mark)
    for (const sequence of this.abandoned) sequence.markKeys(mark)
  }

  checkInvariants(): void {
    this.tiers.checkInvariants()
    for (const { copies } of this.lingering)
      if (copies <= 0) throw new Error("blocks are held for copies that have ended")
    if (this.collected.length > 0) throw new Error("blocks of a pass that has ended are not copied")
  }

  /** Deepest block first, so that a prefix outlives what extends it. */
  private release(slots: Int32Array, count: number): void {
    for (let position = count - 1; position >= 0; position--) this.pool.release(slots[position]!)
  }
}

/** Tiers to which a vLLM-style worker copies every block once it is computed, and from which waiting requests load. */
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { matchedBlocks, type Offload } from "../tiers/KvTiers.ts"
import { PrivateKeys } from "../tiers/PrivateKeys.ts"
import { type CopyWorker, RequestCopies } from "../tiers/RequestCopies.ts"
import type { SharedTiers } from "../tiers/SharedTiers.ts"
import type { TierArgs } from "../tiers/TierArgs.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import type { TierOccupancy } from "../WorkerCore.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { KvBlockPool } from "./KvBlockPool.ts"
import { type OffloadEvents, Offloading, Onboard } from "./Offloading.ts"
import type { Sequence } from "./Sequence.ts"

/** A pool whose own identities nobody else has either: workers may share a disk. */
class SharedIdentityPool extends KvBlockPool {
  private readonly identities: PrivateKeys

  constructor(capacity: number, shared: SharedTiers, events: KvEventSink | undefined, probe: WorkerProbe | undefined) {
    super(capacity, events, probe)
    this.identities = new PrivateKeys(shared.privateFrames)
  }

  protected override privateFrame(): number {
    return this.identities.frameOfEight()
  }
}

export class WriteThroughOffloading extends Offloading implements CopyWorker {
  readonly pool: KvBlockPool
  readonly defers = true
  readonly seesGrowth: boolean
  readonly endsUnseen = false
  readonly catchUp = undefined
  readonly isPrivate: boolean
  private readonly copies: RequestCopies<Sequence>
  /** Without prefix caching nothing could find a copy. */
  private readonly cachesPrefixes: boolean

  constructor(
    args: TierArgs,
    shared: SharedTiers,
    engine: { readonly capacityBlocks: number; readonly blockTokens: number; readonly cachesPrefixes: boolean },
    context: WorkerContext,
    worker: OffloadEvents
  ) {
    super(worker, engine.blockTokens)
    this.cachesPrefixes = engine.cachesPrefixes
    // Who shares a disk, or hears what host memory has, would see late what becomes of a block.
    this.isPrivate = context.tiersLeftAlone === true && args.diskBlocks === 0 && context.tierEvents === undefined
    this.seesGrowth = !this.isPrivate
    this.copies = new RequestCopies(args, shared, engine.blockTokens, this, context.tierEvents)
    this.pool = new SharedIdentityPool(engine.capacityBlocks, shared, context.kvEvents, context.probe)
  }

  /** Passes ahead see to the copies that end before them. They are over when one ends that somebody notices. */
  tick(nowMs: number): boolean {
    if (this.worker.hasPassesToGrow()) {
      if (this.noticeMs() > nowMs) return false
      this.worker.catchUp()
    }
    return this.copies.tick(nowMs)
  }

  override passStarts(nowMs: number): boolean {
    return this.copies.tick(nowMs)
  }

  override passAheadStarts(startMs: number): void {
    this.copies.tick(startMs)
  }

  override passAheadEnds(endMs: number): void {
    this.copies.passEnds(endMs)
  }

  occupancy(): TierOccupancy {
    return this.copies.occupancy()
  }

  deadlineMs(): number {
    return this.copies.deadlineMs()
  }

  noticeMs(): number {
    return this.copies.noticeMs()
  }

  passesChangeMs(): number {
    return this.copies.noticeMs()
  }

  /** The worker stays open for arrivals; whoever drives it knows when the next copy ends. */
  wakeUpMs(nowMs: number): number {
    return nowMs
  }

  // ---- what the worker tells -------------------------------------------------------------------------------------------

  computed(sequence: Sequence): void {
    if (!this.cachesPrefixes) return
    this.copies.computed(
      sequence,
      Math.min(sequence.fullBlocks, Math.floor(sequence.computedTokens / this.blockTokens))
    )
  }

  passEnds(endMs: number): void {
    this.copies.passEnds(endMs)
  }

  keepsBlocks(sequence: Sequence): boolean {
    return this.copies.keepsBlocks(sequence)
  }

  tryStart(sequence: Sequence, nowMs: number): Onboard {
    if (!this.cachesPrefixes) return Onboard.Nothing
    const { copies, pool } = this
    const { keys, slots } = sequence
    const promptBlocks = Math.min(sequence.fullBlocks, Math.floor(sequence.promptTokens / this.blockTokens))
    const cached = pool.residentPrefix(keys, promptBlocks)
    const match = copies.find(sequence, cached, promptBlocks, nowMs)
    if (match === undefined) return sequence.deferredBy === undefined ? Onboard.Nothing : Onboard.Deferred
    copies.reserve(match)
    const blocks = cached + matchedBlocks(match)
    if (pool.acquireUnregistered(keys, cached, blocks, slots) < 0) {
      copies.letGo(match)
      return this.blocks(sequence, nowMs) ? Onboard.Blocked : Onboard.Nothing
    }
    sequence.heldBlocks = blocks
    copies.start(match, sequence, nowMs)
    return Onboard.Deferred
  }

  /** Whoever loads stands in the queue, and is dropped like anybody there. */
  abandon(): boolean {
    return false
  }

  override countReuse(sequence: Sequence, cachedTokens: number): void {
    this.copies.countReuse(sequence, cachedTokens)
  }

  heldBlocks(): number {
    return this.copies.heldBlocks()
  }

  markBlocks(mark: MarkBlocks): void {
    this.copies.markBlocks(mark)
  }

  checkInvariants(): void {
    this.copies.checkInvariants()
  }

  protected roomToCome(): Offload | undefined {
    return this.copies.roomToCome()
  }

  // ---- what the copies ask for -----------------------------------------------------------------------------------------

  keyOf(slot: number): number {
    return this.pool.keyOf(slot)
  }

  /** Deepest block first, so that a prefix outlives what extends it. */
  release(slots: Int32Array, count: number): void {
    this.pool.releaseAll(slots, 0, count)
  }

  publish(keys: Int32Array, slots: Int32Array, from: number, to: number): void {
    this.pool.promoteAll(keys, from, to, slots)
    this.pool.unpin(slots, from)
    this.release(slots, to)
  }

  roomMade(): void {
    this.worker.roomMade()
  }

  computeMs(tokens: number, prefixTokens: number): number {
    return this.worker.computeMs(tokens, prefixTokens)
  }
}

/**
 * Tiers that take over what a vLLM-style worker evicts, and load what a prompt has there.
 *
 * While its blocks are loaded a request is parked, in no queue, and others may overtake it. The loaded blocks become ordinary cached
 * blocks and the request waits at the front of the queue again. It is then admitted by the ordinary rules, and finds them there.
 */
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import {
  type EvictionEvents,
  type EvictionTiers,
  type Load,
  matchedBlocks,
  type Offload,
  type TierMatch
} from "../tiers/KvTiers.ts"
import { OnEvictTiers } from "../tiers/OnEvictTiers.ts"
import type { SharedTiers } from "../tiers/SharedTiers.ts"
import type { TierArgs } from "../tiers/TierArgs.ts"
import { noteLoad } from "../tiers/TierUser.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import type { PassOutcome, TierOccupancy } from "../WorkerCore.ts"
import { type OffloadEvents, Offloading, Onboard } from "./Offloading.ts"
import type { Sequence } from "./Sequence.ts"
import { TieredBlockPool } from "./TieredBlockPool.ts"

export class EvictOffloading extends Offloading implements EvictionEvents<Sequence> {
  readonly pool: TieredBlockPool
  readonly defers = false
  readonly seesGrowth = false
  readonly endsUnseen = true
  readonly isPrivate = false
  /** Requests that were dropped while their blocks were loaded: the copies still end. */
  private readonly abandoned = new Set<Sequence>()
  private readonly tiers: EvictionTiers<Sequence>
  private readonly onlyFaster: boolean
  readonly catchUp: ((nowMs: number) => boolean) | undefined
  override readonly evictsAlone: boolean
  readonly settle: ((pass: PassOutcome) => void) | undefined

  constructor(
    args: TierArgs,
    shared: SharedTiers,
    engine: { readonly capacityBlocks: number; readonly blockTokens: number; readonly isWhole: boolean },
    context: WorkerContext,
    worker: OffloadEvents
  ) {
    super(worker, engine.blockTokens)
    this.onlyFaster = args.onlyFaster
    // Nobody shares lower tiers with this worker, reserves room between its passes, or is told what its host memory holds.
    const isPrivate = engine.isWhole && args.diskBlocks === 0 && !args.objectStore && context.tierEvents === undefined
    // Methods: calls of one function for all workers are direct ones.
    this.catchUp = isPrivate ? this.catchUpAlone : undefined
    this.evictsAlone = isPrivate && context.tiersLeftAlone === true
    this.settle = this.evictsAlone ? this.settleAlone : undefined
    this.tiers = new OnEvictTiers(args, shared, this, context.tierEvents)
    this.pool = new TieredBlockPool(engine.capacityBlocks, this.tiers, shared, context.kvEvents, context.probe)
  }

  private catchUpAlone(nowMs: number): boolean {
    return this.tiers.catchUp(nowMs)
  }

  private settleAlone(pass: PassOutcome): void {
    this.tiers.settle(pass)
  }

  tick(nowMs: number): boolean {
    return this.tiers.tick(nowMs)
  }

  occupancy(): TierOccupancy {
    return this.tiers.occupancy()
  }

  deadlineMs(): number {
    return this.tiers.deadlineMs()
  }

  /** Of loaded blocks routers hear. What else ends matters to the next pass alone where nobody else uses it. */
  noticeMs(): number {
    return this.catchUp === undefined ? this.tiers.deadlineMs() : this.tiers.loadedMs()
  }

  /** The end of any transfer frees slots, which count as active until then. */
  passesChangeMs(): number {
    return this.tiers.deadlineMs()
  }

  /** A worker without anything else to do sleeps until a transfer ends. */
  wakeUpMs(nowMs: number): number {
    const deadlineMs = this.tiers.deadlineMs()
    return deadlineMs === Number.POSITIVE_INFINITY ? nowMs : Math.max(nowMs, deadlineMs)
  }

  /** Only a request that never was in the batch loads anything. */
  tryStart(sequence: Sequence, nowMs: number): Onboard {
    const { pool, tiers } = this
    const { fullBlocks, keys, slots, wasAdmitted } = sequence
    // What found no room on its way finds none before something else has happened: it is computed.
    if (wasAdmitted || sequence.loadFailedMs === nowMs) return Onboard.Nothing
    const cached = pool.residentPrefix(keys, fullBlocks)
    if (cached === fullBlocks) return Onboard.Nothing
    const match = tiers.lookup(keys, cached, fullBlocks)
    if (match === undefined) {
      if (!this.worker.asksForBlocks(sequence)) pool.touch(keys, cached, slots)
      return Onboard.Nothing
    }
    if (this.onlyFaster && !this.isFaster(match)) return Onboard.Nothing
    tiers.reserve(match)
    const blocks = cached + matchedBlocks(match)
    if (pool.acquireUnregistered(keys, cached, blocks, slots) < 0) {
      tiers.letGo(match)
      return this.blocks(sequence, nowMs) ? Onboard.Blocked : Onboard.Nothing
    }
    sequence.heldBlocks = blocks
    this.parked.add(sequence)
    tiers.start(match, sequence)
    return Onboard.Parked
  }

  abandon(request: SimRequest): boolean {
    for (const sequence of this.parked) {
      if (sequence.request !== request) continue
      this.parked.delete(sequence)
      this.abandoned.add(sequence)
      return true
    }
    return false
  }

  computed(): void {}

  passEnds(): void {}

  keepsBlocks(): boolean {
    return false
  }

  /** Blocks set aside for loads, and the cached ones before them. */
  heldBlocks(): number {
    let held = 0
    for (const { heldBlocks } of this.parked) held += heldBlocks
    for (const { heldBlocks } of this.abandoned) held += heldBlocks
    return held
  }

  slotsFreed(count: number): void {
    this.pool.endQuarantine(count)
    this.worker.roomMade()
  }

  loaded(load: Load<Sequence>, nowMs: number): void {
    const { pool } = this
    const { from, keys, owner } = load
    noteLoad(load, nowMs)
    if (load.arrived) pool.publish(keys, owner.slots, from, owner.heldBlocks)
    else {
      pool.freeUnregistered(owner.slots, from, owner.heldBlocks)
      owner.loadFailedMs = nowMs
    }
    pool.letGoOfHits(owner.slots, from)
    owner.heldBlocks = 0
    if (this.parked.delete(owner)) this.worker.loaded(owner)
    else if (this.abandoned.delete(owner)) this.worker.loadedInVain(owner)
  }

  markBlocks(mark: MarkBlocks): void {
    this.tiers.markBlocks(mark)
    for (const sequence of this.parked) sequence.markKeys(mark)
    for (const sequence of this.abandoned) sequence.markKeys(mark)
  }

  checkInvariants(): void {
    this.tiers.checkInvariants()
  }

  /** Whether the run is there sooner than it is computed. */
  private isFaster(match: TierMatch): boolean {
    const tokens = matchedBlocks(match) * this.blockTokens
    return this.tiers.loadMs(match) < this.worker.computeMs(tokens, match.from * this.blockTokens)
  }

  protected roomToCome(): Offload | undefined {
    return this.pool.blockedOn
  }
}

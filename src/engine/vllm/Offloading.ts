/**
 * What a vLLM-style worker with KV tiers does more than one without: it evicts into them, and loads from them what a prompt has there.
 *
 * While its blocks are loaded a request is parked, in no queue, and others may overtake it. The loaded blocks become ordinary cached
 * blocks and the request waits at the front of the queue again. It is then admitted by the ordinary rules, and finds them there.
 */
import type { EngineArgs } from "../EngineArgs.ts"
import { type KvTiers, type Load, matchedBlocks, type TierEvents } from "../tiers/KvTiers.ts"
import { OnEvictTiers } from "../tiers/OnEvictTiers.ts"
import { SharedTiers } from "../tiers/SharedTiers.ts"
import { type TierArgs, tierArgsOf } from "../tiers/TierArgs.ts"
import type { WorkerContext } from "../WorkerContext.ts"
import type { TierClock } from "../WorkerCore.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import type { Sequence } from "./Sequence.ts"
import { TieredBlockPool } from "./TieredBlockPool.ts"

export const Onboard = { Nothing: 0, Blocked: 1, Parked: 2 } as const
export type Onboard = (typeof Onboard)[keyof typeof Onboard]

/** What the worker is told. */
export interface OffloadEvents {
  /** Evicted blocks have freed their slots. */
  roomMade(): void
  /** The request has what was loaded for it, and is in no queue. */
  loaded(sequence: Sequence): void
  /** What was loaded for an abandoned request is cached; nobody waits for it. */
  loadedInVain(sequence: Sequence): void
}

export class Offloading implements TierClock, TierEvents<Sequence> {
  readonly pool: TieredBlockPool
  /** Requests whose blocks are being loaded. */
  readonly parked = new Set<Sequence>()
  /** Requests that were dropped while their blocks were loaded: the copies still end. */
  readonly abandoned = new Set<Sequence>()
  private readonly tiers: KvTiers<Sequence>
  private readonly worker: OffloadEvents

  constructor(
    args: TierArgs,
    shared: SharedTiers,
    capacityBlocks: number,
    context: WorkerContext,
    worker: OffloadEvents
  ) {
    this.worker = worker
    this.tiers = new OnEvictTiers(args, shared, this)
    this.pool = new TieredBlockPool(capacityBlocks, this.tiers, shared, context.kvEvents, context.probe)
  }

  tick(nowMs: number): boolean {
    return this.tiers.tick(nowMs)
  }

  deadlineMs(): number {
    return this.tiers.deadlineMs()
  }

  /** When a pass ends that did nothing: a worker without anything else to do sleeps until a transfer ends. */
  wakeUpMs(nowMs: number): number {
    const deadlineMs = this.tiers.deadlineMs()
    return deadlineMs === Number.POSITIVE_INFINITY ? nowMs : Math.max(nowMs, deadlineMs)
  }

  /**
   * Starts to load what tiers have of a prompt behind its cached blocks. Its slots must be prepared. Blocked: it must wait for
   * {@link Sequence.waitsFor} first. Nothing: there is nothing to load, or no room.
   */
  tryStart(sequence: Sequence, nowMs: number): Onboard {
    const { pool, tiers } = this
    const { fullBlocks, keys, slots } = sequence
    const cached = pool.residentPrefix(keys, fullBlocks)
    if (cached === fullBlocks) return Onboard.Nothing
    const match = tiers.lookup(keys, cached, fullBlocks)
    if (match === undefined) {
      pool.touch(keys, cached)
      return Onboard.Nothing
    }
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

  /** Drops a parked request; false when it is not parked. */
  abandon(request: SimRequest): boolean {
    for (const sequence of this.parked) {
      if (sequence.request !== request) continue
      this.parked.delete(sequence)
      this.abandoned.add(sequence)
      return true
    }
    return false
  }

  /** Blocks set aside for loads, and the cached ones before them, counted once per request. */
  heldBlocks(): number {
    let held = 0
    for (const { heldBlocks } of this.parked) held += heldBlocks
    for (const { heldBlocks } of this.abandoned) held += heldBlocks
    return held
  }

  slotsFreed(slots: ReadonlyArray<number>): void {
    this.pool.endQuarantine(slots)
    this.worker.roomMade()
  }

  /** Whether the pool's last failed try has begun to make room; from `nowMs` on the request then waits for it. */
  blocks(sequence: Sequence, nowMs: number): boolean {
    const offload = this.pool.blockedOn
    if (offload === undefined) return false
    this.countWait(sequence)
    sequence.waitsFor = offload
    sequence.blockedSinceMs = nowMs
    return true
  }

  /** What the request waited for is over: its wait counts. */
  countWait(sequence: Sequence): void {
    const { blockedSinceMs, request, waitsFor } = sequence
    if (waitsFor === undefined || waitsFor.live || request.tiers === null) return
    request.tiers.offloadWaitMs += Math.max(0, waitsFor.endedMs - blockedSinceMs)
    sequence.waitsFor = undefined
  }

  /** The request joins the batch with `cachedTokens` of its prompt: those of them that were loaded for it count by tier. */
  countReuse(sequence: Sequence, cachedTokens: number, blockTokens: number): void {
    const { loads, request } = sequence
    const use = request.tiers
    if (use === null) return
    this.countWait(sequence)
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
    sequence.loads = []
  }

  loaded(load: Load<Sequence>, nowMs: number): void {
    const { pool } = this
    const { from, keys, owner } = load
    if (load.arrived) owner.loads = [...owner.loads, load]
    if (owner.request.tiers !== null) owner.request.tiers.onboardWaitMs += Math.max(0, nowMs - load.startedMs)
    if (load.arrived) pool.publish(keys, owner.slots, from, owner.heldBlocks)
    else pool.freeUnregistered(owner.slots, from, owner.heldBlocks)
    pool.letGoOfHits(owner.slots, from)
    owner.heldBlocks = 0
    if (this.parked.delete(owner)) this.worker.loaded(owner)
    else if (this.abandoned.delete(owner)) this.worker.loadedInVain(owner)
  }

  markBlocks(mark: (block: number) => void): void {
    this.tiers.markBlocks(mark)
    for (const sequence of this.parked) sequence.markKeys(mark)
    for (const sequence of this.abandoned) sequence.markKeys(mark)
  }

  checkInvariants(): void {
    this.tiers.checkInvariants()
  }
}

/** Nothing where the engine has no tiers. */
export const offloadingOf = (
  args: EngineArgs,
  context: WorkerContext,
  worker: OffloadEvents
): Offloading | undefined => {
  const tierArgs = tierArgsOf(args)
  if (tierArgs === undefined) return undefined
  const shared = context.sharedTiers ?? new SharedTiers()
  if (shared.join(tierArgs)) return new Offloading(tierArgs, shared, args.numGpuBlocks, context, worker)
  if (tierArgs.referenceQuirks) return undefined
  throw new Error("workers of one run ask for different disk or object store tiers")
}

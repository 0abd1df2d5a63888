/**
 * What a vLLM-style worker with KV tiers does more than one without, whatever its policy: requests load what tiers have of their prompts,
 * wait for copies, and have both accounted for.
 */
import type { Offload } from "../tiers/KvTiers.ts"
import { countReuse, countWait, waitFor } from "../tiers/TierUser.ts"
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import type { TierClock, TierOccupancy } from "../WorkerCore.ts"
import type { KvBlockPool } from "./KvBlockPool.ts"
import type { Sequence } from "./Sequence.ts"

/** What came of a request's try to load something. Deferred: it keeps its place in the queue, and others may pass it. */
export const Onboard = { Nothing: 0, Blocked: 1, Parked: 2, Deferred: 3 } as const
export type Onboard = (typeof Onboard)[keyof typeof Onboard]

/** What the worker is told. */
export interface OffloadEvents {
  /** Copied blocks have freed their slots. */
  roomMade(): void
  /** The request has what was loaded for it, and is in no queue. */
  loaded(sequence: Sequence): void
  /** What was loaded for an abandoned request is cached; nobody waits for it. */
  loadedInVain(sequence: Sequence): void
  /** Whether it asks for the request's blocks next, which makes cached ones count as just used. */
  asksForBlocks(sequence: Sequence): boolean
  /** How long computing `tokens` behind `prefixTokens` would take, ms. */
  computeMs(tokens: number, prefixTokens: number): number
  /** Passes are computed, but not carried out, in which requests fill blocks. */
  hasPassesToGrow(): boolean
  /** Carries them out. */
  catchUp(): void
}

export abstract class Offloading implements TierClock {
  abstract readonly pool: KvBlockPool
  /** Whether requests are deferred at their place in the queue. */
  abstract readonly defers: boolean
  /** Whether blocks that requests fill while they generate concern it at once, and not only when the pass is carried out. */
  abstract readonly seesGrowth: boolean
  /** Whether a transfer may end while a pass ahead of time is under way: only the pass behind that one sees it. */
  abstract readonly endsUnseen: boolean
  abstract readonly isPrivate: boolean
  /** Requests in no queue because their blocks are being loaded. */
  readonly parked = new Set<Sequence>()
  protected readonly worker: OffloadEvents
  protected readonly blockTokens: number

  constructor(worker: OffloadEvents, blockTokens: number) {
    this.worker = worker
    this.blockTokens = blockTokens
  }

  /** Blocks that are evicted are copied, and nobody but the worker's own passes sees that. */
  readonly evictsAlone: boolean = false
  abstract readonly catchUp: ((nowMs: number) => boolean) | undefined
  abstract tick(nowMs: number): boolean

  /** A pass starts in its time; true when something has ended. */
  passStarts(nowMs: number): boolean {
    return this.tick(nowMs)
  }

  /** A pass that was computed ahead of its time, and in which requests take blocks, is carried out. */
  passAheadStarts(_startMs: number): void {}
  passAheadEnds(_endMs: number): void {}

  abstract deadlineMs(): number
  abstract noticeMs(): number
  abstract occupancy(): TierOccupancy

  /** When the next transfer ends that makes a difference to the worker's passes. */
  abstract passesChangeMs(): number

  /** When a pass ends that did nothing at `nowMs`. */
  abstract wakeUpMs(nowMs: number): number

  /**
   * Starts to load what tiers have of a waiting request's prompt behind its cached blocks. Its slots must be prepared. Blocked: it must
   * wait for {@link Sequence.waitsFor} first. Nothing: there is nothing to load, or no room.
   */
  abstract tryStart(sequence: Sequence, nowMs: number): Onboard

  /** Drops a parked request; false when it is not parked. */
  abstract abandon(request: SimRequest): boolean

  /** Some of the request's blocks are computed. */
  abstract computed(sequence: Sequence): void

  /** The pass that has just been computed ends at `endMs`. */
  abstract passEnds(endMs: number): void

  /** The request lets go of its blocks: whether they stay held until copies of them have ended. */
  abstract keepsBlocks(sequence: Sequence): boolean

  /** What makes room next where the pool's last try found none; nothing when nothing will. */
  protected abstract roomToCome(): Offload | undefined

  /** Blocks held for transfers by nobody in queue or batch, counted once per holder. */
  abstract heldBlocks(): number
  abstract markBlocks(mark: MarkBlocks): void
  abstract checkInvariants(): void

  /** Whether the pool's last failed try will find room; from `nowMs` on the request then waits for it. */
  blocks(sequence: Sequence, nowMs: number): boolean {
    const offload = this.roomToCome()
    if (offload !== undefined) waitFor(sequence, offload, nowMs)
    return offload !== undefined
  }

  /** What the request waited for is over: its wait counts. */
  countWait(sequence: Sequence): void {
    countWait(sequence)
  }

  /** The request joins the batch for the first time with `cachedTokens` of its prompt. */
  countReuse(sequence: Sequence, cachedTokens: number): void {
    countReuse(sequence, cachedTokens, this.blockTokens)
  }
}

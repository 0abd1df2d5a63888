/**
 * The KV tiers below a worker's device memory, as its scheduler and its block pool see them.
 *
 * A block goes down in an {@link Offload} and comes up in a {@link Load}. Both take time; everything that ends does so in
 * {@link KvTiers.tick}, which the worker calls at the start of every pass. When blocks go down is the policy's: {@link EvictionTiers} take
 * over what the pool gives up, {@link CopyTiers} copy what has been computed.
 */

import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import type { TierOccupancy } from "../WorkerCore.ts"
import type { BlockChains } from "./BlockChains.ts"

/** Blocks on their way that keep their slots until they are there; who needs slots or blocks waits for it. */
export interface Offload {
  /** False once all of its slots are free. */
  readonly live: boolean
  /** When it ended; `Infinity` while it is live. */
  readonly endedMs: number
}

/** A leading run of a prompt's blocks that tiers hold: `keys[from … from + blocks)`, tier by tier. */
export interface TierMatch {
  readonly keys: Int32Array
  readonly from: number
  readonly hostBlocks: number
  readonly diskBlocks: number
  readonly objectBlocks: number
}

/** A run of blocks on its way up, into slots that `owner` has set aside for it. */
export interface Load<Owner> extends TierMatch {
  readonly owner: Owner
  readonly startedMs: number
  /** False when it came to nothing: the owner must try anew. */
  readonly arrived: boolean
}

export const matchedBlocks = (match: TierMatch): number => match.hostBlocks + match.diskBlocks + match.objectBlocks

export interface KvTiers<Owner> {
  /** Which of `keys[from … to)`, from the first on, could be loaded now. */
  lookup(keys: Int32Array, from: number, to: number): TierMatch | undefined
  /** Holds what was found, so that it stays until it is loaded or let go. */
  reserve(match: TierMatch): void
  letGo(match: TierMatch): void
  /** Starts to load what is reserved. */
  start(match: TierMatch, owner: Owner): void
  /** How long the load would take if it started now, ms. */
  loadMs(match: TierMatch): number
  /** Moves all transfers to `nowMs` and does what their ends bring. True when anything ended. */
  tick(nowMs: number): boolean
  /** When the next transfer ends; `Infinity` when none is under way. */
  deadlineMs(): number
  occupancy(): TierOccupancy
  markBlocks(mark: MarkBlocks): void
  checkInvariants(): void
}

/** Whether the run is there sooner than it is computed, which takes `computeMs(tokens, prefixTokens)`. */
export const isLoadedFaster = (
  tiers: KvTiers<never>,
  match: TierMatch,
  blockTokens: number,
  worker: { readonly computeMs: (tokens: number, prefixTokens: number) => number }
): boolean => tiers.loadMs(match) < worker.computeMs(matchedBlocks(match) * blockTokens, match.from * blockTokens)

/** Blocks go down when the pool needs their slots. */
export interface EvictionTiers<Owner> extends KvTiers<Owner> {
  /**
   * Takes over what the pool has evicted, the contents of the list with it; its slots stay taken until {@link EvictionEvents.slotsFreed}. Nothing is returned when no block is worth
   * copying: the slots are the pool's own again at once.
   */
  offload(evicted: BlockChains): Offload | undefined
  /** When the next load ends; a transfer that took no time counts as one. */
  loadedMs(): number
  /** As {@link tick} at the end of every transfer until `nowMs`, for tiers below which there are none; true when there was any. */
  catchUp(nowMs: number): boolean
  /** The same at the end of a pass, before its time, unless a load ends by then. */
  settle(pass: { readonly endMs: number }): void
}

/** Blocks are copied down once they are computed; who holds them must do so until the copy has ended. */
export interface CopyTiers<Owner, Holder> extends KvTiers<Owner> {
  /** Why the last look-up found nothing: a copy under way that brings a block of the run. Nothing when there is none. */
  readonly awaited: Offload | undefined
  /** As for any tiers; what it returns ends with the load. */
  start(match: TierMatch, owner: Owner): Offload
  /** Takes room below for those of `keys[from … to)` that have to be copied; false when there are none, else {@link CopyTiers.hold} must follow. */
  claim(keys: Int32Array, from: number, to: number): boolean
  /** What was claimed last is held until it is copied, by `holder`, whose copy {@link CopyTiers.copy} starts. */
  hold(holder: Holder): void
  /** Copies all that was claimed since the last call and is computed at `readyMs`. */
  copy(readyMs: number): void
  /** When the next transfer ends that somebody waits for or is told of, besides those of {@link CopyTiers.copy}'s holders. */
  noticeMs(): number
  /** The leading `keys[0 … count)` count as just used. */
  touch(keys: Int32Array, count: number): void
}

/** What the tiers tell the worker. */
export interface TierEvents<Owner> {
  /** A load has ended, as seen at `nowMs`. */
  loaded(load: Load<Owner>, nowMs: number): void
}

export interface EvictionEvents<Owner> extends TierEvents<Owner> {
  /** So many evicted blocks are copied, or need no copy any more. */
  slotsFreed(count: number): void
}

export interface CopyEvents<Owner, Holder> extends TierEvents<Owner> {
  /** One of the holder's copies has ended. */
  copied(holder: Holder, nowMs: number): void
}

/**
 * The KV tiers below a worker's device memory, as its scheduler and its block pool see them.
 *
 * A block goes down in an {@link Offload} and comes up in a {@link Load}. Both take time; everything that ends does so in
 * {@link KvTiers.tick}, which the worker calls at the start of every pass.
 */

/** Blocks on their way down that keep their slots until they are there; who needs the slots waits for it. */
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
  /**
   * Takes over the blocks that the pool has evicted, first evicted first; their slots stay taken until {@link TierEvents.slotsFreed}.
   * Nothing is returned when no block is worth copying: the slots are the pool's own again at once.
   */
  offload(
    keys: ReadonlyArray<number>,
    parentKeys: ReadonlyArray<number>,
    slots: ReadonlyArray<number>
  ): Offload | undefined
  /** Moves all transfers to `nowMs` and does what their ends bring. True when anything ended. */
  tick(nowMs: number): boolean
  /** When the next transfer ends; `Infinity` when none is under way. */
  deadlineMs(): number
  markBlocks(mark: (block: number) => void): void
  checkInvariants(): void
}

/** What the tiers tell the worker. */
export interface TierEvents<Owner> {
  /** The blocks in these slots are copied, or need no copy any more. */
  slotsFreed(slots: ReadonlyArray<number>): void
  /** A load has ended, as seen at `nowMs`. Those that end together are told of last started first. */
  loaded(load: Load<Owner>, nowMs: number): void
}

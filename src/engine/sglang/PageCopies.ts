/**
 * KV tiers of an SGLang-style worker, written through: every page is copied once it is complete, and waiting requests load what tiers
 * have of their prompts behind the cached pages. Our model of SGLang's hierarchical cache; the reference's engine has none.
 *
 *     complete ──copied down──▶ host memory (──▶ disk)          evicting a page whose copy has ended costs nothing
 *     set aside ◀──loaded────── host memory (◀── disk)          loaded pages become cached ones
 *
 * While copies of its pages run, a request that is done with them, or retracted, leaves them locked in the radix tree until the copies have
 * ended: no slot is used again while it is read.
 */
import type { TierEventSinks } from "../KvEvents.ts"
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import { ComputedCopies, type CopyingWorker } from "../tiers/ComputedCopies.ts"
import { type Load, matchedBlocks, type Offload, type TierMatch } from "../tiers/KvTiers.ts"
import type { SharedTiers } from "../tiers/SharedTiers.ts"
import type { TierArgs } from "../tiers/TierArgs.ts"
import { countReuse, countWait, defer, type DeferredUser, RunningCopies, waitFor } from "../tiers/TierUser.ts"
import type { KvCache } from "./KvCache.ts"
import { root } from "./RadixTree.ts"
import type { Sequence } from "./Sequence.ts"

/** Once the request has let go of its pages, they are locked for the copies down to `node`. */
class PageHolder extends RunningCopies {
  node = root
}

const noLoads: ReadonlyArray<TierMatch> = []

/** What a request has to do with the tiers. */
export class PageUse implements DeferredUser {
  readonly sequence: Sequence
  waitsFor: Offload | undefined = undefined
  blockedSinceMs = Number.NaN
  loads: ReadonlyArray<TierMatch> = noLoads
  deferredBy: Offload | undefined = undefined
  deferredSinceMs = Number.NaN
  /** Leading pages that were handed over to be copied, as far as tiers lacked them, and the copies of them that run. */
  copiedPages = 0
  holder: PageHolder | undefined = undefined
  /** Pages at whose end its load ends; 0 while nothing is loaded for it. */
  loadedPages = 0
  wasAdmitted = false

  constructor(sequence: Sequence) {
    this.sequence = sequence
  }

  get request(): SimRequest {
    return this.sequence.request
  }
}

export class PageCopies extends ComputedCopies<PageUse, PageHolder> {
  private readonly kv: KvCache
  /** Requests for which pages are being loaded; they stand in the queue, unless they were dropped meanwhile. */
  private readonly loading = new Set<PageUse>()
  private readonly abandoned = new Set<PageUse>()

  constructor(
    args: TierArgs,
    shared: SharedTiers,
    kv: KvCache,
    worker: CopyingWorker,
    sinks: TierEventSinks | undefined
  ) {
    if (!shared.join(args)) throw new Error("workers of one run ask for different disk tiers")
    super(args, shared, kv.pageTokens, worker, sinks)
    this.kv = kv
  }

  /** Some page is locked, or some slot set aside, that will not be once a copy has ended. */
  get holdsPages(): boolean {
    return this.lingering.size > 0 || this.loading.size > 0
  }

  // ---- down ------------------------------------------------------------------------------------------------------------

  /** The first `pages` pages of the request are complete when the pass ends. */
  computed({ keys, tierUse }: Sequence, pages: number): void {
    if (tierUse === undefined || pages <= tierUse.copiedPages) return
    const { copiedPages } = tierUse
    tierUse.copiedPages = pages
    if (this.tiers.claim(keys, copiedPages, pages)) this.collect((tierUse.holder ??= new PageHolder()))
  }

  /** The request lets go of its pages, of which those that are cached end with `node`: they stay locked while copies of them run. */
  letGo({ keys, tierUse }: Sequence, node: number): void {
    if (tierUse === undefined) return
    const { tree } = this.kv
    const { holder } = tierUse
    countWait(tierUse)
    this.tiers.touch(keys, Math.min(keys.length, tree.endOf(node)))
    tierUse.copiedPages = 0
    tierUse.holder = undefined
    if (holder === undefined || holder.copies === 0) return
    holder.node = node
    tree.lock(node, root)
    this.linger(holder)
  }

  protected release({ node }: PageHolder): void {
    this.kv.tree.unlock(node)
  }

  // ---- up --------------------------------------------------------------------------------------------------------------

  /**
   * Starts to load what tiers have of a waiting request's first `pages` pages behind those that are cached; it is deferred until then, and
   * also when some of them are on their way already. Returns the tokens that the load keeps from others, cached ones included.
   */
  load({ keys, tierUse }: Sequence, pages: number, nowMs: number): number {
    if (tierUse === undefined) return 0
    const match = this.search(tierUse, keys, this.kv.tree.matchingPages(keys, pages), pages, nowMs)
    return match === undefined ? 0 : this.start(match, tierUse, nowMs)
  }

  private start(match: TierMatch, use: PageUse, nowMs: number): number {
    const { kv, tiers } = this
    const pages = match.from + matchedBlocks(match)
    tiers.reserve(match)
    if (kv.reserve(use.sequence, pages * kv.pageTokens) < 0) {
      tiers.letGo(match)
      return 0
    }
    use.loadedPages = pages
    this.loading.add(use)
    defer(use, tiers.start(match, use), nowMs)
    return pages * kv.pageTokens
  }

  loaded(load: Load<PageUse>): void {
    const { owner } = load
    owner.loads = [...owner.loads, load]
    this.kv.publish(owner.sequence, owner.loadedPages)
    owner.loadedPages = 0
    this.loading.delete(owner)
    this.abandoned.delete(owner)
    this.worker.roomMade()
  }

  /** The request has left the queue: whether pages are still being loaded for it, which will be cached all the same. */
  abandons({ tierUse }: Sequence): boolean {
    if (tierUse === undefined || !this.loading.has(tierUse)) return false
    this.abandoned.add(tierUse)
    return true
  }

  /** The request joins a batch with `cachedTokens` of its prompt; what was loaded for the first time that it does counts. */
  admitted({ keys, tierUse }: Sequence, cachedTokens: number): void {
    if (tierUse === undefined || tierUse.wasAdmitted) return
    tierUse.wasAdmitted = true
    this.tiers.touch(keys, keys.length)
    countReuse(tierUse, cachedTokens, this.kv.pageTokens)
  }

  // ---- both ------------------------------------------------------------------------------------------------------------

  /** From `nowMs` on requests that run wait for room, unless they do so already. */
  wait(running: ReadonlyArray<Sequence>, room: Offload, nowMs: number): void {
    for (const { tierUse } of running)
      if (tierUse !== undefined && tierUse.waitsFor !== room) waitFor(tierUse, room, nowMs)
  }

  countWaits(running: ReadonlyArray<Sequence>): void {
    for (const { tierUse } of running) if (tierUse !== undefined) countWait(tierUse)
  }

  markBlocks(mark: MarkBlocks): void {
    this.tiers.markBlocks(mark)
    for (const { sequence } of this.abandoned) sequence.markKeys(mark)
  }

  /** Who holds slots although it is in neither queue nor batch. */
  get abandonedSequences(): ReadonlyArray<Sequence> {
    return Array.from(this.abandoned, ({ sequence }) => sequence)
  }

  /** Slots set aside for pages that are being loaded. */
  get loadingTokens(): number {
    let pages = 0
    for (const { loadedPages, sequence } of this.loading) pages += loadedPages - sequence.lockedPages
    return pages * this.kv.pageTokens
  }

  /** Nodes that are locked for copies alone. */
  get heldNodes(): ReadonlyArray<number> {
    return Array.from(this.lingering, ({ node }) => node)
  }
}

/**
 * The KV memory of an SGLang-style worker: free slots, pages of requests and the radix tree of cached pages.
 *
 * **Granularity.** The tree only knows whole pages, and so do its evictions and matches; a page is one integer, its identity. Slots
 * have to be told apart all the same, in one case. Two rules of the reference make their numbers matter: a request that ends compares
 * the *last* slot of each of its pages with that of the cached page, to return only what is its own; and a retraction can put
 * slots on the free stack that the tree still owns (see {@link KvCache.retract}), after which two different pages may share
 * slot numbers and compare as equal. Since decoding requests draw slots one by one from a common stack, no coarser unit than a
 * token predicts which number a page ends with.
 *
 * **Numbers only when they matter.** Until the first such retraction every slot has one owner, so two pages never compare as equal, and
 * which slot is where makes no difference: slots are only counted. Then they get numbers, any that differ, for only whether
 * two are equal is ever asked; from there on a slot costs one copy when it is taken and one when it is returned.
 *
 * **Comparing once.** The reference compares at the end; here pages are compared as they enter the tree. The cached page a request
 * was compared with is on the path that it locks from then on, so it is neither evicted nor replaced before the end.
 */
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { PrivateKeys } from "../tiers/PrivateKeys.ts"
import type { SharedTiers } from "../tiers/SharedTiers.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import { PageAnnouncer } from "./PageAnnouncer.ts"
import { PageFrames } from "./PageFrames.ts"
import { RadixTree, root } from "./RadixTree.ts"
import type { Sequence } from "./Sequence.ts"
import { SlotPool } from "./SlotPool.ts"

/** Private identities count down from -1; the most negative integers mark slots, see {@link PageAnnouncer}. */
const lastPrivateKey = -0x7ffffff0
const pagesNamedInAdvance = 16

export class KvCache {
  readonly pageTokens: number
  readonly capacityTokens: number
  readonly pool: SlotPool
  readonly frames: PageFrames
  readonly tree: RadixTree
  private readonly announcer: PageAnnouncer | undefined
  private readonly probe: WorkerProbe | undefined
  /** Who names generated pages where tiers may hold them beside those of other workers. */
  private readonly identities: PrivateKeys | undefined
  private nextPrivateKey = -1
  /** Slots that no one owns any more although they never came back to the stack. */
  private leakedTokens = 0
  /** Slots on the stack that the tree owns as well, counted when they went there. */
  private doubledTokens = 0

  constructor(
    capacityPages: number,
    pageTokens: number,
    events: KvEventSink | undefined,
    probe?: WorkerProbe,
    shared?: SharedTiers
  ) {
    this.probe = probe
    this.identities = shared === undefined ? undefined : new PrivateKeys(shared.privateFrames)
    this.pageTokens = pageTokens
    this.capacityTokens = capacityPages * pageTokens
    this.pool = new SlotPool(this.capacityTokens)
    this.frames = new PageFrames(pageTokens)
    this.tree = new RadixTree(this.frames)
    this.announcer = events === undefined ? undefined : new PageAnnouncer(this.frames, this.tree, events)
  }

  get evictableTokens(): number {
    return this.tree.evictablePages * this.pageTokens
  }

  /** Free slots and slots of cached pages that nobody locks. */
  get obtainableTokens(): number {
    return this.pool.available + this.evictableTokens
  }

  /** Slots that requests hold, shared ones counted once. */
  get activeTokens(): number {
    return this.mostTokens - this.obtainableTokens
  }

  /** Slots that could be had if nobody held any; retractions change it, see {@link retract}. */
  private get mostTokens(): number {
    return this.capacityTokens - this.leakedTokens + this.doubledTokens
  }

  /** Every slot is there, and only once, as far as it can be had. */
  get isWhole(): boolean {
    return this.leakedTokens === 0 && this.doubledTokens === 0
  }

  /** `tokens` rounded up to whole pages. */
  ceilToPage(tokens: number): number {
    return Math.ceil(tokens / this.pageTokens) * this.pageTokens
  }

  /** Free slots, after evicting cached pages until there are `tokens` or nothing is left to evict. */
  makeAvailable(tokens: number): void {
    const missing = tokens - this.pool.available
    if (missing <= 0) return
    let evicted = 0
    while (evicted * this.pageTokens < missing) {
      const node = this.tree.evict()
      if (node === root) break
      evicted += this.freeEvicted(node)
    }
    if (evicted > 0) this.probe?.evicted?.(evicted)
  }

  /** As {@link makeAvailable} for what {@link extend} takes for a fresh sequence: the prefix that it finds cached is not evicted. */
  makeAvailableFor(sequence: Sequence, endTokens: number, lookUpTokens: number): void {
    const { tree } = this
    const node = tree.match(sequence.keys, Math.floor(lookUpTokens / this.pageTokens))
    tree.lock(node, root)
    this.makeAvailable(endTokens - tree.endOf(node) * this.pageTokens)
    tree.unlock(node)
  }

  /** Gives back slots and frames of a node that the tree has given up; returns the number of its pages. */
  private freeEvicted(node: number): number {
    const { frames, tree } = this
    const pages = tree.pagesOf(node)
    if (this.announcer === undefined && !this.pool.numbered) this.pool.giveAll(frames.slots, 0, pages * this.pageTokens)
    else
      for (let frame = tree.firstFrameOf(node); frame !== 0; frame = frames.successors[frame]!)
        this.giveFrame(frame, this.pageTokens)
    frames.freeChain(tree.firstFrameOf(node), tree.lastFrameOf(node), pages)
    return pages
  }

  /**
   * Materialises a sequence up to `endTokens`. A fresh one starts with the cached prefix of its first `lookUpTokens` and locks it. Returns the
   * tokens that were materialised or cached before, -1 when the slots do not suffice (the look-up stays done).
   */
  extend(sequence: Sequence, endTokens: number, lookUpTokens = endTokens): number {
    if (sequence.materialisedTokens === 0) return this.start(sequence, endTokens, lookUpTokens)
    const before = sequence.materialisedTokens
    if (!this.takeInto(sequence, before, endTokens)) return -1
    sequence.materialisedTokens = endTokens
    this.announce(sequence, Math.floor(before / this.pageTokens), endTokens)
    return before
  }

  /** Tokens of a fresh sequence that are cached, its last known one excepted, made the last to be evicted. */
  cachedPrefix(sequence: Sequence): number {
    const node = this.tree.match(sequence.keys, Math.floor((sequence.knownTokens - 1) / this.pageTokens))
    return this.tree.endOf(node) * this.pageTokens
  }

  /** Its complete pages, which all have identities from now on. */
  completePages(sequence: Sequence): number {
    const pages = Math.floor(sequence.materialisedTokens / this.pageTokens)
    this.nameGeneratedPages(sequence, pages)
    return pages
  }

  /** Puts the complete pages into the tree and locks them there, if there are more than the last time. */
  cachePrefix(sequence: Sequence): void {
    const pages = Math.floor(sequence.materialisedTokens / this.pageTokens)
    if (pages <= sequence.cachedPages) return
    this.nameGeneratedPages(sequence, pages)
    this.announce(sequence, sequence.cachedPages, sequence.materialisedTokens)
    this.lockPlaced(sequence, pages)
  }

  /**
   * The request has ended: its complete pages stay in the tree, everything else that is its own comes back. Returns the node that ends
   * with them.
   */
  finalise(sequence: Sequence): number {
    const pages = this.completePages(sequence)
    this.giveFrames(sequence, pages, sequence.materialisedTokens)
    this.announce(sequence, sequence.cachedPages, pages * this.pageTokens)
    const lockedNode = sequence.node
    const node = this.place(sequence, pages)
    for (const frame of sequence.duplicateFrames) {
      this.giveFrame(frame, this.pageTokens)
      this.frames.free(frame)
    }
    sequence.duplicateFrames.length = 0
    sequence.duplicatePages.length = 0
    this.tree.offer(node)
    this.tree.unlock(lockedNode)
    this.forget(sequence)
    return node
  }

  /**
   * Throws a sequence's KV out, except for what it has put into the tree. Two faults of the reference change later
   * numbers and are kept: slots of a cached prefix are returned although the tree owns them, if it had not yet put any
   * page of its own there; and slots of pages that somebody else had put there first are not returned at all.
   */
  retract(sequence: Sequence): void {
    if (sequence.cachedPages < sequence.lockedPages) this.numberSlots()
    for (let page = sequence.cachedPages; page < sequence.lockedPages; page++) {
      this.giveFrame(this.tree.frameOf(sequence.keys[page]!), this.pageTokens)
      this.doubledTokens += this.pageTokens
    }
    this.giveFrames(sequence, sequence.lockedPages, sequence.materialisedTokens)
    for (const frame of sequence.duplicateFrames) {
      if (!this.pool.numbered) this.announcer?.leak(this.frames.lastSlot(frame))
      this.frames.free(frame)
      this.leakedTokens += this.pageTokens
    }
    sequence.duplicateFrames.length = 0
    sequence.duplicatePages.length = 0
    this.tree.unlock(sequence.node)
    this.forget(sequence)
  }

  /** Prepares a completely materialised sequence for decoding: its next token has a frame to go to. */
  openPage(sequence: Sequence): void {
    const filled = sequence.materialisedTokens % this.pageTokens
    if (filled === 0) sequence.frames.push(this.frames.allocate())
    sequence.slotOffset = sequence.frames.at(-1)! * this.pageTokens + filled - sequence.materialisedTokens
  }

  /**
   * Locks the cached prefix of the first `tokens` tokens, which are not computed here, and sets slots aside for the rest, whole pages.
   * Returns their number, -1 and no slots when there are too few.
   */
  reserve(sequence: Sequence, tokens: number): number {
    const { tree } = this
    const node = tree.match(sequence.keys, Math.floor(tokens / this.pageTokens))
    tree.lock(node, root)
    const cached = tree.endOf(node) * this.pageTokens
    const missing = this.ceilToPage(tokens) - cached
    if (missing > this.obtainableTokens) {
      tree.unlock(node)
      return -1
    }
    this.makeAvailable(missing)
    sequence.node = node
    sequence.lockedPages = tree.endOf(node)
    if (!this.takeInto(sequence, cached, cached + missing)) {
      tree.unlock(node)
      this.forget(sequence)
      return -1
    }
    return missing
  }

  /** The reserved slots have been filled: the prompt is materialised. Returns the number of slots that were too many. */
  activate(sequence: Sequence): number {
    const { pageTokens } = this
    const filled = sequence.promptTokens % pageTokens
    const surplus = filled === 0 ? 0 : pageTokens - filled
    if (surplus > 0) {
      const end = (sequence.frames.at(-1)! + 1) * pageTokens
      this.pool.giveAll(this.frames.slots, end - surplus, end)
    }
    sequence.materialisedTokens = sequence.promptTokens
    this.announce(sequence, sequence.lockedPages, sequence.promptTokens)
    this.lockPlaced(sequence, Math.floor(sequence.promptTokens / pageTokens))
    return surplus
  }

  /** The reserved slots have been filled, with `pages` pages in all: these are cached now, and nobody holds them. */
  publish(sequence: Sequence, pages: number): void {
    sequence.materialisedTokens = pages * this.pageTokens
    this.finalise(sequence)
  }

  /** Gives up what {@link reserve} locked and set aside. */
  cancel(sequence: Sequence, reservedTokens: number): void {
    const { lockedPages, node } = sequence
    this.giveFrames(sequence, lockedPages, lockedPages * this.pageTokens + reservedTokens)
    this.tree.unlock(node)
    this.forget(sequence)
  }

  /** Evicts every cached page that nobody holds; where nobody holds any, slots that retractions lost are there again. */
  clear(): void {
    this.makeAvailable(Number.POSITIVE_INFINITY)
    if (this.isWhole || this.activeTokens > 0) return
    this.announcer?.withdrawAll()
    this.pool.reset()
    this.frames.reset()
    this.leakedTokens = 0
    this.doubledTokens = 0
  }

  /** Every shareable identity that is in the tree or announced. */
  markBlocks(mark: MarkBlocks): void {
    this.tree.forEachKey((key) => {
      if (key >= 0) mark(key)
    })
    this.announcer?.markBlocks(mark)
  }

  /**
   * Checks that slots, pages and locks add up; `sequences` are all that hold KV here, `reserved` slots not yet materialised, and
   * `heldNodes` are locked beside those of the sequences.
   */
  checkInvariants(
    sequences: ReadonlyArray<Sequence>,
    reservedTokens: number,
    heldNodes: ReadonlyArray<number> = []
  ): void {
    this.tree.checkInvariants([...sequences.map((sequence) => sequence.node), ...heldNodes])
    let ownTokens = reservedTokens
    let frames = this.tree.pages
    for (const sequence of sequences) {
      ownTokens += Math.max(0, sequence.materialisedTokens - sequence.lockedPages * this.pageTokens)
      ownTokens += sequence.duplicateFrames.length * this.pageTokens
      frames += sequence.frames.length + sequence.duplicateFrames.length
    }
    const held = this.pool.available + this.tree.pages * this.pageTokens + ownTokens
    if (held !== this.mostTokens) throw new Error(`${held} KV slots are accounted for, expected ${this.mostTokens}`)
    if (frames !== this.frames.live) throw new Error(`${frames} page frames are in use, counted ${this.frames.live}`)
  }

  private start(sequence: Sequence, endTokens: number, lookUpTokens: number): number {
    const { tree } = this
    const node = tree.match(sequence.keys, Math.floor(lookUpTokens / this.pageTokens))
    const cachedPages = tree.endOf(node)
    const cached = cachedPages * this.pageTokens
    if (!this.takeInto(sequence, cached, endTokens)) return -1
    tree.lock(node, root)
    sequence.node = node
    sequence.lockedPages = cachedPages
    sequence.materialisedTokens = endTokens
    this.announce(sequence, cachedPages, endTokens)
    return cached
  }

  /** Takes the slots of the tokens `from … to`, which follow those it has, in one go; false when there are too few. */
  private takeInto(sequence: Sequence, from: number, to: number): boolean {
    const { frames, pageTokens, pool } = this
    let source = pool.take(to - from)
    if (source < 0) return false
    if (!pool.numbered) {
      for (let page = Math.ceil(from / pageTokens); page * pageTokens < to; page++)
        sequence.frames.push(frames.allocate())
      return true
    }
    const { entries } = pool
    let filled = from % pageTokens
    for (let missing = to - from; missing > 0;) {
      if (filled === 0) sequence.frames.push(frames.allocate())
      const { slots } = frames
      const count = Math.min(pageTokens - filled, missing)
      const target = sequence.frames.at(-1)! * pageTokens + filled
      for (let index = 0; index < count; index++) slots[target + index] = entries[source + index]!
      source += count
      missing -= count
      filled = 0
    }
    return true
  }

  /** Returns the slots of its own frames from page `fromPage` up to `endTokens`, and those frames. */
  private giveFrames(sequence: Sequence, fromPage: number, endTokens: number): void {
    const { frames, lockedPages } = sequence
    for (let page = fromPage; page - lockedPages < frames.length; page++) {
      const frame = frames[page - lockedPages]!
      this.giveFrame(frame, Math.min(this.pageTokens, endTokens - page * this.pageTokens))
      this.frames.free(frame)
    }
    frames.length = fromPage - lockedPages
  }

  /** Returns the slots of the first `tokens` tokens of a frame. */
  private giveFrame(frame: number, tokens: number): void {
    const { announcer, frames, pageTokens, pool } = this
    const first = frame * pageTokens
    if (announcer !== undefined) {
      if (pool.numbered) {
        for (let index = first; index < first + tokens; index++) announcer.withdraw(frames.slots[index]!)
      } else if (tokens === pageTokens) announcer.withdraw(frames.lastSlot(frame))
    }
    pool.giveAll(frames.slots, first, first + tokens)
  }

  /** Slots are told apart from now on. */
  private numberSlots(): void {
    if (!this.pool.numbered) this.pool.number(this.frames.number())
  }

  private lockPlaced(sequence: Sequence, pages: number): void {
    const node = this.place(sequence, pages)
    this.tree.lock(node, sequence.node)
    sequence.node = node
    sequence.lockedPages = pages
    sequence.cachedPages = pages
  }

  /**
   * Puts the first `pages` pages into the tree, as far as they are not there, and refreshes them. Returns the node that
   * ends with them; the sequence's own frames start there now.
   */
  private place(sequence: Sequence, pages: number): number {
    const { tree } = this
    const { frames, keys, lockedPages } = sequence
    let page = lockedPages
    let cachedFrame = 0
    for (; page < pages; page++) {
      const frame = tree.frameOf(keys[page]!)
      if (frame === 0) break
      cachedFrame = frame
      this.setDuplicateAside(sequence, page, frame)
    }
    let node = cachedFrame === 0 ? sequence.node : tree.nodeEndingAt(cachedFrame, page)
    if (page < pages) node = tree.append(node, keys, pages, frames, page - lockedPages)
    tree.touch(node)
    const placed = pages - lockedPages
    for (let index = placed; index < frames.length; index++) frames[index - placed] = frames[index]!
    frames.length -= placed
    return node
  }

  /** Its own frame of a page that is in the tree already. Pages with the same last slot count as the same. */
  private setDuplicateAside(sequence: Sequence, page: number, cachedFrame: number): void {
    const frame = sequence.frames[page - sequence.lockedPages]!
    if (this.frames.lastSlot(frame) === this.frames.lastSlot(cachedFrame)) {
      this.frames.free(frame)
      this.leakedTokens += this.pageTokens
      return
    }
    sequence.duplicatePages.push(page)
    sequence.duplicateFrames.push(frame)
  }

  private announce(sequence: Sequence, fromPage: number, endTokens: number): void {
    this.announcer?.announce(sequence, fromPage, Math.floor(endTokens / this.pageTokens))
  }

  /** Makes sure that the first `pages` pages have identities: those with generated tokens get private ones, some in advance. */
  private nameGeneratedPages(sequence: Sequence, pages: number): void {
    const named = sequence.keys.length
    if (pages <= named) return
    const mostPages = Math.floor((sequence.promptTokens + sequence.maxOutputTokens) / this.pageTokens)
    const keys = new Int32Array(Math.min(mostPages, named + (named >> 1) + pagesNamedInAdvance))
    keys.set(sequence.keys)
    for (let page = named; page < keys.length; page++) keys[page] = this.identities?.privateKey() ?? this.privateKey()
    sequence.keys = keys
  }

  private privateKey(): number {
    const key = this.nextPrivateKey
    this.nextPrivateKey = key === lastPrivateKey ? -1 : key - 1
    return key
  }

  private forget(sequence: Sequence): void {
    sequence.frames.length = 0
    sequence.node = root
    sequence.lockedPages = 0
    sequence.cachedPages = 0
    sequence.materialisedTokens = 0
  }
}

/**
 * Tells a router which pages are cached on this worker.
 *
 * The reference keeps these announcements apart from the cache: a page is known by the hash attached to its *last slot*, a hash is
 * announced when the first slot gets it and withdrawn when the last one loses it. A slot loses it when it is returned. Kept as it
 * is, because slots with two owners (see {@link KvCache.retract}) can lose the hash of a page that stays cached.
 *
 * A page's hash continues that of the slot before the page. If that slot has lost its hash, or has another one, the page gets
 * a hash that no prompt asks for, because its content does not follow that other prefix anywhere: it is only remembered as such,
 * never announced.
 */
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { grown } from "../../structures/Grown.ts"
import { IntMap } from "../../structures/IntMap.ts"
import type { PageFrames } from "./PageFrames.ts"
import type { RadixTree } from "./RadixTree.ts"
import type { Sequence } from "./Sequence.ts"

/** Below every identity, shared or private. */
const noHash = -0x80000000
const strayHash = noHash + 1

export class PageAnnouncer {
  private readonly frames: PageFrames
  private readonly tree: RadixTree
  private readonly sink: KvEventSink
  /** Page identity attached to each slot. */
  private hashes = new Int32Array(0)
  /** How many slots carry an identity. */
  private carriers = new IntMap()

  constructor(frames: PageFrames, tree: RadixTree, sink: KvEventSink) {
    this.frames = frames
    this.tree = tree
    this.sink = sink
  }

  /** Announces the pages `from … to` of a sequence, as far as they are not announced. */
  announce(sequence: Sequence, from: number, to: number): void {
    for (let page = from; page < to; page++) {
      const slot = this.lastSlot(sequence, page)
      if (this.hashOf(slot) !== noHash) continue
      const continues = page === 0 || this.hashOf(this.lastSlot(sequence, page - 1)) === sequence.keys[page - 1]
      this.attach(slot, continues ? sequence.keys[page]! : strayHash)
    }
  }

  /** A slot is returned. */
  withdraw(slot: number): void {
    const hash = this.hashOf(slot)
    if (hash === noHash) return
    this.hashes[slot] = noHash
    if (hash === strayHash) return
    if (this.carriers.add(hash, -1) === 0 && hash >= 0) this.sink.removed(hash, 1)
  }

  /** The slot is lost, and what it carries stays announced; another one may go by its number. */
  leak(slot: number): void {
    if (slot < this.hashes.length) this.hashes[slot] = noHash
  }

  /** All slots are returned, those too that were lost. */
  withdrawAll(): void {
    this.carriers.forEach((hash) => {
      if (hash >= 0) this.sink.removed(hash, 1)
    })
    this.carriers = new IntMap()
    this.hashes.fill(noHash)
  }

  /** Every shareable identity that some slot carries. */
  markBlocks(mark: MarkBlocks): void {
    this.carriers.forEach((hash) => {
      if (hash >= 0) mark(hash)
    })
  }

  private attach(slot: number, hash: number): void {
    if (slot >= this.hashes.length) this.grow(slot)
    this.hashes[slot] = hash
    if (hash === strayHash) return
    if (this.carriers.add(hash, 1) === 1 && hash >= 0) this.sink.stored(hash, 1)
  }

  private hashOf(slot: number): number {
    return slot < this.hashes.length ? this.hashes[slot]! : noHash
  }

  /** Last slot of a page as the sequence sees it: its own, wherever it has one. */
  private lastSlot(sequence: Sequence, page: number): number {
    if (page >= sequence.lockedPages) return this.frames.lastSlot(sequence.frames[page - sequence.lockedPages]!)
    const duplicate = sequence.duplicatePages.indexOf(page)
    const frame = duplicate >= 0 ? sequence.duplicateFrames[duplicate]! : this.tree.frameOf(sequence.keys[page]!)
    return this.frames.lastSlot(frame)
  }

  private grow(slot: number): void {
    const known = this.hashes.length
    this.hashes = grown(this.hashes, Math.max(slot + 1, known * 2, 1024)).fill(noHash, known)
  }
}

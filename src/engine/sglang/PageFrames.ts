/**
 * Records of materialised KV pages: which slots a page lies in and, once it is in the radix tree, its identity, its node and
 * the page that follows it there.
 *
 * A frame has one owner at a time, a request or the tree, so there are no reference counts. Structure of arrays;
 * frames are numbered from 1, 0 means none.
 *
 *     slots    | f0 f0 … | f1 f1 f1 f1 | f2 f2 f2 f2 | …      `pageTokens` of each frame; not there while slots have no numbers,
 *              0         4             8                      when a token's place here stands for its slot
 */
import { grown } from "../../structures/Grown.ts"

const initialFrames = 64

export class PageFrames {
  readonly pageTokens: number
  /** Slot of each token: those of frame `f` start at `f * pageTokens`. Empty until {@link number}. */
  slots: Int32Array = new Int32Array(0)
  /** Identity of the page; valid in the tree only. */
  keys: Int32Array
  /** Tree node that owns the page. */
  nodes: Int32Array
  /** Next page of the same node; of a free frame, the next free one. */
  successors: Int32Array
  /** Frames in use. */
  live = 0
  private capacity = initialFrames
  private firstFree = 0
  /** Frames that were ever used, plus one for the number 0. */
  private reached = 1

  constructor(pageTokens: number) {
    this.pageTokens = pageTokens
    this.keys = new Int32Array(this.capacity)
    this.nodes = new Int32Array(this.capacity)
    this.successors = new Int32Array(this.capacity)
  }

  allocate(): number {
    this.live += 1
    const free = this.firstFree
    if (free !== 0) {
      this.firstFree = this.successors[free]!
      return free
    }
    if (this.reached === this.capacity) this.grow()
    return this.reached++
  }

  free(frame: number): void {
    this.live -= 1
    this.successors[frame] = this.firstFree
    this.firstFree = frame
  }

  /** Frees `count` frames that successors link from the first to the last. */
  freeChain(first: number, last: number, count: number): void {
    this.live -= count
    this.successors[last] = this.firstFree
    this.firstFree = first
  }

  lastSlot(frame: number): number {
    const place = (frame + 1) * this.pageTokens - 1
    return this.slots.length === 0 ? place : this.slots[place]!
  }

  /** Slots get numbers of their own, as yet the places where they are. Returns a number above all of them. */
  number(): number {
    this.slots = Int32Array.from({ length: this.capacity * this.pageTokens }, (_, place) => place)
    return this.slots.length
  }

  /** Slots have no numbers any more; no frame is in use. */
  reset(): void {
    this.slots = new Int32Array(0)
  }

  private grow(): void {
    this.capacity *= 2
    if (this.slots.length > 0) this.slots = grown(this.slots)
    this.keys = grown(this.keys)
    this.nodes = grown(this.nodes)
    this.successors = grown(this.successors)
  }
}

/**
 * Records of materialised KV pages: which slots a page lies in and, once it is in the radix tree, its identity, its node and
 * the page that follows it there.
 *
 * A frame has one owner at a time, a request or the tree, so there are no reference counts. Structure of arrays;
 * frames are numbered from 1, 0 means none.
 */
import { grown } from "../../structures/Grown.ts"

const minSlots = 1 << 14

export class PageFrames {
  readonly pageTokens: number
  /** Slot of each token: those of frame `f` start at `f * pageTokens`. */
  slots: Int32Array
  /** Identity of the page; valid in the tree only. */
  keys: Int32Array
  /** Tree node that owns the page. */
  nodes: Int32Array
  /** Next page of the same node; of a free frame, the next free one. */
  successors: Int32Array
  /** Frames in use. */
  live = 0
  private capacity: number
  private firstFree = 0
  /** Frames that were ever used, plus one for the number 0. */
  private reached = 1

  constructor(pageTokens: number) {
    this.pageTokens = pageTokens
    this.capacity = Math.max(64, Math.ceil(minSlots / pageTokens))
    this.slots = new Int32Array(this.capacity * pageTokens)
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

  lastSlot(frame: number): number {
    return this.slots[(frame + 1) * this.pageTokens - 1]!
  }

  private grow(): void {
    this.capacity *= 2
    this.slots = grown(this.slots)
    this.keys = grown(this.keys)
    this.nodes = grown(this.nodes)
    this.successors = grown(this.successors)
  }
}

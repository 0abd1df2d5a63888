/** Leaves of the radix tree by the time of their last use, the longest unused first. Times are distinct where it matters. */
import { grown } from "../../structures/Grown.ts"
import { SlotHeap } from "../../structures/SlotHeap.ts"

export class LeafHeap {
  private readonly heap = new SlotHeap()
  private nodes = new Int32Array(this.heap.capacity)

  get length(): number {
    return this.heap.length
  }

  /** Stamp under which the first node was pushed; `Infinity` when empty. */
  get firstStamp(): number {
    return this.heap.headFirst
  }

  push(node: number, stamp: number): void {
    const slot = this.heap.push(stamp, 0, 0)
    if (slot >= this.nodes.length) this.nodes = grown(this.nodes, this.heap.capacity)
    this.nodes[slot] = node
  }

  /** The node with the smallest stamp; the heap must not be empty. */
  pop(): number {
    const node = this.nodes[this.heap.headSlot]!
    this.heap.pop()
    return node
  }
}

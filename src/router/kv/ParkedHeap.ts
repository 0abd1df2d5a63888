/** Parked requests: highest tier, then highest score, then the earliest parked. */
import { SlotHeap } from "../../structures/SlotHeap.ts"
import type { ParkedRequest } from "./ParkedRequest.ts"
import { emptyObjects } from "../../structures/EmptyObjects.ts"

export class ParkedHeap {
  private readonly heap = new SlotHeap()
  /** By slot; `undefined` where free, so that nothing is kept alive. */
  private readonly parked: Array<ParkedRequest | undefined> = emptyObjects()

  get size(): number {
    return this.heap.length
  }

  /** The one that goes first. */
  peek(): ParkedRequest | undefined {
    return this.size === 0 ? undefined : this.parked[this.heap.headSlot]
  }

  push(parked: ParkedRequest): void {
    this.parked[this.heap.push(-parked.tier, -parked.score, parked.sequence)] = parked
  }

  pop(): ParkedRequest | undefined {
    const first = this.peek()
    if (first === undefined) return undefined
    this.parked[this.heap.headSlot] = undefined
    this.heap.pop()
    return first
  }

  *[Symbol.iterator](): IterableIterator<ParkedRequest> {
    for (const slot of this.heap.slots()) {
      const parked = this.parked[slot]
      if (parked !== undefined) yield parked
    }
  }
}

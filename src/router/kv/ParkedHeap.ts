/** Binary heap of parked requests: highest tier, then highest score, then the earliest parked. */
import type { ParkedRequest } from "./ParkedRequest.ts"

const goesBefore = (a: ParkedRequest, b: ParkedRequest): boolean => {
  if (a.tier !== b.tier) return a.tier > b.tier
  if (a.score !== b.score) return a.score > b.score
  return a.sequence < b.sequence
}

export class ParkedHeap {
  private readonly items: Array<ParkedRequest> = []

  get size(): number {
    return this.items.length
  }

  /** The one that goes first. */
  peek(): ParkedRequest | undefined {
    return this.items[0]
  }

  push(parked: ParkedRequest): void {
    const items = this.items
    let at = items.length
    items.push(parked)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!goesBefore(parked, items[above]!)) break
      items[at] = items[above]!
      at = above
    }
    items[at] = parked
  }

  pop(): ParkedRequest | undefined {
    const items = this.items
    const first = items[0]
    const last = items.pop()
    if (last !== undefined && items.length > 0) this.sink(last)
    return first
  }

  [Symbol.iterator](): IterableIterator<ParkedRequest> {
    return this.items.values()
  }

  /** Puts `parked` in at the top and lets it down to its place. */
  private sink(parked: ParkedRequest): void {
    const items = this.items
    const size = items.length
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= size) break
      if (below + 1 < size && goesBefore(items[below + 1]!, items[below]!)) below += 1
      if (!goesBefore(items[below]!, parked)) break
      items[at] = items[below]!
      at = below
    }
    items[at] = parked
  }
}

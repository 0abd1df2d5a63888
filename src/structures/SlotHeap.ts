/**
 * A binary min-heap of slot numbers, ordered by three numbers per slot: the first decides, the second among equals, then the third.
 *
 *     heap      [ slot 3 | slot 0 | slot 5 | … free slots … ]      parent of place i: (i - 1) >> 1
 *     keys      first[slot], second[slot], third[slot]
 *     payload   the owner's columns, indexed by slot
 *
 * `push` names the slot that it used; the owner keeps what belongs to the entry in columns of its own at that index. Slots are
 * below {@link SlotHeap.capacity} and used again after `pop`. Push and pop cost O(log n) comparisons and moves of one integer; no
 * object per entry, no closure per comparison. Every queue of the simulation is this one class, so its code stays monomorphic.
 */
import { grown } from "./Grown.ts"

const initialCapacity = 64

export class SlotHeap {
  length = 0
  private first = new Float64Array(initialCapacity)
  private second = new Float64Array(initialCapacity)
  private third = new Float64Array(initialCapacity)
  /** Slots in heap order, then the free ones. */
  private heap = Int32Array.from({ length: initialCapacity }, (_, slot) => slot)

  /** Above every slot; grows by doubling. */
  get capacity(): number {
    return this.heap.length
  }

  /** Slot of the smallest entry; the heap must not be empty. */
  get headSlot(): number {
    return this.heap[0]!
  }

  /** First key of the smallest entry, `Infinity` when empty. */
  get headFirst(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.first[this.heap[0]!]!
  }

  get headSecond(): number {
    return this.second[this.heap[0]!]!
  }

  get headThird(): number {
    return this.third[this.heap[0]!]!
  }

  /** Adds an entry and returns its slot. Keys are not NaN. */
  push(first: number, second: number, third: number): number {
    if (this.length === this.heap.length) this.grow()
    const slot = this.heap[this.length]!
    this.first[slot] = first
    this.second[slot] = second
    this.third[slot] = third
    this.siftUp(this.length++, slot)
    return slot
  }

  /** Removes the smallest entry; its slot is free from then on. The heap must not be empty. */
  pop(): void {
    const { heap } = this
    const freed = heap[0]!
    const last = heap[--this.length]!
    heap[this.length] = freed
    if (this.length > 0) this.siftDown(last)
  }

  /** Slots of all entries, in no particular order: a view, valid until the next change. */
  slots(): Int32Array {
    return this.heap.subarray(0, this.length)
  }

  private before(a: number, b: number): boolean {
    const { first, second, third } = this
    if (first[a]! !== first[b]!) return first[a]! < first[b]!
    if (second[a]! !== second[b]!) return second[a]! < second[b]!
    return third[a]! < third[b]!
  }

  private siftUp(start: number, slot: number): void {
    const { heap } = this
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.before(slot, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = slot
  }

  private siftDown(slot: number): void {
    const { heap, length } = this
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.before(heap[child + 1]!, heap[child]!)) child += 1
      if (!this.before(heap[child]!, slot)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = slot
  }

  private grow(): void {
    const used = this.heap.length
    this.first = grown(this.first)
    this.second = grown(this.second)
    this.third = grown(this.third)
    this.heap = grown(this.heap)
    for (let slot = used; slot < this.heap.length; slot++) this.heap[slot] = slot
  }
}

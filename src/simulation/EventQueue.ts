/**
 * Priority queue of simulated events, ordered by (time, rank, sequence): a total order, so runs are reproducible.
 *
 * `payload` is whatever 32-bit integer the owner needs (a worker index, a timer id).
 */
import { grown } from "../structures/Grown.ts"
import { SlotHeap } from "../structures/SlotHeap.ts"

export class EventQueue {
  private readonly heap = new SlotHeap()
  private payloads = new Int32Array(this.heap.capacity)
  private nextSequence = 0

  get length(): number {
    return this.heap.length
  }

  /** Time of the earliest event, `Infinity` when there is none. */
  get headMs(): number {
    return this.heap.headFirst
  }

  get headRank(): number {
    return this.heap.headSecond
  }

  /** Payload of the earliest event; the queue must not be empty. */
  get headPayload(): number {
    return this.payloads[this.heap.headSlot]!
  }

  push(timeMs: number, rank: number, payload: number): void {
    const slot = this.heap.push(timeMs, rank, this.nextSequence++)
    if (slot >= this.payloads.length) this.payloads = grown(this.payloads, this.heap.capacity)
    this.payloads[slot] = payload
  }

  /** Removes the earliest event; the queue must not be empty. */
  pop(): void {
    this.heap.pop()
  }
}

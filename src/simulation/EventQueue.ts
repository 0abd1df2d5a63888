/**
 * Priority queue of simulated events, ordered by (time, rank, sequence): a total order, so runs are reproducible.
 *
 * `payload` is whatever 32-bit integer the owner needs (a worker index, a timer id).
 */
import { grown } from "../structures/Grown.ts"
import { SlotHeap } from "../structures/SlotHeap.ts"

/**
 * The place of an event among those that began at the same instant: by the round of it, then by payload. An event's rank is the time at
 * which it began, so that events of one time come in the order in which they began.
 */
export const placeInRound = (round: number, payload: number): number => round * 2 ** 32 + payload

/** Payload of an event that has been called off. */
const calledOff = -(2 ** 31)

export class EventQueue {
  private readonly heap = new SlotHeap()
  private payloads = new Int32Array(this.heap.capacity)
  private nextSequence = 0
  private calledOff = 0

  get length(): number {
    return this.heap.length - this.calledOff
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

  /** Adds an event and returns a name for it, which is valid until it is popped or called off. `sequence` is its place among equals. */
  push(timeMs: number, rank: number, payload: number, sequence = this.nextSequence++): number {
    const slot = this.heap.push(timeMs, rank, sequence)
    if (slot >= this.payloads.length) this.payloads = grown(this.payloads, this.heap.capacity)
    this.payloads[slot] = payload
    return slot
  }

  /** Removes the earliest event; the queue must not be empty. */
  pop(): void {
    this.heap.pop()
    this.dropCalledOff()
  }

  /** The event will not happen: as if it had never been added. */
  callOff(event: number): void {
    this.payloads[event] = calledOff
    this.calledOff += 1
    this.dropCalledOff()
  }

  /** What has been called off leaves when it has come to the front. */
  private dropCalledOff(): void {
    while (this.calledOff > 0 && this.payloads[this.heap.headSlot] === calledOff) {
      this.heap.pop()
      this.calledOff -= 1
    }
  }
}

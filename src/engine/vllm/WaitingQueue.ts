/**
 * Requests waiting for admission: first come, first served; preempted ones return to the front.
 * An intrusive list, so queueing allocates nothing.
 */
import type { Sequence } from "./Sequence.ts"

export class WaitingQueue {
  head: Sequence | undefined = undefined
  length = 0
  private tail: Sequence | undefined = undefined

  pushBack(sequence: Sequence): void {
    sequence.behind = undefined
    if (this.tail === undefined) this.head = sequence
    else this.tail.behind = sequence
    this.tail = sequence
    this.length += 1
  }

  pushFront(sequence: Sequence): void {
    sequence.behind = this.head
    this.head = sequence
    if (this.tail === undefined) this.tail = sequence
    this.length += 1
  }

  removeHead(): void {
    const head = this.head
    if (head === undefined) return
    this.head = head.behind
    if (this.head === undefined) this.tail = undefined
    head.behind = undefined
    this.length -= 1
  }

  /** The first member that satisfies the condition. */
  find(accepts: (sequence: Sequence) => boolean): Sequence | undefined {
    let sequence = this.head
    while (sequence !== undefined && !accepts(sequence)) sequence = sequence.behind
    return sequence
  }

  /** Takes a member out, wherever it stands. */
  remove(sequence: Sequence): void {
    if (sequence === this.head) {
      this.removeHead()
      return
    }
    let before = this.head
    while (before !== undefined && before.behind !== sequence) before = before.behind
    if (before === undefined) return
    before.behind = sequence.behind
    if (this.tail === sequence) this.tail = before
    sequence.behind = undefined
    this.length -= 1
  }

  /** From head to tail. */
  forEach(visit: (sequence: Sequence) => void): void {
    for (let sequence = this.head; sequence !== undefined; sequence = sequence.behind) visit(sequence)
  }
}

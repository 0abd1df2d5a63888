/** Requests waiting for admission, as an intrusive list: queueing allocates nothing. */
import type { SimRequest } from "../../request/SimRequest.ts"
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
    this.tail ??= sequence
    this.length += 1
  }

  shift(): Sequence | undefined {
    const { head } = this
    if (head === undefined) return undefined
    this.head = head.behind
    if (this.head === undefined) this.tail = undefined
    head.behind = undefined
    this.length -= 1
    return head
  }

  /** The member of a request. */
  find(request: SimRequest): Sequence | undefined {
    let sequence = this.head
    while (sequence !== undefined && sequence.request !== request) sequence = sequence.behind
    return sequence
  }

  /** Takes a member out, wherever it stands. */
  remove(sequence: Sequence): void {
    if (sequence === this.head) {
      this.shift()
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

  /** Links the members anew; `order` holds exactly them. */
  reorder(order: ReadonlyArray<Sequence>): void {
    this.head = order[0]
    this.tail = order.at(-1)
    for (let index = 0; index < order.length; index++) order[index]!.behind = order[index + 1]
  }

  /** From head to tail. */
  forEach(visit: (sequence: Sequence) => void): void {
    for (let sequence = this.head; sequence !== undefined; sequence = sequence.behind) visit(sequence)
  }
}

/**
 * Requests waiting for admission, as an intrusive list. Its members keep what they have materialised, so it also knows how many
 * slots they need to complete their last pages.
 */
import type { SimRequest } from "../../request/SimRequest.ts"
import type { Sequence } from "./Sequence.ts"

export class WaitingQueue {
  head: Sequence | undefined = undefined
  length = 0
  /** Slots missing from the last pages of its members. */
  slackTokens = 0
  private tail: Sequence | undefined = undefined
  private readonly pageTokens: number

  constructor(pageTokens: number) {
    this.pageTokens = pageTokens
  }

  pushBack(sequence: Sequence): void {
    sequence.behind = undefined
    if (this.tail === undefined) this.head = sequence
    else this.tail.behind = sequence
    this.tail = sequence
    this.length += 1
    this.slackTokens += this.slackOf(sequence)
  }

  pushFront(sequence: Sequence): void {
    sequence.behind = this.head
    this.head = sequence
    this.tail ??= sequence
    this.length += 1
    this.slackTokens += this.slackOf(sequence)
  }

  /** Removes the head; call it before the head's progress changes. */
  shift(): Sequence | undefined {
    const { head } = this
    if (head === undefined) return undefined
    this.head = head.behind
    if (this.head === undefined) this.tail = undefined
    head.behind = undefined
    this.length -= 1
    this.slackTokens -= this.slackOf(head)
    return head
  }

  /** The member of a request. */
  find(request: SimRequest): Sequence | undefined {
    let sequence = this.head
    while (sequence !== undefined && sequence.request !== request) sequence = sequence.behind
    return sequence
  }

  /** Takes a member out, wherever it stands; call it before its progress changes. */
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
    this.slackTokens -= this.slackOf(sequence)
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

  private slackOf(sequence: Sequence): number {
    const filled = sequence.materialisedTokens % this.pageTokens
    return filled === 0 ? 0 : this.pageTokens - filled
  }
}

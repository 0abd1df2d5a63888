/**
 * Requests waiting for admission, as an intrusive list: queueing allocates nothing.
 *
 * New ones join at the back; those that were thrown out of a batch return to the front.
 */

/** What a member carries for the queue. */
export interface Queueable<Self> {
  /** The member behind it; the queue's own. */
  behind: Self | undefined
}

export class WaitingQueue<Member extends Queueable<Member>> {
  head: Member | undefined = undefined
  length = 0
  private tail: Member | undefined = undefined

  pushBack(member: Member): void {
    member.behind = undefined
    if (this.tail === undefined) this.head = member
    else this.tail.behind = member
    this.tail = member
    this.length += 1
  }

  pushFront(member: Member): void {
    member.behind = this.head
    this.head = member
    this.tail ??= member
    this.length += 1
  }

  /** Puts a member in front of the first one of which `goesBefore` holds, else at the back; a walk along the queue. */
  insertBefore(member: Member, goesBefore: (waiter: Member) => boolean): void {
    const { head, tail } = this
    if (head === undefined || tail === undefined || !goesBefore(tail)) {
      this.pushBack(member)
      return
    }
    if (goesBefore(head)) {
      this.pushFront(member)
      return
    }
    let before = head
    while (before.behind !== undefined && !goesBefore(before.behind)) before = before.behind
    member.behind = before.behind
    before.behind = member
    this.length += 1
  }

  shift(): Member | undefined {
    const { head } = this
    if (head === undefined) return undefined
    this.head = head.behind
    if (this.head === undefined) this.tail = undefined
    head.behind = undefined
    this.length -= 1
    return head
  }

  /** The first member that satisfies the condition. */
  find(accepts: (member: Member) => boolean): Member | undefined {
    let member = this.head
    while (member !== undefined && !accepts(member)) member = member.behind
    return member
  }

  /** Takes a member out, wherever it stands. */
  remove(member: Member): void {
    if (member === this.head) {
      this.shift()
      return
    }
    let before = this.head
    while (before !== undefined && before.behind !== member) before = before.behind
    if (before === undefined) return
    before.behind = member.behind
    if (this.tail === member) this.tail = before
    member.behind = undefined
    this.length -= 1
  }

  /** Links the members anew; `order` holds exactly them. */
  reorder(order: ReadonlyArray<Member>): void {
    this.head = order[0]
    this.tail = order.at(-1)
    for (let index = 0; index < order.length; index++) order[index]!.behind = order[index + 1]
  }

  /** From head to tail. */
  forEach(visit: (member: Member) => void): void {
    for (let member = this.head; member !== undefined; member = member.behind) visit(member)
  }
}

/**
 * First in, first out, over an array whose used-up front is cut off now and then.
 *
 *     items    [ used up … | head … last ]
 *
 * Push and shift cost constant time on average; at most half of the array, and 1,024 entries, are used up.
 */
export class Fifo<A> {
  private items: Array<A> = []
  private head = 0

  get length(): number {
    return this.items.length - this.head
  }

  push(item: A): void {
    this.items.push(item)
  }

  shift(): A | undefined {
    const item = this.items[this.head]
    if (item === undefined) return undefined
    this.head += 1
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }

  /** Of all that are in it, the first one first. */
  forEach(visit: (item: A) => void): void {
    for (let index = this.head; index < this.items.length; index++) visit(this.items[index]!)
  }
}

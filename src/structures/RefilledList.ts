/** A list that is filled and emptied again and again: unlike an array it keeps its storage, and what lay in it until that is overwritten. */
import { emptyObjects } from "./EmptyObjects.ts"

export class RefilledList<Item extends object> {
  length = 0
  private readonly items = emptyObjects<Item>()

  push(item: Item): void {
    this.items[this.length] = item
    this.length += 1
  }

  /** The last item, which leaves. */
  pop(): Item | undefined {
    if (this.length === 0) return undefined
    this.length -= 1
    return this.items[this.length]
  }

  /** All items, which leave. */
  takeAll(): Array<Item> {
    const items = this.toArray()
    this.clear()
    return items
  }

  clear(): void {
    this.length = 0
  }

  /** There must be an item at `index`. */
  at(index: number): Item {
    return this.items[index]!
  }

  /** Overwrites the item at `index`. */
  set(index: number, item: Item): void {
    this.items[index] = item
  }

  toArray(): Array<Item> {
    return this.items.slice(0, this.length)
  }
}

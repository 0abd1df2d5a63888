/**
 * Lists of KV slots, one per admitted request, used again once a request is done.
 *
 * A typed array costs far more to make than to fill, and there is one per request; sizes are rounded up to powers of two so that
 * few requests need a new one.
 */
import { emptyObjects } from "../../structures/EmptyObjects.ts"
import { zeros } from "../../structures/SpareColumns.ts"

export class SlotLists {
  /** Unused lists by the binary logarithm of their length. */
  private readonly spare = emptyObjects<Array<Int32Array>>()

  /** A list of at least `length` slots, its content arbitrary. */
  take(length: number): Int32Array {
    const size = length <= 1 ? 0 : 32 - Math.clz32(length - 1)
    return this.spare[size]?.pop() ?? zeros(2 ** size)
  }

  /** Takes back a list that {@link take} gave. */
  giveBack(list: Int32Array): void {
    const size = 31 - Math.clz32(list.length)
    const lists = (this.spare[size] ??= emptyObjects())
    lists.push(list)
  }
}

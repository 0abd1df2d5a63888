import { assert, describe, it } from "@effect/vitest"
import { LeafOrder, noBlock } from "../../../src/engine/tiers/LeafOrder.ts"
import { Pcg32 } from "../../../src/structures/Pcg32.ts"

const drain = (order: LeafOrder): Array<number> => {
  const keys: Array<number> = []
  while (order.size > 0) {
    keys.push(order.takeFirst())
    order.checkInvariants()
  }
  return keys
}

describe("the order in which idle blocks are given up", () => {
  it("takes leaves before what they extend, though the prefix came first", () => {
    const order = new LeafOrder()
    order.insert(1, noBlock)
    order.insert(2, 1)
    order.insert(3, 2)
    order.insert(10, noBlock)
    assert.deepStrictEqual(drain(order), [3, 2, 1, 10])
  })

  it("lets a block that has lost its last child have its old turn", () => {
    const order = new LeafOrder()
    order.insert(1, noBlock)
    order.insert(10, noBlock)
    order.insert(2, 1)
    assert.isTrue(order.remove(2))
    assert.deepStrictEqual(drain(order), [1, 10])
  })

  it("keeps the place of a held block that has idle ones below it", () => {
    const order = new LeafOrder()
    order.insert(1, noBlock)
    order.insert(2, 1)
    order.insert(3, 2)
    assert.isTrue(order.remove(2))
    assert.isFalse(order.has(2))
    assert.isFalse(order.remove(2))
    order.insert(10, noBlock)
    assert.strictEqual(order.takeFirst(), 3)
    assert.deepStrictEqual(drain(order), [1, 10])
  })

  /** A path in a tree of 3 children per block: block `3k + 1 … 3k + 3` below block `k`. */
  const parentOf = (key: number): number => (key < 3 ? noBlock : Math.floor(key / 3) - 1)

  it("agrees with a plain model", () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = new Pcg32(seed)
      const order = new LeafOrder()
      /** Idle keys in order of insertion, and the placeholders that know their parent. */
      const idle: Array<number> = []
      const linked = new Map<number, number>()
      const prune = (start: number): void => {
        let key = start
        while (!idle.includes(key) && ![...linked.values()].includes(key) && linked.has(key)) {
          const parent = linked.get(key)!
          linked.delete(key)
          key = parent
        }
      }
      const remove = (key: number): void => {
        idle.splice(idle.indexOf(key), 1)
        prune(key)
      }
      const first = (): number => {
        const parents = new Set(linked.values())
        return idle.find((key) => !parents.has(key))!
      }
      for (let step = 0; step < 400; step++) {
        const key = random.below(120)
        const take = random.below(3) === 0
        if (take && idle.length > 0) {
          const expected = first()
          assert.strictEqual(order.takeFirst(), expected)
          remove(expected)
        } else if (idle.includes(key)) {
          assert.isTrue(order.remove(key))
          remove(key)
        } else {
          assert.isFalse(order.has(key))
          order.insert(key, parentOf(key))
          idle.push(key)
          if (parentOf(key) !== noBlock) linked.set(key, parentOf(key))
        }
        order.checkInvariants()
        assert.strictEqual(order.size, idle.length)
      }
    }
  })
})

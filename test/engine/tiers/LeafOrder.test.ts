import { assert, describe, it } from "@effect/vitest"
import { LeafOrder, noBlock } from "../../../src/engine/tiers/LeafOrder.ts"
import { Pcg32 } from "../../../src/structures/Pcg32.ts"

/** Takes out up to `limit` candidates at once; the identities, first taken first. */
const takeFirst = (order: LeafOrder, limit = 1): ReadonlyArray<number> => {
  const last = order.takeFirst(limit)
  return Array.from({ length: order.taken }, (_, index) => last + order.taken - 1 - index)
}

const drain = (order: LeafOrder, limit = 1): ReadonlyArray<number> => {
  const keys: Array<number> = []
  while (order.size > 0) {
    keys.push(...takeFirst(order, limit))
    order.checkInvariants()
  }
  return keys
}

const insert = (order: LeafOrder, key: number, parentKey: number): boolean => order.insert(key, 1, parentKey, true)

/** The model: every block by itself. */
class NaiveOrder {
  /** Idle keys in order of insertion. */
  idle: Array<number> = []
  /** The parents of those that are known to be below something: idle ones, and placeholders. */
  private readonly linked = new Map<number, number>()

  insert(key: number, parentKey: number): void {
    this.idle.push(key)
    if (parentKey !== noBlock) this.linked.set(key, parentKey)
  }

  remove(start: number): void {
    this.idle = this.idle.filter((key) => key !== start)
    let key: number | undefined = start
    while (key !== undefined && !this.idle.includes(key) && ![...this.linked.values()].includes(key)) {
      const parent = this.linked.get(key)
      this.linked.delete(key)
      key = parent
    }
  }

  first(): number | undefined {
    const parents = new Set(this.linked.values())
    return this.idle.find((key) => !parents.has(key))
  }
}

describe("the order in which idle blocks are given up", () => {
  it("takes leaves before what they extend, though the prefix came first", () => {
    const order = new LeafOrder()
    insert(order, 1, noBlock)
    insert(order, 2, 1)
    insert(order, 3, 2)
    insert(order, 10, noBlock)
    assert.deepStrictEqual(drain(order), [3, 2, 1, 10])
  })

  it("lets a block that has lost its last child have its old turn", () => {
    const order = new LeafOrder()
    insert(order, 1, noBlock)
    insert(order, 10, noBlock)
    insert(order, 2, 1)
    assert.strictEqual(order.remove(2, 1), 1)
    assert.deepStrictEqual(drain(order), [1, 10])
  })

  it("keeps the place of a held block that has idle ones below it", () => {
    const order = new LeafOrder()
    insert(order, 1, noBlock)
    insert(order, 2, 1)
    insert(order, 3, 2)
    assert.strictEqual(order.remove(2, 1), 1)
    assert.isFalse(order.has(2))
    assert.strictEqual(order.remove(2, 1), 0)
    insert(order, 10, noBlock)
    assert.deepStrictEqual(takeFirst(order), [3])
    assert.deepStrictEqual(drain(order), [1, 10])
  })

  it("takes a whole frame at once, which has come in pieces", () => {
    const order = new LeafOrder()
    for (const first of [56, 48, 40, 32]) order.insert(first, 8, first === 32 ? noBlock : first - 1, false)
    order.insert(64, 32, 63, true)
    assert.deepStrictEqual(
      takeFirst(order, 64),
      Array.from({ length: 32 }, (_, index) => 95 - index)
    )
    assert.deepStrictEqual(
      takeFirst(order, 64),
      Array.from({ length: 32 }, (_, index) => 63 - index)
    )
    assert.strictEqual(order.size, 0)
    order.checkInvariants()
  })

  it("takes several at once that come one after the other", () => {
    const order = new LeafOrder()
    order.insert(8, 8, noBlock, true)
    order.insert(18, 4, 15, false)
    order.insert(32, 2, 13, true)
    assert.deepStrictEqual(takeFirst(order, 3), [21, 20, 19])
    assert.deepStrictEqual(drain(order, 8), [18, 15, 14, 33, 32, 13, 12, 11, 10, 9, 8])
  })

  /**
   * A tree in which most blocks extend the one before them: from every frame's last block a few others start, and some from the middle of
   * one, in other frames or in the same.
   */
  const parentOf = (key: number): number => {
    if (key % 32 === 0) return key < 64 ? noBlock : Math.floor(key / 96) * 32 + 31
    if (key % 64 === 11) return key - 3
    return key % 64 === 37 ? Math.max(noBlock, key - 21) : key - 1
  }

  const blocks = 192

  it.each([1, 2, 3, 4])("agrees with a plain model, %d", (sequence) => {
    for (let seed = 0; seed < 30; seed++) {
      const random = new Pcg32(seed, sequence)
      const order = new LeafOrder()
      const model = new NaiveOrder()
      for (let step = 0; step < 300; step++) {
        const key = random.below(blocks)
        const longest = Math.min(32 - (key % 32), random.below(2) === 0 ? 32 : 8)
        let count = 1
        while (count < longest && parentOf(key + count) === key + count - 1 && random.below(16) > 0) count += 1
        const run = Array.from({ length: count }, (_, index) => key + index)
        const act = random.below(4)
        if (act === 0 && model.idle.length > 0) {
          const taken = takeFirst(order, 1 + random.below(32))
          for (const each of taken) {
            if (each !== model.first())
              assert.fail(`${each} taken instead of ${model.first()}, seed ${seed} step ${step}`)
            model.remove(each)
          }
        } else if (act === 1) {
          const idle = run.filter((each) => model.idle.includes(each))
          assert.strictEqual(order.remove(key, count), idle.length)
          for (const each of idle) model.remove(each)
        } else {
          const prefixFirst = random.below(2) === 0
          const isNew = run.every((each) => !model.idle.includes(each))
          assert.strictEqual(order.insert(key, count, parentOf(key), prefixFirst), isNew)
          if (isNew) for (const each of prefixFirst ? run : run.toReversed()) model.insert(each, parentOf(each))
        }
        order.checkInvariants()
        assert.strictEqual(order.size, model.idle.length)
      }
      for (let key = 0; key < blocks; key++)
        if (order.has(key) !== model.idle.includes(key)) assert.fail(`block ${key}, seed ${seed}`)
    }
  })
})

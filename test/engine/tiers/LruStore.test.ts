import { assert, describe, it } from "@effect/vitest"
import { CopyLane } from "../../../src/engine/tiers/CopyLane.ts"
import { BlockState, LruStore } from "../../../src/engine/tiers/LruStore.ts"
import { Pcg32 } from "../../../src/structures/Pcg32.ts"

describe("a tier that gives up what was used longest ago", () => {
  it("finds blocks once they have arrived, and keeps those that somebody holds", () => {
    const store = new LruStore(2)
    assert.isTrue(store.take(1))
    assert.strictEqual(store.stateOf(1), BlockState.Arriving)
    store.arrive(1)
    assert.isTrue(store.take(2))
    store.arrive(2)
    store.pin(1)
    assert.strictEqual(store.available, 1)
    assert.isTrue(store.take(3))
    assert.deepStrictEqual([store.stateOf(1), store.stateOf(2)], [BlockState.Pinned, BlockState.Absent])
    assert.isFalse(store.take(4))
    store.unpin(1)
    assert.isTrue(store.take(4))
    store.checkInvariants()
  })

  it("agrees with a plain model", () => {
    const random = new Pcg32(5, 9)
    const store = new LruStore(200)
    /** From least to most recently used. */
    let order: Array<number> = []
    for (let step = 0; step < 20_000; step++) {
      const key = random.below(300) - 20
      if (store.stateOf(key) === BlockState.Absent) {
        assert.isTrue(store.take(key))
        store.arrive(key)
        if (order.length === 200) order.shift()
        order.push(key)
      } else {
        const keys = Int32Array.of(key, order[random.below(order.length)]!)
        store.touch(keys, 2)
        for (const used of [keys[1]!, keys[0]!]) order = [...order.filter((other) => other !== used), used]
      }
      assert.strictEqual(store.blocks, order.length)
      if (step % 1000 === 0) store.checkInvariants()
    }
    for (let key = -20; key < 280; key++)
      assert.strictEqual(store.stateOf(key) === BlockState.Idle, order.includes(key), String(key))
  })
})

describe("a lane of copies", () => {
  it("lets them follow one another, each with its latency", () => {
    const lane = new CopyLane<string>(0.001, 0.5)
    assert.strictEqual(lane.start("a", 2000, 10), 12.5)
    assert.strictEqual(lane.endOf(1000, 11), 14)
    assert.strictEqual(lane.start("b", 1000, 11), 14)
    assert.strictEqual(lane.start("c", 1000, 20), 21.5)
    const ended: Array<readonly [string, number]> = []
    assert.isFalse(lane.advance(12.4, (copy, endMs) => void ended.push([copy, endMs])))
    assert.isTrue(lane.advance(14, (copy, endMs) => void ended.push([copy, endMs])))
    assert.deepStrictEqual(ended, [
      ["a", 12.5],
      ["b", 14]
    ])
    assert.deepStrictEqual([lane.active, lane.deadlineMs(), lane.bytesMoved, lane.busyMs], [1, 21.5, 3000, 4])
  })

  it("takes the latency alone where bandwidth has no limit", () => {
    assert.strictEqual(new CopyLane(0, 0.25).start({}, 1e12, 3), 3.25)
  })
})

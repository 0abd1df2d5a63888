import { assert, describe, it } from "@effect/vitest"
import { TransferLink } from "../../../src/engine/tiers/TransferLink.ts"
import { RefilledList } from "../../../src/structures/RefilledList.ts"
import { Pcg32 } from "../../../src/structures/Pcg32.ts"

const megabyte = 1e6

interface Named {
  readonly name: string
}

const endsAt = (link: TransferLink<Named>, nowMs: number): Array<string> => {
  const ended = new RefilledList<Named>()
  link.advance(nowMs, ended)
  return ended.takeAll().map(({ name }) => name)
}

describe("a link between tiers", () => {
  it("shares its rate among the transfers under way", () => {
    const link = new TransferLink<Named>(1)
    link.start({ name: "a" }, 2 * megabyte, 0)
    link.start({ name: "b" }, 3 * megabyte, 0)
    assert.strictEqual(link.nextEndMs, 4)
    assert.deepStrictEqual(endsAt(link, 3.9), [])
    assert.deepStrictEqual(endsAt(link, 4), ["a"])
    assert.strictEqual(link.nextEndMs, 5)
    assert.deepStrictEqual(endsAt(link, 5), ["b"])
    assert.strictEqual(link.nextEndMs, Number.POSITIVE_INFINITY)
    assert.strictEqual(link.busyMs, 5)
    assert.strictEqual(link.bytesMoved, 5 * megabyte)
  })

  it("ends transfers in the order of their ends, however far the clock jumps", () => {
    const link = new TransferLink<Named>(1)
    link.start({ name: "long" }, 9 * megabyte, 0)
    link.start({ name: "short" }, megabyte, 0)
    link.start({ name: "middle" }, 3 * megabyte, 0)
    assert.deepStrictEqual(endsAt(link, 1000), ["short", "middle", "long"])
    assert.closeTo(link.busyMs, 13, 1e-9)
  })

  it("starts nothing in the past", () => {
    const link = new TransferLink<Named>(1)
    endsAt(link, 10)
    link.start({ name: "a" }, megabyte, 5)
    assert.strictEqual(link.nextEndMs, 11)
  })

  it("takes no time without a limit", () => {
    const link = new TransferLink<Named>(0)
    link.start({ name: "a" }, megabyte, 7)
    link.start({ name: "b" }, megabyte, 7)
    assert.strictEqual(link.nextEndMs, 7)
    assert.deepStrictEqual(endsAt(link, 7), ["a", "b"])
    assert.strictEqual(link.busyMs, 0)
  })

  it("never moves more than its rate allows, and all that was started", () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = new Pcg32(seed)
      const link = new TransferLink<Named>(2)
      const transfers = 1 + random.below(30)
      let nowMs = 0
      let ended = 0
      for (let index = 0; index < transfers; index++) {
        nowMs += random.below(20)
        ended += endsAt(link, nowMs).length
        link.start({ name: String(index) }, 1 + random.below(10_000_000), nowMs)
      }
      while (link.active > 0) ended += endsAt(link, link.nextEndMs).length
      assert.strictEqual(ended, transfers)
      assert.closeTo(link.busyMs * 2e6, link.bytesMoved, 1)
    }
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { IdleBlocks } from "../../src/structures/IdleBlocks.ts"
import { wideSize as frameSize } from "../../src/structures/WideFrame.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
/** Of frames of eight, whose members are the lowest of 32, and of whole ones. */
const masks = Schema.Union([
  below(256),
  Schema.Int.check(Schema.isBetween({ minimum: -0x80000000, maximum: 0x7fffffff }))
])
const step = Schema.Struct({
  frame: below(5),
  mask: masks,
  limit: Schema.Literals([1, 2, 5, 40]),
  act: Schema.Literals(["add", "add", "take", "first"])
})

/** The model: every block by itself, in order of release. */
class NaiveOrder {
  blocks: Array<number> = []

  members(frame: number): number {
    return this.blocks
      .filter((block) => Math.floor(block / frameSize) === frame)
      .reduce((mask, block) => mask | (1 << (block % frameSize)), 0)
  }

  add(frame: number, mask: number): void {
    for (let member = frameSize - 1; member >= 0; member--)
      if ((mask & (1 << member)) !== 0) this.blocks.push(frame * frameSize + member)
  }

  take(frame: number, mask: number): void {
    this.blocks = this.blocks.filter(
      (block) => Math.floor(block / frameSize) !== frame || (mask & (1 << (block % frameSize))) === 0
    )
  }
}

const inOrder = (idle: IdleBlocks): Array<number> => {
  const order = new NaiveOrder()
  idle.forEach((frame, mask) => order.add(frame, mask))
  return order.blocks
}

describe("IdleBlocks", () => {
  it.prop(
    "keeps blocks in the order of their release",
    [Schema.Array(step)],
    ([steps]) => {
      const idle = new IdleBlocks()
      const model = new NaiveOrder()
      for (const { act, frame, limit, mask } of steps) {
        const here = model.members(frame)
        if (act === "add" && (mask & ~here) !== 0) {
          idle.add(frame, mask & ~here)
          model.add(frame, mask & ~here)
        } else if (act === "take" && (mask & here) !== 0) {
          idle.take(frame, mask & here)
          model.take(frame, mask & here)
        } else if (act === "first" && model.blocks.length > 0) {
          const { firstFrame } = idle
          const first = new NaiveOrder()
          first.add(idle.takeFirst(limit), idle.taken)
          assert.deepStrictEqual(model.blocks.splice(0, first.blocks.length), first.blocks)
          assert.isTrue(first.blocks.length > 0 && first.blocks.length <= limit)
          assert.strictEqual(Math.floor(first.blocks[0]! / frameSize), firstFrame)
        }
        assert.deepStrictEqual(inOrder(idle), model.blocks)
        assert.strictEqual(idle.size, model.blocks.length)
      }
    },
    { arbitrary: { runs: 200, size: 150 } }
  )

  it("makes one entry of what is released block by block, deepest first", () => {
    const idle = new IdleBlocks()
    for (let member = frameSize - 1; member >= 0; member--) idle.add(3, 1 << member)
    assert.strictEqual(idle.takeFirst(frameSize), 3)
    assert.strictEqual(idle.taken, -1)
    for (let member = 0; member < frameSize; member++) idle.add(3, 1 << member)
    assert.strictEqual(idle.takeFirst(frameSize), 3)
    assert.strictEqual(idle.taken, 1)
  })

  it("uses entries again", () => {
    const idle = new IdleBlocks()
    for (let round = 0; round < 10_000; round++) {
      idle.add(round % 40, 0xf0)
      idle.add(round % 40, 0x0f)
      idle.take(round % 40, 0xff)
    }
    assert.strictEqual(idle.size, 0)
    assert.deepStrictEqual(inOrder(idle), [])
  })
})

/** The block pool beside a model that keeps plain lists, under arbitrary use. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { BlockPool, firstSlot } from "../../../src/engine/vllm-v1/BlockPool.ts"

/** Slots as objects: `queue` is the free queue, `copies` the slots of each identity in order of registration. */
class PoolModel {
  readonly keys = new Map<number, number>()
  readonly references = new Map<number, number>()
  readonly copies = new Map<number, Array<number>>()
  queue: Array<number>
  readonly evicted: Array<number> = []
  readonly announced: Array<string> = []
  private readonly goesToFront: boolean

  constructor(capacity: number, goesToFront: boolean) {
    this.queue = Array.from({ length: capacity }, (_, slot) => slot + firstSlot)
    this.goesToFront = goesToFront
  }

  hits(path: ReadonlyArray<number>): Array<number> {
    const slots = path.map((key) => this.copies.get(key)?.[0])
    const end = slots.indexOf(undefined)
    return (end < 0 ? slots : slots.slice(0, end)).filter((slot) => slot !== undefined)
  }

  held(slot: number): number {
    return this.references.get(slot) ?? 0
  }

  hold(slots: ReadonlyArray<number>): void {
    for (const slot of slots) {
      this.queue = this.queue.filter((free) => free !== slot)
      this.references.set(slot, this.held(slot) + 1)
    }
  }

  take(): number {
    const slot = this.queue.shift()!
    const key = this.keys.get(slot)
    if (key !== undefined) {
      this.evicted.push(key)
      this.keys.delete(slot)
      const left = this.copies.get(key)!.filter((copy) => copy !== slot)
      if (left.length > 0) this.copies.set(key, left)
      else {
        this.copies.delete(key)
        this.announced.push(`-${key}`)
      }
    }
    this.references.set(slot, 1)
    return slot
  }

  register(slot: number, key: number): void {
    this.keys.set(slot, key)
    const copies = this.copies.get(key)
    if (copies === undefined) {
      this.copies.set(key, [slot])
      this.announced.push(`+${key}`)
    } else copies.push(slot)
  }

  release(slots: ReadonlyArray<number>): void {
    for (const slot of slots.toReversed()) {
      this.references.set(slot, this.held(slot) - 1)
      if (this.held(slot) > 0) continue
      if (this.goesToFront && !this.keys.has(slot)) this.queue.unshift(slot)
      else this.queue.push(slot)
    }
  }
}

const maxDepth = 6

/** Paths share beginnings: block `j` of path `which` is the same for all paths that agree in their first `j + 1` bits. */
const pathOf = (which: number, depth: number): Array<number> =>
  Array.from({ length: depth }, (_, block) => 2 ** (block + 1) + (which & (2 ** (block + 1) - 1)))

const Step = Schema.Struct({
  act: Schema.Literals(["arrive", "arrive", "leave"]),
  which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 })),
  depth: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxDepth })),
  /** Blocks of the path that get an identity. */
  filled: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxDepth })),
  /** A last cached block is computed again, into a slot of its own. */
  recomputes: Schema.Boolean
})

describe("BlockPool", () => {
  for (const goesTo of ["front", "back"] as const) {
    it.prop(
      `hands out, finds and evicts like its description, blocks without identity going to the ${goesTo}`,
      [Schema.Array(Step).check(Schema.isMaxLength(80))],
      ([steps]) => {
        const capacity = 13
        const model = new PoolModel(capacity, goesTo === "front")
        const announced: Array<string> = []
        const evicted: Array<number> = []
        const pool = new BlockPool(capacity, goesTo, {
          stored: (key) => void announced.push(`+${key}`),
          removed: (key) => void announced.push(`-${key}`)
        })
        pool.observer = { evicted: (key) => void evicted.push(key) }
        const holders: Array<Array<number>> = []
        for (const { act, depth, filled, recomputes, which } of steps) {
          if (act === "leave") {
            const slots = holders.splice(which % Math.max(1, holders.length), 1)[0]
            if (slots === undefined) continue
            pool.release(Int32Array.from(slots), slots.length)
            model.release(slots)
          } else {
            const path = pathOf(which, depth)
            const slots = new Int32Array(depth)
            pool.lookUp(Int32Array.from(path), recomputes ? depth - 1 : depth, slots)
            const hits = model.hits(recomputes ? path.slice(0, -1) : path)
            assert.deepStrictEqual([...slots.subarray(0, pool.hitBlocks)], hits)
            const idle = hits.filter((slot) => model.held(slot) === 0).length
            assert.strictEqual(pool.idleHitBlocks, idle)
            if (depth - hits.length > model.queue.length - idle) continue
            pool.hold(slots, hits.length)
            model.hold(hits)
            pool.take(slots, hits.length, depth)
            for (let block = hits.length; block < depth; block++) assert.strictEqual(slots[block], model.take())
            for (let block = hits.length; block < Math.min(filled, depth); block++) {
              pool.register(slots[block]!, path[block]!)
              model.register(slots[block]!, path[block]!)
            }
            holders.push([...slots])
          }
          pool.checkInvariants()
          assert.strictEqual(pool.freeBlocks, model.queue.length)
          assert.deepStrictEqual(evicted, model.evicted)
          assert.deepStrictEqual(announced, model.announced)
        }
      },
      { arbitrary: { runs: 300, size: 80 } }
    )
  }

  it("knows when a look-up would come out differently", () => {
    const pool = new BlockPool(4, "front", undefined)
    const keys = Int32Array.of(1, 2, 3)
    const first = new Int32Array(3)
    pool.take(first, 0, 2)
    pool.register(first[0]!, 1)
    const found = new Int32Array(3)
    const lookUp = (): number => {
      pool.lookUp(keys, 3, found)
      assert.isTrue(pool.lookUpIsCurrent)
      return pool.hitBlocks
    }
    assert.strictEqual(lookUp(), 1)
    // Another identity, another copy of a found one, and slots that nobody found change nothing.
    const other = new Int32Array(2)
    pool.take(other, 0, 2)
    pool.register(other[0]!, 9)
    pool.register(other[1]!, 1)
    assert.isTrue(pool.lookUpIsCurrent)
    // The missing identity appears; a found slot loses its holder, gets one, or is evicted.
    pool.register(first[1]!, 2)
    assert.isFalse(pool.lookUpIsCurrent)
    assert.strictEqual(lookUp(), 2)
    pool.release(first, 2)
    assert.isFalse(pool.lookUpIsCurrent)
    assert.strictEqual(lookUp(), 2)
    assert.strictEqual(pool.idleHitBlocks, 2)
    pool.lookUp(keys, 3, found, 1)
    assert.deepStrictEqual([pool.hitBlocks, pool.idleHitBlocks], [1, 1])
    assert.strictEqual(lookUp(), 2)
    pool.hold(found, 1)
    assert.isFalse(pool.lookUpIsCurrent)
    assert.strictEqual(lookUp(), 2)
    pool.take(new Int32Array(1), 0, 1)
    assert.isFalse(pool.lookUpIsCurrent)
    assert.strictEqual(lookUp(), 1)
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { noBlock } from "../../../src/engine/tiers/LeafOrder.ts"
import { KvBlockPool } from "../../../src/engine/vllm/KvBlockPool.ts"
import { PoolModel } from "./PoolModel.ts"
import { eachBlock } from "../EachBlock.ts"
import { markedBlocks } from "../../support/MarkedBlocks.ts"

/** A pool whose evictions and registrations are on record. */
const recordedPool = (capacity: number) => {
  const stored: Array<number> = []
  const removed: Array<number> = []
  const pool = new KvBlockPool(
    capacity,
    eachBlock({ stored: (block) => void stored.push(block), removed: (block) => void removed.push(block) })
  )
  return { pool, removed, stored }
}

/** Acquires the full blocks `keys` and `partials` more; fails the test when there is no room. */
const hold = (pool: KvBlockPool, keys: ReadonlyArray<number>, partials = 0): Int32Array => {
  const slots = new Int32Array(keys.length + partials)
  assert.isTrue(pool.acquire(Int32Array.from(keys), keys.length, 0, slots.length, slots))
  return slots
}

/** Releases deepest first, as every holder does. */
const release = (pool: KvBlockPool, slots: Int32Array): void => {
  for (const slot of slots.toReversed()) pool.release(slot)
}

const resident = (pool: KvBlockPool, keys: ReadonlyArray<number>): number =>
  pool.residentPrefix(Int32Array.from(keys), keys.length)

const active = (pool: KvBlockPool, keys: ReadonlyArray<number>): number =>
  pool.activePrefix(Int32Array.from(keys), keys.length)

describe("KvBlockPool", () => {
  it("counts a shared block once and keeps it until its last holder goes", () => {
    const { pool } = recordedPool(8)
    const first = hold(pool, [1, 2, 3])
    const second = hold(pool, [1, 2, 4])
    assert.strictEqual(pool.activeBlocks, 4)
    assert.strictEqual(pool.availableBlocks, 4)
    assert.strictEqual(first[0], second[0])
    release(pool, first)
    assert.strictEqual(pool.activeBlocks, 3)
    assert.strictEqual(active(pool, [1, 2, 3]), 2)
    assert.strictEqual(resident(pool, [1, 2, 3]), 3)
    release(pool, second)
    assert.strictEqual(pool.activeBlocks, 0)
    assert.strictEqual(pool.availableBlocks, 8)
    assert.strictEqual(resident(pool, [1, 2, 4]), 3)
    pool.checkInvariants()
  })

  it("frees blocks still being filled and keeps full ones", () => {
    const { pool } = recordedPool(4)
    release(pool, hold(pool, [7], 2))
    assert.strictEqual(pool.availableBlocks, 4)
    assert.strictEqual(resident(pool, [7]), 1)
    // Three slots are free again: taking them evicts nothing.
    hold(pool, [], 3)
    assert.strictEqual(resident(pool, [7]), 1)
  })

  it("takes free slots first, then evicts what was released longest ago, leaf before root", () => {
    const { pool, removed } = recordedPool(6)
    const older = hold(pool, [1, 2])
    const newer = hold(pool, [5, 6])
    release(pool, older)
    release(pool, newer)
    hold(pool, [10, 11])
    assert.deepStrictEqual(removed, [])
    hold(pool, [12])
    assert.deepStrictEqual(removed, [2])
    hold(pool, [13, 14])
    assert.deepStrictEqual(removed, [2, 1, 6])
    assert.strictEqual(resident(pool, [5, 6]), 1)
    pool.checkInvariants()
  })

  it("moves a block that was used again to the young end", () => {
    const { pool, removed } = recordedPool(3)
    release(pool, hold(pool, [1]))
    release(pool, hold(pool, [2]))
    release(pool, hold(pool, [1]))
    hold(pool, [3, 4])
    assert.deepStrictEqual(removed, [2])
  })

  it("acquires all or nothing and gives back what it had pinned", () => {
    const { pool, removed } = recordedPool(4)
    release(pool, hold(pool, [1, 2]))
    const other = hold(pool, [9])
    const slots = new Int32Array(5)
    // Two hits leave one free slot for three misses.
    assert.isFalse(pool.acquire(Int32Array.of(1, 2, 3, 4, 5), 5, 0, 5, slots))
    assert.deepStrictEqual(removed, [])
    assert.strictEqual(pool.activeBlocks, 1)
    assert.strictEqual(resident(pool, [1, 2]), 2)
    pool.checkInvariants()
    // What was given back counts as released just now, deepest first.
    release(pool, other)
    hold(pool, [20, 21])
    assert.deepStrictEqual(removed, [2])
    assert.strictEqual(resident(pool, [1]), 1)
  })

  it("acquires a later part of a request's list", () => {
    const { pool } = recordedPool(8)
    const keys = Int32Array.of(1, 2, 3)
    const slots = new Int32Array(4)
    assert.isTrue(pool.acquire(keys, 3, 0, 1, slots))
    assert.strictEqual(resident(pool, [1, 2, 3]), 1)
    assert.isTrue(pool.acquire(keys, 3, 1, 4, slots))
    assert.strictEqual(resident(pool, [1, 2, 3]), 3)
    assert.strictEqual(pool.activeBlocks, 4)
    assert.lengthOf(new Set(slots), 4)
  })

  it("promotes a filled block, and adopts the one that is there already", () => {
    const { pool, stored } = recordedPool(4)
    const first = hold(pool, [1], 1)
    const second = hold(pool, [1], 1)
    first[1] = pool.promote(first[1]!, 2)
    assert.strictEqual(pool.activeBlocks, 3)
    second[1] = pool.promote(second[1]!, 2)
    assert.strictEqual(second[1], first[1])
    assert.strictEqual(pool.activeBlocks, 2)
    assert.strictEqual(pool.availableBlocks, 2)
    assert.deepStrictEqual(stored, [1, 2])
    release(pool, first)
    release(pool, second)
    pool.checkInvariants()
    // Also when nobody holds it any more.
    const third = hold(pool, [1], 1)
    third[1] = pool.promote(third[1]!, 2)
    assert.strictEqual(pool.activeBlocks, 2)
    assert.strictEqual(active(pool, [1, 2]), 2)
    pool.checkInvariants()
  })

  it.prop(
    "promotes many blocks at once as one by one, whichever of them are there already",
    [
      Schema.Array(Schema.Boolean).check(Schema.isMaxLength(20)),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
    ],
    ([known, firstKey]) => {
      const keys = Int32Array.from(known, (_, block) => firstKey + block)
      const promoted = (all: boolean) => {
        const { pool, stored } = recordedPool(64)
        const others = keys.filter((_, block) => known[block])
        const slots = new Int32Array(keys.length)
        release(pool, hold(pool, [...others]))
        assert.strictEqual(pool.acquireUnregistered(keys, 0, keys.length, slots), 0)
        if (all) pool.promoteAll(keys, 0, keys.length, slots)
        else for (let block = 0; block < keys.length; block++) slots[block] = pool.promote(slots[block]!, keys[block]!)
        const { activeBlocks, availableBlocks } = pool
        pool.checkInvariants()
        return { activeBlocks, availableBlocks, keys: Array.from(slots, (slot) => pool.keyOf(slot)), stored }
      }
      assert.deepStrictEqual(promoted(true), promoted(false))
    }
  )

  it("keeps privately generated blocks findable but announces none", () => {
    const { pool, removed, stored } = recordedPool(3)
    const own = pool.privateKey(noBlock)
    const keys = [own, pool.privateKey(own), pool.privateKey(4)]
    assert.strictEqual(new Set(keys).size, 3)
    release(pool, hold(pool, keys))
    assert.strictEqual(resident(pool, keys), 3)
    const marked = markedBlocks(pool)
    hold(pool, [4, 5, 6])
    assert.strictEqual(resident(pool, keys), 0)
    assert.deepStrictEqual({ marked, removed, stored }, { marked: [], removed: [], stored: [4, 5, 6] })
  })

  it("sets blocks aside atomically, evicting as needed", () => {
    const { pool, removed } = recordedPool(4)
    release(pool, hold(pool, [1, 2]))
    const held = hold(pool, [8])
    assert.isFalse(pool.reserve(4))
    assert.deepStrictEqual(removed, [])
    assert.isTrue(pool.reserve(2))
    assert.deepStrictEqual(removed, [2])
    assert.strictEqual(pool.activeBlocks, 1)
    assert.strictEqual(pool.availableBlocks, 1)
    const slot = pool.takeReserved()
    assert.strictEqual(pool.activeBlocks, 2)
    pool.returnReserved()
    assert.strictEqual(pool.availableBlocks, 2)
    assert.throws(() => pool.takeReserved(), /no reserved KV slot/)
    pool.release(slot)
    release(pool, held)
    assert.strictEqual(pool.availableBlocks, 4)
    pool.checkInvariants()
  })

  it("says when none is left for one more token", () => {
    const { pool, removed } = recordedPool(2)
    release(pool, hold(pool, [1]))
    assert.isAtLeast(pool.acquirePartial(), 0)
    assert.isAtLeast(pool.acquirePartial(), 0)
    assert.deepStrictEqual(removed, [1])
    assert.strictEqual(pool.acquirePartial(), -1)
  })

  it("changes its version exactly when a shareable block starts or stops being held", () => {
    const { pool } = recordedPool(8)
    const changed = (act: () => void): boolean => {
      const before = pool.activeVersion
      act()
      return pool.activeVersion !== before
    }
    let first: Int32Array = new Int32Array(0)
    let second: Int32Array = new Int32Array(0)
    assert.isTrue(changed(() => void (first = hold(pool, [1, 2]))))
    hold(pool, [1, 2])
    assert.isTrue(changed(() => void (second = hold(pool, [3], 1))))
    assert.isFalse(changed(() => pool.release(second[1]!)))
    assert.isFalse(changed(() => release(pool, first)))
    assert.isTrue(changed(() => pool.release(second[0]!)))
    const partial = pool.acquirePartial()
    assert.isFalse(changed(() => void pool.acquirePartial()))
    assert.isTrue(changed(() => void pool.promote(partial, 4)))
  })

  it("works with a single slot", () => {
    const { pool } = recordedPool(1)
    release(pool, hold(pool, [1]))
    release(pool, hold(pool, [2]))
    assert.strictEqual(resident(pool, [1]), 0)
    assert.strictEqual(resident(pool, [2]), 1)
    pool.checkInvariants()
  })

  it.each([1, 2, 3, 4, 5, 7, 8])(
    "finds every key through evictions that wrap around the table, capacity %i",
    (capacity) => {
      const { pool } = recordedPool(capacity)
      const recent: Array<number> = []
      let seed = 1
      for (let round = 0; round < 4_000; round++) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
        const key = seed >>> (seed % 20)
        release(pool, hold(pool, [key]))
        const known = recent.indexOf(key)
        if (known >= 0) recent.splice(known, 1)
        recent.push(key)
        if (recent.length > capacity) recent.shift()
        for (const each of recent) assert.strictEqual(resident(pool, [each]), 1)
      }
      pool.checkInvariants()
    }
  )
})

// ---- against the model ------------------------------------------------------------------------------------------------

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
const step = Schema.Struct({
  act: Schema.Literals(["arrive", "grow", "leave", "reserve"]),
  /** Which request acts, and which path of the prefix tree a new one takes. */
  which: below(64),
  /** How much of the path, in seventieths. */
  depth: below(71),
  partial: Schema.Boolean,
  /** Its first chunk, likewise. */
  chunk: below(71)
})

/**
 * Paths in a tree of prefixes whose nodes have two children each and are `stride` blocks long. Blocks of a node have consecutive
 * identities, as those of a trace block have; nodes are scattered where a stride fills frames, and share frames where not.
 */
interface Layout {
  readonly stride: number
  readonly maxDepth: number
  readonly keyOf: (node: number, block: number) => number
}

const layouts: Record<string, Layout> = {
  "lone blocks": { stride: 1, maxDepth: 6, keyOf: (node) => node * 7_919 },
  "eight trace blocks in a frame": { stride: 4, maxDepth: 20, keyOf: (node, block) => (node ^ 5) * 4 + block },
  "a trace block in a frame": { stride: 32, maxDepth: 70, keyOf: (node, block) => node * 7_919 * 32 + block },
  "a trace block in two frames": { stride: 40, maxDepth: 60, keyOf: (node, block) => node * 64 + block },
  "trace blocks across frames": { stride: 11, maxDepth: 40, keyOf: (node, block) => node * 11 + block }
}

const pathOf = ({ keyOf, stride }: Layout, which: number, depth: number): Array<number> => {
  const path: Array<number> = []
  let node = 1
  for (let block = 0; block < depth; block++) {
    if (block % stride === 0) node = 2 * node + ((which >> Math.floor(block / stride)) & 1)
    path.push(keyOf(node, block % stride))
  }
  return path
}

interface Holder {
  readonly keys: Array<number>
  readonly slots: Array<number>
  hasPartial: boolean
}

/** The pool and its model, taken through the same steps. */
class Pair {
  private readonly removed: Array<number> = []
  private readonly holders: Array<Holder> = []
  private readonly pool: KvBlockPool
  private readonly model: PoolModel

  private readonly layout: Layout

  constructor(capacity: number, layout: Layout) {
    this.layout = layout
    this.pool = new KvBlockPool(
      capacity,
      eachBlock({ stored: () => undefined, removed: (block) => void this.removed.push(block) })
    )
    this.model = new PoolModel(capacity)
  }

  holder(which: number): Holder | undefined {
    return this.holders[which % Math.max(1, this.holders.length)]
  }

  path(which: number, depth: number): Array<number> {
    return pathOf(this.layout, which, Math.round((depth / 70) * this.layout.maxDepth))
  }

  /** Holds the path in two chunks; only the first when there is no room for the second. */
  arrive(path: Array<number>, firstChunk: number, hasPartial: boolean): void {
    const { model, pool } = this
    const blocks = path.length + (hasPartial ? 1 : 0)
    const slots = new Int32Array(blocks)
    const keys = Int32Array.from(path)
    const first = Math.min(firstChunk, path.length)
    const starts = pool.acquire(keys, path.length, 0, first, slots)
    assert.strictEqual(starts, model.acquire(path.slice(0, first), 0, 0))
    if (!starts) return
    const fits = pool.acquire(keys, path.length, first, blocks, slots)
    assert.strictEqual(fits, model.acquire(path, first, hasPartial ? 1 : 0))
    this.holders.push({
      keys: fits ? path : path.slice(0, first),
      slots: Array.from(slots).slice(0, fits ? blocks : first),
      hasPartial: fits && hasPartial
    })
  }

  /** The holder's last block fills up, so it needs another one. */
  grow(holder: Holder, which: number): void {
    if (holder.hasPartial && !this.promote(holder, which)) return
    const slot = this.pool.acquirePartial()
    assert.strictEqual(slot >= 0, this.model.acquire(holder.keys, holder.keys.length, 1))
    if (slot < 0) return
    holder.slots.push(slot)
    holder.hasPartial = true
  }

  /** The block was filled with the content of the path `which`, if that continues what the holder has. */
  private promote(holder: Holder, which: number): boolean {
    const { keys, slots } = holder
    const { layout } = this
    const path = pathOf(layout, which, keys.length + 1)
    if (keys.length === layout.maxDepth || keys.some((key, depth) => key !== path[depth])) return false
    slots[keys.length] = this.pool.promote(slots[keys.length]!, path[keys.length]!)
    this.model.promote(path[keys.length]!, keys.at(-1) ?? -1)
    keys.push(path[keys.length]!)
    holder.hasPartial = false
    return true
  }

  /** All at once, or block by block. */
  leave(holder: Holder, atOnce: boolean): void {
    this.holders.splice(this.holders.indexOf(holder), 1)
    if (atOnce) this.pool.releaseAll(Int32Array.from(holder.slots), 0, holder.slots.length)
    else for (const slot of holder.slots.toReversed()) this.pool.release(slot)
    if (holder.hasPartial) this.model.releasePartial()
    for (const key of holder.keys.toReversed()) this.model.release(key)
  }

  reserve(count: number): void {
    const fits = this.pool.reserve(count)
    assert.strictEqual(fits, this.model.acquire([], 0, count))
    if (!fits) return
    for (let index = 0; index < count; index++) {
      if (index % 2 === 0) this.pool.release(this.pool.takeReserved())
      this.model.releasePartial()
    }
    this.pool.returnReserved()
  }

  compare(path: ReadonlyArray<number>): void {
    const { model, pool } = this
    pool.checkInvariants()
    assert.strictEqual(pool.activeBlocks, model.activeBlocks)
    assert.strictEqual(pool.availableBlocks, model.availableBlocks)
    assert.deepStrictEqual(this.removed, model.evicted)
    const missing = path.findIndex((key) => !model.resident(key))
    const idle = path.findIndex((key) => !model.active(key))
    assert.strictEqual(resident(pool, path), missing < 0 ? path.length : missing)
    assert.strictEqual(active(pool, path), idle < 0 ? path.length : idle)
  }
}

describe("KvBlockPool against the reference's description", () => {
  for (const [name, layout] of Object.entries(layouts)) {
    for (const share of [0.5, 1.5, 4]) {
      const capacity = Math.round(layout.maxDepth * share)
      it.prop(
        `${name}, room for ${capacity}`,
        [Schema.Array(step).check(Schema.isMaxLength(60))],
        ([steps]) => {
          const pair = new Pair(capacity, layout)
          for (const { act, chunk, depth, partial, which } of steps) {
            const holder = pair.holder(which)
            if (act === "arrive") pair.arrive(pair.path(which, depth), chunk, partial || depth < 9)
            else if (act === "reserve") pair.reserve(Math.round(depth / 10))
            else if (act === "grow" && holder !== undefined) pair.grow(holder, which)
            else if (act === "leave" && holder !== undefined) pair.leave(holder, partial)
            pair.compare(pair.path(which, 70))
          }
        },
        { arbitrary: { runs: 20, size: 60 } }
      )
    }
  }
})

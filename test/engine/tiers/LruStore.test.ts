import { assert, describe, it } from "@effect/vitest"
import { blocksOf, hasBlock, RunList } from "../../../src/engine/tiers/BlockRuns.ts"
import { CopyLane, type LaneCopy } from "../../../src/engine/tiers/CopyLane.ts"
import { BlockState, LruStore } from "../../../src/engine/tiers/LruStore.ts"
import { Pcg32 } from "../../../src/structures/Pcg32.ts"

const claimed = (store: LruStore, key: number, count = 1): Array<number> => {
  const runs = new RunList()
  store.claim(key, count, runs)
  return Array.from(runs.copy())
}

/** The same tier, every block by itself. */
class NaiveStore {
  readonly arriving = new Set<number>()
  readonly pins = new Map<number, number>()
  /** Idle blocks, least recently used first. */
  idle: Array<number> = []
  refused = 0
  private readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  stateOf(key: number): BlockState {
    if (this.arriving.has(key)) return BlockState.Arriving
    if (this.pins.has(key)) return BlockState.Pinned
    return this.idle.includes(key) ? BlockState.Idle : BlockState.Absent
  }

  claim(key: number): boolean {
    if (this.stateOf(key) !== BlockState.Absent) return false
    if (this.arriving.size + this.pins.size + this.idle.length === this.capacity && this.idle.shift() === undefined) {
      this.refused += 1
      return false
    }
    this.arriving.add(key)
    return true
  }

  arrive(key: number): void {
    this.arriving.delete(key)
    this.idle.push(key)
  }

  pin(key: number): void {
    this.idle = this.idle.filter((other) => other !== key)
    this.pins.set(key, (this.pins.get(key) ?? 0) + 1)
  }

  unpin(key: number): void {
    const pins = this.pins.get(key)! - 1
    if (pins > 0) this.pins.set(key, pins)
    else {
      this.pins.delete(key)
      this.idle.push(key)
    }
  }

  touch(key: number): void {
    if (this.stateOf(key) === BlockState.Idle) this.idle = [...this.idle.filter((other) => other !== key), key]
  }
}

/** The identities of a run, the last one first. */
const backwards = (key: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, index) => key + count - 1 - index)

describe("a tier that gives up what was used longest ago", () => {
  it("finds blocks once they have arrived, and keeps those that somebody holds", () => {
    const store = new LruStore(3)
    assert.deepStrictEqual(claimed(store, 1, 2), [1, 2])
    assert.strictEqual(store.stateOf(1), BlockState.Arriving)
    store.arrive(1, 2)
    assert.deepStrictEqual(claimed(store, 2, 2), [3, 1])
    store.arrive(3, 1)
    store.pin(1, 1)
    assert.strictEqual(store.available, 2)
    assert.deepStrictEqual([store.presentRun(1, 5), store.presentRun(2, 1), store.pinnedAmong(1, 3)], [3, 1, 1])
    assert.deepStrictEqual(claimed(store, 4, 4), [4, 2])
    assert.strictEqual(store.refused, 2)
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((key) => store.stateOf(key)),
      [BlockState.Pinned, BlockState.Absent, BlockState.Absent, BlockState.Arriving]
    )
    store.unpin(1, 1)
    assert.deepStrictEqual(claimed(store, 6), [6, 1])
    store.checkInvariants()
  })

  it.each([3, 12, 40])("does with runs what it would do with their blocks one by one, capacity %d", (capacity) => {
    const random = new Pcg32(capacity, 9)
    const store = new LruStore(capacity)
    const model = new NaiveStore(capacity)
    for (let step = 0; step < 6000; step++) {
      const key = random.below(64) - 32
      const count = 1 + random.below(step % 2 === 0 ? 8 - (key & 7) : 32 - (key & 31))
      const run = backwards(key, count)
      const all = (...states: ReadonlyArray<BlockState>): boolean =>
        run.every((block) => states.includes(model.stateOf(block)))
      const act = random.below(5)
      if (act === 0) {
        const taken = run.toReversed().filter((block) => model.claim(block))
        const runs = claimed(store, key, count)
        if (blocksOf(runs) !== taken.length || taken.some((block) => !hasBlock(runs, block)))
          assert.fail(`step ${step}: ${runs.join()} instead of ${taken.join()}`)
      } else if (act === 1 && all(BlockState.Arriving)) {
        store.arrive(key, count)
        for (const block of run) model.arrive(block)
      } else if (act === 2 && all(BlockState.Idle, BlockState.Pinned)) {
        store.pin(key, count)
        for (const block of run) model.pin(block)
      } else if (act === 3 && all(BlockState.Pinned)) {
        store.unpin(key, count)
        for (const block of run) model.unpin(block)
      } else if (act === 4) {
        store.touch(Int32Array.from(run.toReversed()), count)
        for (const block of run) model.touch(block)
      }
      const differs = backwards(-32, 64).find((block) => store.stateOf(block) !== model.stateOf(block))
      if (differs !== undefined || store.refused !== model.refused) assert.fail(`step ${step}, block ${differs}`)
      if (step % 500 === 0) store.checkInvariants()
    }
    assert.isAbove(model.refused, 0)
  })
})

class NamedCopy implements LaneCopy<NamedCopy> {
  readonly name: string
  readonly bytes: number
  endMs = Number.NaN
  behind: NamedCopy | undefined = undefined

  constructor(name: string, bytes: number) {
    this.name = name
    this.bytes = bytes
  }
}

const startOn = (lane: CopyLane<NamedCopy>, name: string, bytes: number, readyMs: number): number => {
  const copy = new NamedCopy(name, bytes)
  lane.start(copy, readyMs)
  return copy.endMs
}

describe("a lane of copies", () => {
  it("lets them follow one another, each with its latency", () => {
    const lane = new CopyLane<NamedCopy>(0.001, 0.5)
    assert.strictEqual(startOn(lane, "a", 2000, 10), 12.5)
    assert.strictEqual(lane.endOf(1000, 11), 14)
    assert.strictEqual(startOn(lane, "b", 1000, 11), 14)
    assert.strictEqual(startOn(lane, "c", 1000, 20), 21.5)
    const ended: Array<readonly [string, number]> = []
    const note = ({ endMs, name }: NamedCopy): void => void ended.push([name, endMs])
    assert.isFalse(lane.advance(12.4, note))
    assert.isTrue(lane.advance(14, note))
    assert.deepStrictEqual(ended, [
      ["a", 12.5],
      ["b", 14]
    ])
    assert.deepStrictEqual([lane.active, lane.nextEndMs, lane.bytesMoved, lane.busyMs], [1, 21.5, 3000, 4])
  })

  it("takes the latency alone where bandwidth has no limit", () => {
    assert.strictEqual(startOn(new CopyLane(0, 0.25), "a", 1e12, 3), 3.25)
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { LoadTracker } from "../../../src/router/kv/LoadTracker.ts"
import { markedBlocks } from "../../support/MarkedBlocks.ts"

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
/** A request: its worker, how much of a shared prompt it starts with, how many blocks of its own follow, whether those are scattered. */
const spec = Schema.Struct({
  worker: below(40),
  shared: below(30),
  own: below(400),
  freedEarly: Schema.Boolean,
  scattered: Schema.Boolean
})

interface Tracked {
  readonly worker: number
  readonly blocks: Int32Array
}

const naiveCounts = (held: ReadonlyArray<Tracked>, worker: number): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const { blocks, worker: w } of held) {
    if (w !== worker) continue
    for (const block of blocks) counts.set(block, (counts.get(block) ?? 0) + 1)
  }
  return counts
}

const check = (tracker: LoadTracker, held: ReadonlyArray<Tracked>, workers: number): void => {
  const probe = Int32Array.from({ length: 40 }, (_, i) => i)
  const depths = new Int32Array(workers)
  tracker.depths(probe, probe.length, depths)
  for (let worker = 0; worker < workers; worker++) {
    const counts = naiveCounts(held, worker)
    assert.strictEqual(tracker.activeBlocks[worker], counts.size)
    const missing = probe.findIndex((block) => !counts.has(block))
    assert.strictEqual(depths[worker], missing < 0 ? probe.length : missing)
  }
}

describe("load tracker", () => {
  it.prop("equals a multiset per worker and ends at zero", [Schema.Array(spec)], ([specs]) => {
    const workers = 40
    const tracker = new LoadTracker(workers)
    let held: Array<Tracked> = []
    specs.forEach(({ freedEarly, own, scattered, shared, worker }, i) => {
      const blocks = Int32Array.from({ length: shared + (own % 50) }, (_, b) =>
        b < shared ? b : 100 + i * 1000 + (scattered ? b * 5 : b)
      )
      const tracked = { worker: worker % (1 + (own % workers)), blocks }
      tracker.add(tracked.worker, blocks, blocks.length)
      held.push(tracked)
      if (freedEarly) {
        const gone = held[own % held.length]!
        tracker.remove(gone.worker, gone.blocks, gone.blocks.length)
        held = held.filter((each) => each !== gone)
      }
      check(tracker, held, workers)
    })
    // The last block of a prompt stands for all before it.
    const marked = new Set(markedBlocks(tracker))
    const known = new Set(held.flatMap(({ blocks }) => Array.from(blocks)))
    for (const block of marked) assert.isTrue(known.has(block))
    for (const { blocks } of held) if (blocks.length > 0) assert.isTrue(marked.has(blocks.at(-1)!))
    for (const { blocks, worker } of held) tracker.remove(worker, blocks, blocks.length)
    check(tracker, [], workers)
    assert.deepStrictEqual(markedBlocks(tracker), [])
  })

  it("keeps many sharers of many blocks apart", () => {
    const tracker = new LoadTracker(2)
    const blocks = Int32Array.from({ length: 5000 }, (_, i) => i * 7)
    for (let i = 0; i < 20; i++) tracker.add(1, blocks, blocks.length - i)
    assert.strictEqual(tracker.activeBlocks[1], 5000)
    for (let i = 0; i < 19; i++) tracker.remove(1, blocks, blocks.length - i)
    assert.strictEqual(tracker.activeBlocks[1], 5000 - 19)
    tracker.remove(1, blocks, blocks.length - 19)
    assert.deepStrictEqual(Array.from(tracker.activeBlocks), [0, 0])
  })

  it("forgets a worker that is gone with all that its requests held", () => {
    const tracker = new LoadTracker(3)
    const blocks = Int32Array.from({ length: 21 }, (_, i) => i)
    for (const worker of [0, 1, 1]) tracker.add(worker, blocks, blocks.length)
    tracker.removeWorker(1)
    tracker.add(2, blocks, 9)
    tracker.remove(2, blocks, 9)
    tracker.add(2, blocks, 5)
    const depths = new Int32Array(3)
    tracker.depths(blocks, blocks.length, depths)
    assert.deepStrictEqual(Array.from(depths), [21, 0, 5])
    assert.deepStrictEqual(Array.from(tracker.activeBlocks), [21, 0, 5])
  })

  it("counts private blocks apart from all others", () => {
    const tracker = new LoadTracker(1)
    tracker.addPrivate(0, 12)
    tracker.addPrivate(0, 12)
    assert.strictEqual(tracker.activeBlocks[0], 24)
    tracker.removePrivate(0, 12)
    assert.strictEqual(tracker.activeBlocks[0], 12)
  })
})

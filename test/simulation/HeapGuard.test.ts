import { afterEach, assert, describe, it } from "@effect/vitest"
import v8 from "node:v8"
import { checkHeap, HeapFull } from "../../src/simulation/HeapGuard.ts"
import { programIn } from "../cli/Program.ts"

const { getHeapStatistics } = v8

/** A heap of 100 MiB with so much of it in use, look by look; the last look lasts. */
const useMib = (...looks: ReadonlyArray<number>): void => {
  let look = 0
  v8.getHeapStatistics = () => ({
    ...getHeapStatistics(),
    heap_size_limit: 100 * 2 ** 20,
    used_heap_size: looks[Math.min(look++, looks.length - 1)]! * 2 ** 20
  })
}

afterEach(() => {
  v8.getHeapStatistics = getHeapStatistics
})

describe("checkHeap", () => {
  it("accepts a heap with room in it, and one that is full of garbage", () => {
    useMib(70)
    checkHeap(5)
    useMib(95, 20)
    checkHeap(5)
  })

  it("refuses a heap that stays full", () => {
    useMib(71)
    assert.throws(
      () => checkHeap(5),
      HeapFull,
      "the heap of Node.js, 100 MiB, is full: 5 requests in flight, and rows read for those to come"
    )
  })
})

describe("a run whose heap is full", () => {
  const row = JSON.stringify({ timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1] })

  it.effect("ends with one line between two slices of its work", () => {
    useMib(90)
    return programIn({ "a.jsonl": row }, ["replay", "a.jsonl", "--report-json=r.json"], ({ exit, stderr }, folder) => {
      assert.match(stderr, /^error: the heap of Node\.js, 100 MiB, is full: 0 requests in flight, [^\n]*size=MIB$/)
      assert.strictEqual(exit, 1)
      assert.deepStrictEqual(folder.added(), [])
    })
  })
})

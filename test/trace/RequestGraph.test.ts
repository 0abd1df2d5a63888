import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { findCycle, requestGraph } from "../../src/trace/RequestGraph.ts"

const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
/** For each of up to 8 requests the requests it waits for. */
const Lists = Schema.Array(Schema.Array(small(7)).check(Schema.isMaxLength(4))).check(Schema.isMaxLength(8))

const edgesOf = (lists: ReadonlyArray<ReadonlyArray<number>>) => ({
  waiting: lists.flatMap((list, request) => list.map(() => request)),
  awaited: lists.flatMap((list) => list)
})

/** Whether a request can be reached from itself, by brute force. */
const hasCycle = (lists: ReadonlyArray<ReadonlyArray<number>>): boolean => {
  let left = new Set(lists.keys())
  for (;;) {
    const next = new Set([...left].filter((request) => lists[request]!.some((dependency) => left.has(dependency))))
    if (next.size === left.size) return left.size > 0
    left = next
  }
}

describe("requestGraph", () => {
  it("turns edges round, in trace order, counting repeated ones", () => {
    const graph = requestGraph(4, edgesOf([[], [0, 0], [1, 0], []]))
    assert.deepStrictEqual(Array.from(graph.dependencies), [0, 2, 2, 0])
    assert.deepStrictEqual(Array.from(graph.dependentEnds), [3, 4, 4, 4])
    assert.deepStrictEqual(Array.from(graph.dependents), [1, 1, 2, 2])
  })
})

describe("findCycle", () => {
  it("names the request met again first", () => {
    assert.strictEqual(findCycle(2, edgesOf([[1], [0]])), 0)
    assert.strictEqual(findCycle(4, edgesOf([[], [2], [3], [2]])), 2)
    assert.strictEqual(findCycle(1, edgesOf([[0]])), 0)
    assert.strictEqual(findCycle(3, edgesOf([[1, 2], [2], []])), -1)
  })

  it("walks graphs of any depth", () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => (i < 99_999 ? [i + 1] : []))
    assert.strictEqual(findCycle(chain.length, edgesOf(chain)), -1)
  })

  it.effect.prop("finds a cycle exactly when there is one", [Lists], ([lists]) =>
    Effect.sync(() => {
      const known = lists.map((list) => list.filter((dependency) => dependency < lists.length))
      assert.strictEqual(findCycle(known.length, edgesOf(known)) >= 0, hasCycle(known))
    })
  )
})

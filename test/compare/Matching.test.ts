/** Which request is which. */
import { assert, describe, it } from "@effect/vitest"
import { match } from "../../src/compare/Matching.ts"
import { measurementOf, type RequestSample } from "../../src/compare/Measurement.ts"

const sample = (startMs: number, changes: Partial<RequestSample> = {}): RequestSample => ({
  id: undefined,
  turn: undefined,
  startMs,
  inputTokens: 1000 * startMs,
  outputTokens: 5,
  ttftMs: 1,
  ttstMs: 1,
  tpotMs: 1,
  e2eMs: 5,
  ...changes
})

const run = (...requests: ReadonlyArray<RequestSample>) => measurementOf({ name: "run", source: "test", requests })

const found = (...[left, right]: Parameters<typeof match>) => {
  const { by, pairs } = match(left, right)
  return [by, ...pairs.map(([a, b]) => `${a.startMs}-${b.startMs}`)]
}

describe("requests are matched", () => {
  it("by id, in whatever order, and never by an id used twice", () => {
    assert.deepStrictEqual(
      found(run(sample(1, { id: "a" }), sample(2, { id: "b" })), run(sample(1, { id: "b" }), sample(2, { id: "a" }))),
      ["request id", "1-2", "2-1"]
    )
    assert.deepStrictEqual(
      found(run(sample(1, { id: "a" }), sample(2, { id: "a" })), run(sample(1, { id: "a" }), sample(2, { id: "b" }))),
      ["order of start", "1-1", "2-2"]
    )
  })

  it("by session and turn where ids are the client's own", () => {
    assert.deepStrictEqual(
      found(
        run(sample(1, { id: "a", turn: "s 0" }), sample(2, { id: "b", turn: "s 1" })),
        run(sample(5, { id: "x", turn: "s 1" }), sample(6, { id: "y", turn: "s 0" }))
      ),
      ["session and turn", "1-6", "2-5"]
    )
  })

  it("by order only where counts and lengths agree", () => {
    assert.deepStrictEqual(found(run(sample(1), sample(2)), run(sample(1))), [
      "not matched: no common ids, and 2 requests against 1"
    ])
    assert.deepStrictEqual(found(run(sample(1)), run(sample(2))), [
      "not matched: no common ids, and in order of start 1 prompts differ in length"
    ])
    assert.deepStrictEqual(found(run(sample(1)), run()), ["not matched: run does not tell its requests"])
  })
})

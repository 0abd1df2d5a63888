/** Which runs are of a kind, and which of those that wait a thread takes. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { cellsOf } from "../../src/sweep/Cell.ts"
import { kindOf, takeNext } from "../../src/sweep/RunKind.ts"
import { base, plan } from "./Plans.ts"

const kindWith = (settings: string): string => {
  const options = `base: {${base.slice(1, -1)}, ${settings}}\nobjective: minimise total_gpus`
  const made = Result.getOrThrow(Result.getOrThrow(cellsOf(plan(options)))([]))
  if ("_tag" in made || made[0] === undefined) throw new Error("_tag" in made ? made.reason : "no run")
  return kindOf(made[0].options)
}

describe("the kind of a run", () => {
  it("is that of its router, deployment and engines, not of their sizes", () => {
    const kinds = [
      "num-workers: 2",
      "num-workers: 2, router-mode: kv_router",
      "num-workers: 2, extra-engine-args: {engine_type: sglang}",
      "num-prefill-workers: 1, num-decode-workers: 1, prefill-engine-args: {worker_type: prefill}, decode-engine-args: {worker_type: decode}"
    ].map(kindWith)
    assert.strictEqual(new Set(kinds).size, kinds.length, kinds.join("\n"))
    assert.strictEqual(kindWith("num-workers: 8, extra-engine-args: {num_gpu_blocks: 512, max_num_seqs: 3}"), kinds[0])
  })
})

describe("a thread", () => {
  const waiting = () => ["a", "a", "b", "c", "b"].map((kind, index) => ({ kind, index }))

  it.each([
    { what: "keeps to its kind", last: "b", others: ["b", "a"], index: 2 },
    { what: "goes to a kind that nobody is at", last: "d", others: ["a", "d"], index: 2 },
    { what: "helps others where there is none", last: undefined, others: ["a", "b", "c", undefined], index: 0 },
    { what: "starts with the first", last: undefined, others: [undefined, undefined], index: 0 }
  ])("$what", ({ index, last, others }) => {
    const runs = waiting()
    assert.strictEqual(takeNext(runs, last, others)?.index, index)
    assert.deepStrictEqual(
      runs.map((run) => run.index),
      [0, 1, 2, 3, 4].filter((left) => left !== index)
    )
  })

  it("takes nothing where nothing waits", () => {
    assert.isUndefined(takeNext([], "a", ["a"]))
  })
})

/** Runs are carried out once, whoever asks for them meanwhile or later. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { cellsOf } from "../../src/sweep/Cell.ts"
import { CellRunner, type Outcome, type Task } from "../../src/sweep/CellRunner.ts"
import { CellStore } from "../../src/sweep/CellStore.ts"
import { keptRuns } from "../../src/sweep/KeptRuns.ts"
import { base, plan, reportWith } from "./Plans.ts"

const task: Task = (() => {
  const made = Result.getOrThrow(Result.getOrThrow(cellsOf(plan(`base: ${base}\nobjective: minimise total_gpus`)))([]))
  if ("_tag" in made || made[0] === undefined) throw new Error("the plan stands for no run")
  return { ...made[0], constraints: [] }
})()

/** A runner whose runs end once `gate` opens. */
const runnerOf = (outcome: Outcome) =>
  Effect.map(Deferred.make<void>(), (gate) => {
    const begun: Array<Task> = []
    const run = (asked: Task) =>
      Effect.suspend(() => {
        begun.push(asked)
        return Effect.as(Deferred.await(gate), outcome)
      })
    const layer = Layer.merge(Layer.succeed(CellRunner, { width: 8, run }), Layer.fresh(CellStore.layerMemory))
    return { begun, gate, layer }
  })

describe("a run", () => {
  it.effect("that several ask for is carried out once, and then taken from the store", () =>
    Effect.gen(function* () {
      const { begun, gate, layer } = yield* runnerOf({ _tag: "Done", report: reportWith({ mean_ttft_ms: 7 }) })
      yield* Effect.gen(function* () {
        const runs = keptRuns()
        const asked = yield* Effect.forkChild(
          Effect.forEach([1, 2, 3], () => runs("a", task), { concurrency: "unbounded" })
        )
        yield* Effect.yieldNow
        yield* Deferred.succeed(gate, undefined)
        const kept = yield* Fiber.join(asked)
        assert.deepStrictEqual(
          [...kept, yield* runs("a", task)].map(({ reused }) => reused),
          [false, true, true, true]
        )
        for (const { outcome } of kept) assert.strictEqual(outcome, kept[0]?.outcome)
        assert.strictEqual(begun.length, 1)
        yield* runs("b", task)
        assert.strictEqual(begun.length, 2)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("that failed is carried out again when it is asked for again", () =>
    Effect.gen(function* () {
      const { begun, gate, layer } = yield* runnerOf({ _tag: "Failed", reason: "as asked" })
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.gen(function* () {
        const runs = keptRuns()
        yield* runs("a", task)
        const { outcome, reused } = yield* runs("a", task)
        assert.deepStrictEqual([outcome._tag, reused, begun.length], ["Failed", false, 2])
      }).pipe(Effect.provide(layer))
    })
  )
})

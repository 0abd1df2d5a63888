/** Ids of runs: files that they read are read once for all of them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import * as Result from "effect/Result"
import { cellsOf } from "../../src/sweep/Cell.ts"
import { cellIds } from "../../src/sweep/CellId.ts"
import { plan } from "./Plans.ts"

const optionsOf = (trace: string, workers: number) => {
  const made = Result.getOrThrow(
    Result.getOrThrow(
      cellsOf(plan(`base: {traces: ${trace}, num-workers: ${workers}}\nobjective: minimise total_gpus`))
    )([])
  )
  if ("_tag" in made || made[0] === undefined) throw new Error("the plan stands for no run")
  return made[0].options
}

describe("the id of a run", () => {
  it.effect("reads a file once, also for runs that ask before it is read", () =>
    Effect.gen(function* () {
      const reads: Array<string> = []
      const files = FileSystem.layerNoop({
        readFile: (path) =>
          Effect.gen(function* () {
            reads.push(path)
            yield* Effect.yieldNow
            if (path !== "missing.jsonl") return new TextEncoder().encode(path)
            return yield* PlatformError.systemError({ _tag: "NotFound", module: "FileSystem", method: "readFile" })
          })
      })
      yield* Effect.gen(function* () {
        const ids = yield* cellIds
        const asked = [1, 2, 3].flatMap((workers) => [optionsOf("a.jsonl", workers), optionsOf("b.jsonl", workers)])
        const made = yield* Effect.forEach(asked, ids, { concurrency: "unbounded" })
        assert.strictEqual(new Set(made).size, 6)
        assert.deepStrictEqual(reads, ["a.jsonl", "b.jsonl"])
        assert.deepStrictEqual(yield* Effect.forEach(asked, ids), made)
        const missing = yield* Effect.forEach(
          [1, 2],
          (workers) => Effect.flip(ids(optionsOf("missing.jsonl", workers))),
          {
            concurrency: "unbounded"
          }
        )
        for (const { message } of missing) assert.match(message, /missing\.jsonl/)
        assert.deepStrictEqual(reads, ["a.jsonl", "b.jsonl", "missing.jsonl"])
      }).pipe(Effect.provide(Layer.merge(files, Path.layer)))
    })
  )
})

/** `deployment: auto`: every spread with tables and memory, every count within the budget, each with a KV pool of its own. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Deployment from "../../src/run/Deployment.ts"
import { allPoints, cellsOf } from "../../src/sweep/Cell.ts"
import { resolve } from "../../src/sweep/DeploymentCandidates.ts"
import { plan } from "./Plans.ts"

const aicBase = (model: string) =>
  "base: {input-tokens: 100, output-tokens: 10, request-count: 2, arrival-interval-ms: 10, "
  + `extra-engine-args: {aic_backend: vllm, aic_system: h200_sxm, aic_model_path: ${model}}}`
const objective = "objective: minimise total_gpus"

const resolved = (text: string) => Effect.provide(resolve(plan(text)), NodeServices.layer)
const problemOf = (text: string) =>
  Effect.map(Effect.flip(resolved(text)), (error) =>
    "hint" in error && error.hint !== undefined ? `${error.message}; ${error.hint}` : error.message
  )

/** The options of every point. */
const optionsOf = (text: string) =>
  Effect.map(resolved(text), (read) => {
    const make = Result.getOrThrow(cellsOf(read))
    const cells = allPoints(read.axes).flatMap((point) => {
      const made = Result.getOrThrow(make(point))
      assert(!("_tag" in made))
      return made
    })
    return { read, cells }
  })

describe("deployment: auto", () => {
  it.effect("lists every split of the budget over every pair of sizes", () =>
    Effect.gen(function* () {
      const text = `${aicBase("Qwen/Qwen3-32B")}\nmax_gpus: 8\n${objective}\naxes: {deployment: `
      const { cells } = yield* optionsOf(`${text}auto}`)
      const seen = cells.map(({ options: { deployment } }) =>
        deployment._tag === "Aggregated"
          ? [deployment.workers, deployment.engine.gpusPerWorker]
          : [deployment.prefillWorkers, deployment.prefill, deployment.decodeWorkers, deployment.decode].map((part) =>
              typeof part === "number" ? part : part.gpusPerWorker
            )
      )
      const sizes = [1, 2, 4, 8]
      const counts = [1, 2, 3, 4, 5, 6, 7, 8]
      const pools = counts.flatMap((workers) => sizes.map((size) => [workers, size]))
      const used = ([first = 0, firstSize = 0, second = 0, secondSize = 0]: ReadonlyArray<number>) =>
        first * firstSize + second * secondSize
      const naive = [...pools, ...pools.flatMap((first) => pools.map((second) => [...first, ...second]))].filter(
        (deployment) => used(deployment) <= 8
      )
      assert.sameDeepMembers(seen, naive)
      for (const [word, tag] of [
        ["aggregated", "Aggregated"],
        ["disaggregated", "Disaggregated"]
      ]) {
        const one = yield* optionsOf(`${text}${word}}`)
        assert.strictEqual(one.cells.length, cells.filter(({ options }) => options.deployment._tag === tag).length)
        assert.isTrue(one.cells.every(({ options }) => options.deployment._tag === tag))
      }
    })
  )

  it.effect("sizes the KV pool for each candidate", () =>
    Effect.gen(function* () {
      const { cells } = yield* optionsOf(
        `${aicBase("Qwen/Qwen3-32B")}\nmax_gpus: 4\n${objective}\naxes: {deployment: aggregated}`
      )
      const single = cells.filter(({ values: [text = ""] }) => text.startsWith("workers 1,"))
      const blocks = yield* Effect.forEach(single, ({ options }) =>
        Effect.map(Deployment.deploy(options), ({ used }) =>
          used._tag === "Aggregated" ? used.engine.numGpuBlocks : 0
        )
      ).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
      assert.deepStrictEqual(
        single.map(({ values: [text] }) => text),
        ["workers 1, tp 1", "workers 1, tp 2", "workers 1, tp 4"]
      )
      // The weights leave more of each GPU the more GPUs share them.
      assert.isAbove(blocks[1]!, 2 * blocks[0]!)
      assert.isAbove(blocks[2]!, 2 * blocks[1]!)
    })
  )

  it.effect("spreads experts too, and says which spreads do not fit or were not measured", () =>
    Effect.gen(function* () {
      const { cells, read } = yield* optionsOf(
        `${aicBase("Qwen/Qwen3-235B-A22B")}\nmax_gpus: 4\n${objective}\naxes: {deployment: aggregated}`
      )
      assert.deepStrictEqual(
        cells.map(({ values: [text] }) => text),
        [
          "workers 1, tp 4, moe_tp 1, moe_ep 4",
          "workers 1, tp 4, moe_tp 4, moe_ep 1",
          "workers 1, tp 1, attention_dp 4, moe_tp 1, moe_ep 4"
        ]
      )
      for (const { options } of cells) {
        assert.strictEqual(options.deployment._tag === "Aggregated" && options.deployment.engine.gpusPerWorker, 4)
      }
      const reason = (spread: string) => read.leftOut.find((text) => text.startsWith(`${spread} is no candidate: `))
      assert.include(reason("tp 1"), "no KV budget")
      assert.include(reason("tp 4, expert tp 2, ep 2"), "has no rows for")
    })
  )

  it.effect("needs a budget, and a model", () =>
    Effect.gen(function* () {
      const axes = "axes: {deployment: auto}"
      assert.strictEqual(
        yield* problemOf(`${aicBase("Qwen/Qwen3-32B")}\n${objective}\n${axes}`),
        "plan.yaml:3: axes.deployment: auto needs a GPU budget; add max_gpus"
      )
      const untimed = "base: {input-tokens: 100, output-tokens: 10, request-count: 2, arrival-interval-ms: 10}"
      assert.include(yield* problemOf(`${untimed}\nmax_gpus: 4\n${objective}\n${axes}`), "auto needs AIC timing")
      const small = yield* problemOf(`${aicBase("Qwen/Qwen3-235B-A22B")}\nmax_gpus: 2\n${objective}\n${axes}`)
      assert.include(small, "there is no candidate; tp 1 is no candidate: ")
      const unlisted = Result.getOrThrow(Result.flip(cellsOf(plan(`${untimed}\n${objective}\n${axes}`))))
      assert.include(unlisted.message, "candidates are not listed")
    })
  )

  it.effect("leaves plans that list their deployments as they are", () =>
    Effect.gen(function* () {
      const text = `${aicBase("Qwen/Qwen3-32B")}\n${objective}\naxes: {deployment: [{workers: 1, tp: 2, attention_dp: 2}]}`
      const read = plan(text)
      assert.strictEqual(yield* Effect.provide(resolve(read), NodeServices.layer), read)
      const { cells } = yield* optionsOf(text)
      assert.deepStrictEqual(
        cells.map(({ options: { deployment } }) => deployment._tag === "Aggregated" && deployment.engine.gpusPerWorker),
        [4]
      )
    })
  )
})

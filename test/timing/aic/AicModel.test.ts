import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { AicModelArgs } from "../../../src/timing/aic/AicArgs.ts"
import { aicSetup } from "../../../src/timing/aic/FindSetup.ts"
import { makeAicModel } from "../../../src/timing/aic/AicModel.ts"
import { aicArgs, argsOf, assertSamples, readGolden, type RecordedSamples, sampleNames } from "./Recorded.ts"

const modelFor = Effect.fnUntraced(function* (args: AicModelArgs) {
  const setup = yield* aicSetup(args)
  return yield* makeAicModel(setup.lists, yield* setup.tables, setup.system)
}, Effect.provide(NodeServices.layer))

describe("AicModel", () => {
  it("has recorded samples of dense and expert models on both systems and backends", () => {
    assert.isAtLeast(sampleNames.length, 16)
  })

  for (const name of sampleNames) {
    it.effect(`reproduces ${name}`, () => {
      const samples = readGolden<RecordedSamples>(name)
      return Effect.map(modelFor(argsOf(samples.config)), (model) => assertSamples(model, samples))
    })
  }

  it.effect("answers a repeated call with the same number, whatever came in between", () =>
    Effect.map(modelFor(aicArgs()), (model) => {
      const first = model.decodeMs(7, 1000)
      model.decodeMs(4000, 1000)
      model.prefillMs(3, 500, 20)
      assert.strictEqual(model.decodeMs(7, 1000), first)
      assert.strictEqual(model.decodeMs(20_000, 300), model.decodeMs(20_000, 300))
    })
  )

  const ofFamilies = {
    dense: aicArgs(),
    "with windows": aicArgs({ modelPath: "openai/gpt-oss-20b" }),
    "with latent attention": aicArgs({ modelPath: "deepseek-ai/DeepSeek-V3", tpSize: 8, moeEpSize: 8 })
  }
  for (const [family, args] of Object.entries(ofFamilies)) {
    it.effect(`prices decode steps in a row as one by one: ${family}`, () =>
      Effect.map(Effect.all([modelFor(args), modelFor(args)]), ([inRows, single]) => {
        const row = new Float64Array(16)
        let longest = 0
        for (const batch of [1, 7, 40, 300, 9000]) {
          for (const start of [1, 50, 1000, 16_300, 32_700, 200_000]) {
            for (let context = start; context < start + 100;) {
              const count = inRows.decodeRowMs(batch, context, row.length, row)
              assert.isAtMost(count, row.length)
              for (let step = 0; step < count; step++) {
                assert.strictEqual(row[step], single.decodeMs(batch, context + step), `${batch} x ${context + step}`)
                assert.deepStrictEqual(inRows.range, single.range)
              }
              context += count
              longest = Math.max(longest, count)
            }
          }
        }
        assert.strictEqual(longest, family === "with latent attention" ? 1 : row.length)
      })
    )
  }

  it.effect("tells whether a call left the measured range", () =>
    Effect.map(modelFor(aicArgs()), (model) => {
      const leaves = (call: () => number): boolean => {
        call()
        return model.range.left
      }
      assert.isFalse(leaves(() => model.prefillMs(1, 1000, 0)))
      assert.isFalse(leaves(() => model.decodeMs(8, 1000)))
      assert.isTrue(
        leaves(() => model.prefillMs(1, 1000, 100_000)),
        "sequence beyond the longest"
      )
      assert.isTrue(
        leaves(() => model.prefillMs(64, 4096, 0)),
        "more rows than the largest product"
      )
      assert.isTrue(
        leaves(() => model.decodeMs(512, 40_000)),
        "batch beyond those measured at this length"
      )
      assert.isFalse(leaves(() => model.decodeMs(8, 1000)))
      assert.isTrue(
        leaves(() => model.decodeMs(512, 40_000)),
        "again, from kept prices"
      )
    })
  )
})

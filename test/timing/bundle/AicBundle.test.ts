import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { readFileSync } from "node:fs"
import { withSizedPool } from "../../../src/timing/aic/KvCapacity.ts"
import * as AicTiming from "../../../src/timing/aic/AicTiming.ts"
import { type AicBundleFile, loadAicBundle, parseAicBundle } from "../../../src/timing/bundle/AicBundle.ts"
import { aicBundleJsonSchema } from "../../../src/timing/bundle/AicBundleSchema.ts"
import { Timing } from "../../../src/timing/Timing.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import { aicArgs, argsOf, readGolden, type RecordedSamples } from "../aic/Recorded.ts"

/** A backend whose tables are not shipped. */
const content = readGolden<AicBundleFile>("bundle_qwen3_32b_h200_trtllm_tp2.json.gz")
const samples = readGolden<RecordedSamples>("samples_x_qwen3_32b_h200_trtllm_tp2.json.gz")
const bundle = parseAicBundle("b.json", JSON.stringify(content))

const parseProblem = (changes: Readonly<Record<string, unknown>>) =>
  Effect.map(Effect.flip(parseAicBundle("b.json", JSON.stringify({ ...content, ...changes }))), ({ message }) => message)

describe("AicBundle", () => {
  it.effect("times and sizes what is not shipped, exactly", () =>
    Effect.gen(function*() {
      const bundles = [yield* bundle]
      const args = argsOf(samples.config)
      const timing = yield* Effect.provide(Timing, AicTiming.layer(args, bundles))
      const model = timing.make()
      for (const [batch, newTokens, prefix, ms] of samples.prefill) {
        assert.approximately(model.prefillMs(batch, newTokens + prefix, prefix), ms, 1e-12 * ms)
      }
      for (const [batch, context, ms] of samples.decode) {
        assert.approximately(model.decodeMs(batch, 0, context, 1), ms, 1e-12 * ms)
      }
      assert.include(timing.source, "AIC bundle b.json")
      const sized = yield* withSizedPool(engineArgs({ blockTokens: 32, aic: { ...args, sizesKvPool: true } }), bundles)
      assert.strictEqual(sized.numGpuBlocks, 24386)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("is used by arguments that agree with it; others get the shipped data, or hear what differs", () =>
    Effect.gen(function*() {
      const bundles = [yield* bundle]
      const sourceOf = (changes: Partial<Parameters<typeof aicArgs>[0]>) =>
        Effect.map(Effect.provide(Timing, AicTiming.layer(aicArgs(changes), bundles)), ({ source }) => source)
      assert.include(yield* sourceOf({ backend: "trtllm", modelPath: undefined, tpSize: 2 }), "AIC bundle")
      assert.include(yield* sourceOf({ gemmDtype: "BFloat16 ", backend: "trtllm", modelPath: "Qwen/Qwen3-32B", tpSize: 2 }), "AIC bundle")
      assert.include(yield* sourceOf({ modelPath: "Qwen/Qwen3-32B", tpSize: 2 }), "h200_sxm vllm 0.19.0")
      const error = yield* Effect.flip(sourceOf({ backend: "trtllm", modelPath: "Qwen/Qwen3-32B", tpSize: 4 }))
      assert.include(error.message, "no bundle fits: b.json: aic_tp_size is 4, the bundle's is 2")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("does not mind the order of its rows and columns", () =>
    Effect.gen(function*() {
      const shuffled = Object.fromEntries(
        Object.entries(content.tables).map(([name, { columns, latencyMs }]) => [name, {
          columns: Object.fromEntries(Object.entries(columns).toReversed().map(([key, values]) => [key, values.toReversed()])),
          latencyMs: latencyMs.toReversed()
        }])
      )
      const bundles = [yield* parseAicBundle("s.json", JSON.stringify({ ...content, tables: shuffled }))]
      const model = (yield* Effect.provide(Timing, AicTiming.layer(argsOf(samples.config), bundles))).make()
      const [batch, newTokens, prefix, ms] = samples.prefill[200]!
      assert.approximately(model.prefillMs(batch, newTokens + prefix, prefix), ms, 1e-12 * ms)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("is checked when it is read", () =>
    Effect.gen(function*() {
      assert.include(yield* parseProblem({ version: 2 }), "version")
      assert.include(yield* parseProblem({ extra: 1 }), "extra")
      assert.include(yield* parseProblem({ contextOps: [{ op: "mla", name: "x", count: 1 }] }), "contextOps")
      assert.include(yield* parseProblem({ tables: { "mla/fp8": { columns: {}, latencyMs: [] } } }), "unknown section 'mla/fp8'")
      const short = { columns: { gpus: [2], elements: [1, 2] }, latencyMs: [1, 2] }
      assert.include(yield* parseProblem({ tables: { all_reduce: short } }), "column 'gpus' is missing or not as long")
      for (const latency of [1e308, -1]) {
        const far = { columns: { gpus: [2, 2], elements: [1, 2] }, latencyMs: [1, latency] }
        const message = yield* parseProblem({ tables: { all_reduce: far } })
        assert.match(message, /between 0 and 1000000000.*tables.*all_reduce.*latencyMs.*\[1\]/s)
      }
      const slow = { ...content.system, memBandwidthBytesPerS: 1e-300 }
      assert.include(yield* parseProblem({ system: slow }), "memBandwidthBytesPerS")
      assert.include(yield* parseProblem({ contextOps: [{ ...content.contextOps[0], count: 1e308 }] }), "count")
      const error = yield* Effect.flip(parseAicBundle("b.json", "{"))
      assert.include(error.message, "b.json")
    }))

  it.effect("names the table that an operation misses, when the timing is built", () =>
    Effect.gen(function*() {
      const { "gemm/bfloat16": _, ...tables } = content.tables
      const bundles = [yield* parseAicBundle("b.json", JSON.stringify({ ...content, tables }))]
      const error = yield* Effect.flip(Effect.provide(Timing, AicTiming.layer(argsOf(samples.config), bundles)))
      assert.include(error.message, "b.json: no performance data for 'gemm/bfloat16'")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("is read from a file", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      yield* fs.writeFileString(file, JSON.stringify(content))
      assert.strictEqual((yield* loadAicBundle(file)).file, file)
      const missing = yield* Effect.flip(loadAicBundle(`${file}.not`))
      assert.include(missing.message, `${file}.not`)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it("has the published JSON Schema", () => {
    const published = readFileSync(new URL("../../../data/schema/aic-bundle.schema.json", import.meta.url), "utf8")
    assert.deepStrictEqual(JSON.parse(published), JSON.parse(JSON.stringify(aicBundleJsonSchema())))
  })
})

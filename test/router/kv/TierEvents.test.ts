/** A KV router that learns what lies in tiers below the devices. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EngineArgs } from "../../../src/engine/EngineArgs.ts"
import * as SglangEngine from "../../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../../src/engine/vllm/VllmEngine.ts"
import { defaultKvRouterOptions, type KvRouterOptions } from "../../../src/router/kv/KvRouterOptions.ts"
import * as KvRouter from "../../../src/router/kv/KvRouter.ts"
import { TierIndex } from "../../../src/router/kv/TierIndex.ts"
import * as Topology from "../../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../../support/PlainWorkload.ts"
import { replay } from "../../support/Replays.ts"
import { row } from "../../support/RequestBuilder.ts"

const prompt = Int32Array.of(8, 9, 10, 11, 12)

describe("what tiers are worth to a prompt", () => {
  const index = new TierIndex({ host: 0.75, disk: 0.25 })
  const [first, second] = [index.sinks(0), index.sinks(1)]
  first.host.stored(9, 1)
  first.host.stored(10, 1)
  first.disk.stored(11, 1)
  second.sharedDisk.stored(8, 1)

  it("counts from host memory, then from disk, as far as they go", () => {
    assert.strictEqual(index.credit(0, prompt, 1, 5), 2 * 0.75 + 0.25)
    assert.strictEqual(index.credit(0, prompt, 2, 3), 0.75)
    assert.strictEqual(index.credit(1, prompt, 1, 5), 0)
  })

  it("counts a shared disk for everybody", () => {
    assert.strictEqual(index.credit(0, prompt, 0, 5), 0.25)
    assert.strictEqual(index.credit(1, prompt, 0, 5), 0.25)
  })

  it("forgets what has gone, and who has left", () => {
    const marked: Array<number> = []
    first.host.removed(10, 1)
    assert.strictEqual(index.credit(0, prompt, 1, 5), 0.75)
    index.remove(0)
    assert.strictEqual(index.credit(0, prompt, 1, 5), 0)
    index.markBlocks((block) => void marked.push(block))
    assert.deepStrictEqual(marked, [8])
  })
})

/** Two workers that take turns, so that B is on the second; by the time it comes again its device has forgotten it. */
const rows = ["A", "B", "C", "D", "E", "F", "B"].map((letter, index) => {
  const first = letter.charCodeAt(0) * 100
  const hashIds = Array.from({ length: 8 }, (_, block) => first + block)
  const timestampMs = Math.floor(index / 2) * 1000 + (index % 2)
  return row({ timestampMs, promptTokens: 512, outputTokens: 2, hashIds }, index + 1)
})

const lastOf = (args: EngineArgs, options: Partial<KvRouterOptions>) =>
  Effect.gen(function* () {
    const layerOf = args.engineType === "sglang" ? SglangEngine.layer : VllmEngine.layer
    const engine = layerOf(args).pipe(Layer.provide(PolynomialTiming.layer))
    const router = KvRouter.layer({ ...defaultKvRouterOptions, tieBreak: "lowest", ...options })
    const topology = Topology.layerMulti({ workers: 2 }).pipe(Layer.provide(Layer.merge(engine, router)))
    const { records } = yield* replay(topology, PlainWorkload.layer({ rows, traceBlockTokens: 64 }), { check: true })
    return records.toSorted((a, b) => a.id - b.id).at(-1)!
  })

describe("a KV router with tier events", () => {
  for (const [engineType, offloadPolicy] of [
    ["vllm", "on_evict"],
    ["vllm", "write_through"],
    ["sglang", "write_through"]
  ] as const) {
    const args = engineArgs({
      engineType,
      blockTokens: 64,
      numGpuBlocks: 12,
      kvBytesPerToken: 131_072,
      numG2Blocks: 100,
      offloadPolicy
    })
    it.effect(`sends a prompt where host memory has it: ${engineType}, ${offloadPolicy}`, () =>
      Effect.gen(function* () {
        const blind = yield* lastOf(args, {})
        assert.deepStrictEqual([blind.workerIndex, blind.firstAdmissionReusedTokens], [0, 0])
        const knowing = yield* lastOf(args, { routerTierEvents: true })
        assert.deepStrictEqual([knowing.workerIndex, knowing.firstAdmissionReusedTokens], [1, 512])
        const indifferent = yield* lastOf(args, { routerTierEvents: true, hostCacheHitWeight: 0 })
        assert.strictEqual(indifferent.workerIndex, 0)
      })
    )
  }

  it.effect("counts what lies on a disk of the worker's own", () =>
    Effect.gen(function* () {
      const args = engineArgs({
        blockTokens: 64,
        numGpuBlocks: 12,
        kvBytesPerToken: 131_072,
        numG2Blocks: 8,
        numG3Blocks: 100,
        offloadPolicy: "write_through",
        g3Scope: "worker"
      })
      const knowing = yield* lastOf(args, { routerTierEvents: true })
      assert.deepStrictEqual([knowing.workerIndex, knowing.tiers?.diskReusedTokens], [1, 512])
      assert.strictEqual((yield* lastOf(args, { routerTierEvents: true, diskCacheHitWeight: 0 })).workerIndex, 0)
    })
  )
})

/** KV tiers online: copies end beside passes, whoever waits for one is woken, and requests fare as offline. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { make } from "../../src/engine/EngineArgs.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { Pcg32 } from "../../src/structures/Pcg32.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { layer as plainWorkload } from "../support/PlainWorkload.ts"
import { row } from "../support/RequestBuilder.ts"
import { aggregated, assertSameRequests, disaggregated, engineOf } from "./OnlineRuns.ts"

const engine = { blockTokens: 64, numGpuBlocks: 40, kvBytesPerToken: 131_072, numG2Blocks: 60 }

const policies = {
  "taken over when evicted": engineArgs({ ...engine, deviceToHostGbS: 0.7, hostToDeviceGbS: 0.9 }),
  "taken over, with a shared disk": engineArgs({ ...engine, numG3Blocks: 200, hostToDiskGbS: 0.4, diskToHostGbS: 0.4 }),
  "written through": engineArgs({
    ...engine,
    offloadPolicy: "write_through",
    offloadLatencyUs: 300,
    deviceToHostGbS: 0.7,
    hostToDeviceGbS: 0.9
  }),
  "written through, to a shared disk": engineArgs({
    ...engine,
    numG2Blocks: 20,
    numG3Blocks: 200,
    offloadPolicy: "write_through",
    hostToDiskGbS: 0.4,
    diskToHostGbS: 0.4
  }),
  "written through by an SGLang style engine, to a shared disk": engineArgs({
    ...engine,
    engineType: "sglang",
    numG2Blocks: 20,
    numG3Blocks: 200,
    offloadPolicy: "write_through",
    deviceToHostGbS: 0.7,
    hostToDeviceGbS: 0.9
  })
}

/** Prompts of up to 16 blocks that share beginnings, more than the devices hold. */
const rows = (gapMs: number) => {
  const random = new Pcg32(7, 11)
  return Array.from({ length: 120 }, (_, index) => {
    const blocks = 1 + random.below(16)
    const family = random.below(6)
    return row(
      {
        timestampMs: index * gapMs,
        promptTokens: blocks * 64,
        outputTokens: 1 + random.below(60),
        hashIds: Array.from({ length: blocks }, (__, block) => family * 100 + block)
      },
      index + 1
    )
  })
}

const workload = (gapMs: number, concurrency?: number) =>
  plainWorkload({ rows: rows(gapMs), traceBlockTokens: 64, concurrency })

describe("online in virtual time, with KV tiers", () => {
  it.effect("serves requests like offline: written through, under a vLLM profile", () =>
    Effect.gen(function* () {
      const args = make({
        ...engine,
        engineProfile: "vllm-0.33",
        deviceToHostGbS: 0.7,
        hostToDeviceGbS: 0.9
      })
      const router = KvRouter.layer(defaultKvRouterOptions)
      const { records } = yield* assertSameRequests(
        aggregated({ engine: engineOf(args), router, workers: 2 }),
        workload(40)
      )
      assert.isTrue(records.some(({ tiers }) => tiers !== null && tiers.hostReusedTokens > 0))
    })
  )

  for (const [name, args] of Object.entries(policies)) {
    it.effect(`serves requests like offline: ${name}`, () =>
      Effect.gen(function* () {
        const router = KvRouter.layer(defaultKvRouterOptions)
        for (const concurrency of [undefined, 9]) {
          const { records } = yield* assertSameRequests(
            aggregated({ engine: engineOf(args), router, workers: 2 }),
            workload(40, concurrency)
          )
          assert.isTrue(
            records.some(({ tiers }) => tiers !== null && tiers.hostReusedTokens + tiers.diskReusedTokens > 0)
          )
        }
      })
    )

    // A tight decode pool: its idle workers wait for copies alone.
    it.effect(`serves requests like offline, disaggregated: ${name}`, () =>
      Effect.gen(function* () {
        const sizes = { prefillWorkers: 1, decodeWorkers: 2 }
        const { records } = yield* assertSameRequests(
          disaggregated(
            { ...args, numGpuBlocks: 60 },
            { ...args, numGpuBlocks: 60, deviceToHostGbS: 0.1 },
            RoundRobin.layer,
            sizes
          ),
          workload(300)
        )
        assert.isTrue(records.every(({ status }) => status === "completed"))
      })
    )
  }
})

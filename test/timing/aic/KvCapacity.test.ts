import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withSizedPool } from "../../../src/timing/aic/KvCapacity.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import { aicArgs, argsOf, breadthFolder, readGolden, type RecordedConfig } from "./Recorded.ts"

interface RecordedCount {
  readonly backend: string
  readonly system: string
  readonly model: string
  readonly tp: number
  readonly block_size: number
  readonly max_num_batched_tokens: number
  readonly gpu_memory_utilization?: number
  readonly mem_fraction_static?: number
  readonly moe_tp_size?: number
  readonly moe_ep_size?: number
  readonly attention_dp_size?: number
  /** Blocks of one attention-DP rank, or the error. */
  readonly blocks: number | string
}

const argsFor = (recorded: RecordedCount) =>
  engineArgs({
    blockTokens: recorded.block_size,
    maxNumBatchedTokens: recorded.max_num_batched_tokens,
    gpuMemoryUtilization: recorded.gpu_memory_utilization,
    memFractionStatic: recorded.mem_fraction_static,
    aic: {
      ...aicArgs({
        backend: recorded.backend,
        system: recorded.system,
        modelPath: recorded.model,
        tpSize: recorded.tp,
        moeTpSize: recorded.moe_tp_size,
        moeEpSize: recorded.moe_ep_size,
        attentionDpSize: recorded.attention_dp_size ?? 1
      }),
      sizesKvPool: true
    }
  })

const recordedCounts = Object.entries(readGolden<Record<string, RecordedCount>>("num_gpu_blocks.json"))

interface BreadthCount extends RecordedConfig {
  readonly block_size: number
  /** Blocks of one attention-DP rank; absent where the model does not fit. */
  readonly blocks?: number
  readonly error?: string
}

const breadthCounts = Object.entries(readGolden<Record<string, BreadthCount>>("num_gpu_blocks.json", breadthFolder))

describe("KV capacity", () => {
  for (const [name, recorded] of recordedCounts) {
    it.effect(`of ${name} is the reference's`, () =>
      Effect.gen(function* () {
        const sized = withSizedPool(argsFor(recorded))
        if (typeof recorded.blocks === "string") {
          const error = yield* Effect.flip(sized)
          const [message] = /no KV budget: [^']*/.exec(recorded.blocks) ?? [""]
          assert.include(error.message, message)
        } else {
          assert.strictEqual((yield* sized).numGpuBlocks, recorded.blocks * (recorded.attention_dp_size ?? 1))
        }
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }

  for (const [name, recorded] of breadthCounts) {
    it.effect(`of ${name} is the reference's`, () =>
      Effect.gen(function* () {
        const aic = { ...argsOf(recorded), sizesKvPool: true }
        const sized = withSizedPool(engineArgs({ aic, blockTokens: recorded.block_size, maxNumBatchedTokens: 8192 }))
        if (recorded.blocks === undefined) {
          assert.include((yield* Effect.flip(sized)).message, recorded.error ?? "")
        } else {
          assert.strictEqual((yield* sized).numGpuBlocks, recorded.blocks * (recorded.attention_dp_size ?? 1))
        }
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }

  it.effect("leaves less for KV where draft tokens are modelled", () =>
    Effect.gen(function* () {
      const [, recorded] = recordedCounts.find(([name]) => name === "llama8b_tp1")!
      const plain = argsFor(recorded)
      const mtp = { acceptRates: [0.8, 0.3], seed: 42n }
      const blocks = (args: typeof plain) => Effect.map(withSizedPool(args), (sized) => sized.numGpuBlocks)
      assert.strictEqual(yield* blocks({ ...plain, mtp }), recorded.blocks)
      const aic = { ...plain.aic!, nextnCost: "modelled" as const }
      // Two more times 2 bytes x 8192 tokens x 32 heads x 128 x 11, in blocks of 64 tokens at 128 KiB.
      assert.strictEqual(yield* blocks({ ...plain, aic, mtp }), Number(recorded.blocks) - 176)
      assert.strictEqual(yield* blocks({ ...plain, aic }), recorded.blocks)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("leaves engines alone that name their block count", () =>
    Effect.gen(function* () {
      const args = engineArgs({ numGpuBlocks: 77, aic: { ...aicArgs(), sizesKvPool: false } })
      assert.strictEqual(yield* withSizedPool(args), args)
      const plain = engineArgs()
      assert.strictEqual(yield* withSizedPool(plain), plain)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("sizes activations for the default token budget where there is none", () =>
    Effect.gen(function* () {
      const recorded = recordedCounts.find(([name]) => name === "llama8b_tp1")![1]
      const sized = yield* withSizedPool({ ...argsFor(recorded), maxNumBatchedTokens: Number.POSITIVE_INFINITY })
      assert.strictEqual(sized.numGpuBlocks, recorded.blocks)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("knows no coefficients for other tensor-parallel sizes", () =>
    Effect.gen(function* () {
      const aic = { ...aicArgs({ modelPath: "Qwen/Qwen2.5-7B", tpSize: 7 }), sizesKvPool: true }
      const error = yield* Effect.flip(withSizedPool(engineArgs({ aic })))
      assert.include(error.message, "tensor-parallel size 7")
      assert.include(error.message, "num_gpu_blocks")
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

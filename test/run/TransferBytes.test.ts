/** How many bytes a KV transfer moves, where only its bandwidth is given. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import { deploy } from "../../src/run/Deployment.ts"
import type { ReplayOptions } from "../../src/run/ReplayOptions.ts"

const setting = (flag: string, args: object): JsonSetting => ({ _tag: "Text", flag, text: JSON.stringify(args) })

const optionsWith = (prefill: object): ReplayOptions =>
  Result.getOrThrow(
    validateReplayOptions({
      traces: ["a.jsonl"],
      prefillEngineArgs: setting("--prefill-engine-args", { worker_type: "prefill", ...prefill }),
      decodeEngineArgs: setting("--decode-engine-args", { worker_type: "decode" })
    })
  )

const model = { aic_backend: "vllm", aic_model_path: "meta-llama/Meta-Llama-3.1-8B" }

const bytesWith = (prefill: object) =>
  Effect.map(deploy(optionsWith(prefill)), ({ pools: [{ engine }] }) => engine.args.kvBytesPerToken).pipe(
    Effect.scoped,
    Effect.provide(NodeServices.layer)
  )

describe("KV transfers", () => {
  it.effect("move the bytes of the model, unless the arguments say how many", () =>
    Effect.gen(function* () {
      // 32 layers, 8 KV heads of 128 elements, keys and values, 2 bytes each.
      const bytes = 32 * 8 * 128 * 2 * 2
      assert.strictEqual(yield* bytesWith({ ...model, kv_transfer_bandwidth: 400 }), bytes)
      assert.strictEqual(yield* bytesWith({ ...model, kv_transfer_bandwidth: 400, aic_tp_size: 2 }), bytes)
      assert.strictEqual(yield* bytesWith({ ...model, kv_transfer_bandwidth: 400, kv_bytes_per_token: 7 }), 7)
      assert.strictEqual(yield* bytesWith(model), undefined)
    })
  )

  it("take no time without a bandwidth, and a notice says so", () => {
    const free = "--prefill-engine-args: KV transfers take no time, because kv_transfer_bandwidth is not given"
    assert.include(optionsWith({}).notices, free)
    assert.include(optionsWith({ kv_bytes_per_token: 1000 }).notices, free)
    assert.notInclude(optionsWith({ kv_bytes_per_token: 1000, kv_transfer_bandwidth: 400 }).notices, free)
  })
})

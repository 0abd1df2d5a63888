/** What is said of a deployment with KV tiers before it runs. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import { deploy } from "../../src/run/Deployment.ts"

const tiers = { kv_bytes_per_token: 131_072, num_g2_blocks: 100 }

const optionsWith = (args: object) =>
  Result.getOrThrow(
    validateReplayOptions({
      traces: ["a.jsonl"],
      extraEngineArgs: { _tag: "Text", flag: "--extra-engine-args", text: JSON.stringify(args) }
    })
  )

const noticesWith = (args: object) =>
  Effect.map(deploy(optionsWith(args)), ({ notices }) => notices).pipe(
    Effect.scoped,
    Effect.provide(NodeServices.layer)
  )

describe("a deployment with KV tiers", () => {
  // 2048 tokens are 268 MB: 19.2 ms at 14 GB/s, 2684 ms at 0.1; computing them takes some 40 ms.
  it.effect("says where loading is slower than computing", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* noticesWith(tiers), [])
      const slow = { ...tiers, bandwidth_g2_to_g1_gbps: 0.1 }
      const [note, ...others] = yield* noticesWith(slow)
      assert.strictEqual(others.length, 0)
      assert.match(note ?? "", /aggregated pool: loading 2048 tokens from host memory takes 2684.4 ms, computing them/)
      assert.deepStrictEqual(yield* noticesWith({ ...slow, onboard: "faster" }), [])
      assert.deepStrictEqual(yield* noticesWith({ bandwidth_g2_to_g1_gbps: 0.1 }), [])
    })
  )

  it("says which of its arguments have no effect", () => {
    const inert = (args: object) => {
      const { deployment } = optionsWith(args)
      return deployment._tag === "Aggregated" ? deployment.engine.inertKeys : []
    }
    assert.deepStrictEqual(inert({ engine_type: "sglang", ...tiers }), ["kv_bytes_per_token", "num_g2_blocks"])
    assert.deepStrictEqual(inert({ ...tiers, offload_latency_us: 10, offload_batch_size: 4 }), ["offload_latency_us"])
    const written = { ...tiers, offload_policy: "write_through", g3_scope: "worker", offload_batch_size: 4 }
    assert.deepStrictEqual(inert(written), ["offload_batch_size"])
  })
})

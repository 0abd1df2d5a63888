/** What is served is checked as what is replayed live, without anything about a replay. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { validateLiveDeployment } from "../../src/config/DeploymentOptions.ts"
import type { GivenOptions } from "../../src/config/GivenOptions.ts"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"

const json = (flag: string, text: string): JsonSetting => ({ _tag: "Text", flag, text })

const accepted: Readonly<Record<string, Omit<GivenOptions, "traces">>> = {
  "the defaults": {},
  "one worker behind a KV router": { numWorkers: 1, routerMode: "kv_router", tieBreak: "lowest", seed: 7 },
  "an engine with a bundle": {
    extraEngineArgs: json("--extra-engine-args", '{"num_gpu_blocks": 99, "aic_bundle": "b.json"}'),
    aicBundle: ["a.json", "b.json"]
  },
  "two pools": {
    prefillEngineArgs: json("--prefill-engine-args", '{"worker_type": "prefill"}'),
    decodeEngineArgs: json("--decode-engine-args", '{"worker_type": "decode"}')
  },
  "settings without effect": { modelName: "m", routerConfig: json("--router-config", "{}"), quiet: true }
}

const refused: Readonly<Record<string, Omit<GivenOptions, "traces">>> = {
  "no worker": { numWorkers: 0 },
  "more workers than there can be": { numWorkers: 1e9 },
  "a negative seed": { seed: -1 },
  "two pools that cannot hand over": {
    prefillEngineArgs: json("--prefill-engine-args", '{"worker_type": "prefill"}'),
    decodeEngineArgs: json("--decode-engine-args", '{"worker_type": "decode", "engine_type": "sglang"}')
  },
  "a prefill worker": { extraEngineArgs: json("--extra-engine-args", '{"worker_type": "prefill"}') },
  "an engine argument out of range": { extraEngineArgs: json("--extra-engine-args", '{"num_gpu_blocks": 0}') },
  "a router setting out of range": {
    routerMode: "kv_router",
    routerConfig: json("--router-config", '{"router_temperature": -1}')
  },
  "an empty model name": { modelName: "" },
  "half an estimate": { routerMode: "kv_router", aicBackend: "vllm" }
}

const live = (given: Omit<GivenOptions, "traces">) => validateLiveDeployment({ traces: [], ...given })
const replayed = (given: Omit<GivenOptions, "traces">) =>
  validateReplayOptions({ traces: ["-"], replayMode: "online", ...given })

describe("validateLiveDeployment", () => {
  for (const [name, given] of Object.entries(accepted)) {
    it(`accepts ${name}, as a live replay does`, () => {
      const { aicBundles, deployment, notices, quiet, routing, seed } = Result.getOrThrow(replayed(given))
      assert.deepStrictEqual(Result.getOrThrow(live(given)), {
        aicBundles,
        deployment,
        notices,
        quiet,
        routing,
        seed
      })
    })
  }

  it("knows that a server may be scaled, where a replay of equal workers is not", () => {
    const given = { extraEngineArgs: json("--extra-engine-args", '{"startup_time": 2}') }
    assert.deepStrictEqual(Result.getOrThrow(live(given)).notices, [])
    assert.deepStrictEqual(Result.getOrThrow(replayed(given)).notices, [
      "--extra-engine-args: startup_time has no effect on this run"
    ])
  })

  for (const [name, given] of Object.entries(refused)) {
    it(`refuses ${name}, in the words of a live replay`, () => {
      const [one, other] = [live(given), replayed(given)]
      assert(Result.isFailure(one) && Result.isFailure(other))
      assert.strictEqual(one.failure.message, other.failure.message)
    })
  }
})

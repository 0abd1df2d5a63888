/** `--engine-profile`: the profile of all engines of a run, unless their arguments name one. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { GivenOptions } from "../../src/config/GivenOptions.ts"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"

const json = (flag: string, text: string): JsonSetting => ({ _tag: "Text", flag, text })
const extra = (text: string): JsonSetting => json("--extra-engine-args", text)

const engineOf = (given: Omit<GivenOptions, "traces">) => {
  const { deployment } = Result.getOrThrow(validateReplayOptions({ traces: ["t.jsonl"], ...given }))
  if (deployment._tag !== "Aggregated") throw new Error("expected one pool")
  return deployment.engine
}

const problemOf = (given: Omit<GivenOptions, "traces">): string => {
  const result = validateReplayOptions({ traces: ["t.jsonl"], ...given })
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

describe("--engine-profile", () => {
  it("is the reference's unless given", () => assert.strictEqual(engineOf({}).engineProfile, "dynamo-1.3.1"))

  it("holds with and without engine arguments", () => {
    assert.deepInclude(engineOf({ engineProfile: "vllm-0.33" }), { engineProfile: "vllm-0.33", blockTokens: 16 })
    assert.deepInclude(engineOf({ engineProfile: "vllm-0.33", extraEngineArgs: extra('{"max_num_seqs": 7}') }), {
      engineProfile: "vllm-0.33",
      maxNumSeqs: 7
    })
    const named = extra('{"engine_profile": "vllm-0.17"}')
    assert.strictEqual(engineOf({ extraEngineArgs: named }).engineProfile, "vllm-0.17")
    assert.strictEqual(engineOf({ engineProfile: "vllm-0.17", extraEngineArgs: named }).engineProfile, "vllm-0.17")
  })

  it("must not contradict the arguments", () => {
    assert.match(
      problemOf({ engineProfile: "vllm-0.33", extraEngineArgs: extra('{"engine_profile": "vllm-0.17"}') }),
      /^--engine-profile: contradicts engine_profile vllm-0\.17/
    )
  })

  it("does not cover disaggregated runs under vLLM's rules", () => {
    assert.match(
      problemOf({
        engineProfile: "vllm-0.33",
        prefillEngineArgs: json("--prefill-engine-args", '{"worker_type": "prefill"}'),
        decodeEngineArgs: json("--decode-engine-args", '{"worker_type": "decode"}')
      }),
      /^--prefill-engine-args: worker_type: engine_profile vllm-0\.33 covers aggregated workers only/
    )
  })
})

/** When a router hears of blocks: of most at the decision, of what a delivery registers at the end of the pass. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { make } from "../../../src/engine/EngineArgs.ts"
import { TokenGaps } from "../../../src/engine/TokenGaps.ts"
import { schedulerSettingsOf } from "../../../src/engine/vllm-v1/SchedulerArgs.ts"
import { schedulerRules } from "../../../src/engine/vllm-v1/SchedulerRules.ts"
import { VllmV1Worker } from "../../../src/engine/vllm-v1/VllmV1Worker.ts"
import { polynomialModel } from "../../../src/timing/PolynomialTiming.ts"
import { blocksFrom, request } from "../../support/RequestBuilder.ts"
import { drain } from "../vllm/Spawn.ts"

const announced = (asyncScheduling: boolean) => {
  const args = make({
    engineProfile: "vllm-0.33",
    blockTokens: 4,
    numGpuBlocks: 8,
    maxNumSeqs: 4,
    vllmScheduler: { asyncScheduling }
  })
  const settings = Result.getOrThrow(schedulerSettingsOf(args, args.vllmScheduler!))
  const events: Array<string> = []
  const sink = (moment: string) => ({
    stored: (block: number) => void events.push(`${moment} +${block}`),
    removed: (block: number) => void events.push(`${moment} -${block}`)
  })
  const worker = new VllmV1Worker(args, settings, schedulerRules["vllm-0.33"], polynomialModel, {
    workerIndex: 0,
    gaps: new TokenGaps(),
    kvEvents: sink("decided"),
    kvEventsAtPassEnd: sink("delivered")
  })
  // 4 prompt tokens and 5 planned ones: blocks 10 and 11, the second of which the last but one token fills.
  worker.submit(request({ id: 0, promptTokens: 4, outputTokens: 5, blocks: blocksFrom(10, 2) }))
  const endMs = drain(worker, 0).at(-1)!
  // Evicts everything.
  worker.submit(request({ id: 1, promptTokens: 31, outputTokens: 1, blocks: blocksFrom(20, 7) }))
  drain(worker, endMs)
  return events
}

const prompt = Array.from({ length: 7 }, (_, block) => `decided +${20 + block}`)

describe("KV events of a vLLM profile", () => {
  it("come with the decision where scheduling waits for outputs", () =>
    assert.deepStrictEqual(announced(false), ["decided +10", "decided +11", "decided -11", "decided -10", ...prompt]))

  it("come at the end of the pass where a delivery registers the block", () =>
    assert.deepStrictEqual(announced(true), ["decided +10", "delivered +11", "decided -11", "decided -10", ...prompt]))
})

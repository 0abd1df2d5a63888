/** Rules of the vLLM-style decode worker that no other worker has. */
import { assert, describe, it } from "@effect/vitest"
import { preemptive } from "../../../src/engine/vllm/CapacityPolicy.ts"
import { VllmDecodeWorker } from "../../../src/engine/vllm/VllmDecodeWorker.ts"
import { TokenGaps } from "../../../src/engine/TokenGaps.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import { blocksFrom, request } from "../../support/RequestBuilder.ts"
import { drain } from "./Spawn.ts"

describe("VllmDecodeWorker", () => {
  // 8 blocks of 4 tokens and one seat. The first request grows from 4 blocks to 5 and finds no sixth: the KV of the other, which waits for
  // the seat, is there already and takes 3. It preempts itself, and finds its own blocks cached, for ever.
  it("lets those go first whose KV is in the way of somebody who preempts itself without end", () => {
    const args = engineArgs({ blockTokens: 4, numGpuBlocks: 8, maxNumSeqs: 1, workerType: "decode" })
    const timing = { prefillMs: () => 0, decodeMs: () => 10 }
    const worker = new VllmDecodeWorker(args, preemptive(args), timing, {
      workerIndex: 0,
      gaps: new TokenGaps(),
      kvEvents: undefined
    })
    const prompts = [16, 12].map((promptTokens, id) =>
      request({ id, promptTokens, outputTokens: 8, blocks: blocksFrom(100 * id, promptTokens / 4) })
    )
    for (const each of prompts) {
      assert.isTrue(worker.requestDestination(each))
      assert.strictEqual(worker.tryReserve(), each)
      worker.activate(each)
    }
    drain(worker, 0)
    assert.deepStrictEqual(
      prompts.map(({ emittedTokens }) => emittedTokens),
      [8, 8]
    )
    worker.checkInvariants()
  })
})

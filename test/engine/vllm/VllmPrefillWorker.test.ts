/** Rules of the vLLM-style prefill worker that no other worker has. */
import { assert, describe, it } from "@effect/vitest"
import { preemptive } from "../../../src/engine/vllm/CapacityPolicy.ts"
import { VllmPrefillWorker } from "../../../src/engine/vllm/VllmPrefillWorker.ts"
import { TokenGaps } from "../../../src/engine/TokenGaps.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import { blocksFrom, request } from "../../support/RequestBuilder.ts"
import { drain } from "./Spawn.ts"

describe("VllmPrefillWorker", () => {
  // 8 blocks of 4 tokens. The first prompt's KV, and that of its hidden token, is held until it has been sent; the second has room for its
  // prompt, but not for its token, and preempts itself: in passes that take no time nothing would ever be sent.
  it("rests until KV has been sent that is in the way of somebody who preempts itself without end", () => {
    const args = engineArgs({ blockTokens: 4, numGpuBlocks: 8, workerType: "prefill" })
    const timing = { prefillMs: () => 0, decodeMs: () => 0 }
    const worker = new VllmPrefillWorker(args, preemptive(args), timing, {
      workerIndex: 0,
      gaps: new TokenGaps(),
      kvEvents: undefined
    })
    const [first, second] = [12, 16].map((promptTokens, id) =>
      request({ id, promptTokens, outputTokens: 8, blocks: blocksFrom(100 * id, promptTokens / 4) })
    )
    worker.submit(first!)
    drain(worker, 0)
    worker.submit(second!)
    let progressed = true
    for (let passes = 0; passes < 20_000 && progressed; passes++) ({ progressed } = worker.pass(0))
    assert.isFalse(progressed)
    assert.strictEqual(worker.inFlight, 1)
    worker.releaseSource(first!)
    drain(worker, 0)
    worker.checkInvariants()
  })
})

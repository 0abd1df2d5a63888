/** Rules of the vLLM-style decode worker that no other worker has. */
import { assert, describe, it } from "@effect/vitest"
import { preemptive } from "../../../src/engine/vllm/CapacityPolicy.ts"
import { VllmDecodeWorker } from "../../../src/engine/vllm/VllmDecodeWorker.ts"
import { TokenGaps } from "../../../src/engine/TokenGaps.ts"
import type { SimRequest } from "../../../src/request/SimRequest.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import { blocksFrom, request } from "../../support/RequestBuilder.ts"
import { drain } from "./Spawn.ts"

const blockTokens = 4

/** Tokens take 10 ms, everything else takes none. */
const spawned = (numGpuBlocks: number, maxNumSeqs: number): VllmDecodeWorker => {
  const args = engineArgs({ blockTokens, numGpuBlocks, maxNumSeqs, workerType: "decode" })
  const timing = { prefillMs: () => 0, decodeMs: () => 10 }
  return new VllmDecodeWorker(args, preemptive(args), timing, {
    workerIndex: 0,
    gaps: new TokenGaps(),
    kvEvents: undefined
  })
}

/** Requests of their own content, 8 output tokens each. */
const requestsOf = (...promptTokens: ReadonlyArray<number>): ReadonlyArray<SimRequest> =>
  promptTokens.map((tokens, id) =>
    request({ id, promptTokens: tokens, outputTokens: 8, blocks: blocksFrom(100 * id, tokens / blockTokens) })
  )

const reserve = (worker: VllmDecodeWorker, wanted: SimRequest): void => {
  assert.isTrue(worker.requestDestination(wanted))
  assert.strictEqual(worker.tryReserve(), wanted)
}

/** Passes, with a try for a reservation behind each, until one does nothing; returns when that is. */
const passUntilIdle = (worker: VllmDecodeWorker, startMs: number): number => {
  for (let nowMs = startMs; ;) {
    const { endMs, progressed } = worker.pass(nowMs)
    worker.checkInvariants()
    if (endMs === nowMs && !progressed) return nowMs
    nowMs = endMs
    worker.tryReserve()
  }
}

const assertAllDone = (worker: VllmDecodeWorker, requests: ReadonlyArray<SimRequest>): void => {
  assert.deepStrictEqual(
    requests.map(({ emittedTokens }) => emittedTokens),
    requests.map(() => 8)
  )
  worker.checkInvariants()
}

describe("VllmDecodeWorker", () => {
  // 8 blocks of 4 tokens and one seat. The first request grows from 4 blocks to 5 and finds no sixth: the KV of the other, which waits for
  // the seat, is there already and takes 3. It preempts itself, and finds its own blocks cached, for ever.
  it("lets those go first whose KV is in the way of somebody who preempts itself without end", () => {
    const worker = spawned(8, 1)
    const requests = requestsOf(16, 12)
    for (const each of requests) {
      reserve(worker, each)
      worker.activate(each)
    }
    drain(worker, 0)
    assertAllDone(worker, requests)
  })

  // The same, but the KV of the other is still on its way: in passes that take no time it would never come.
  for (const arrives of [true, false]) {
    it(`rests until those have come, or given up, whose KV is in its way: ${arrives ? "come" : "given up"}`, () => {
      const worker = spawned(8, 1)
      const [first, second] = requestsOf(16, 12)
      reserve(worker, first!)
      worker.activate(first!)
      reserve(worker, second!)
      const restsAtMs = passUntilIdle(worker, 0)
      assert.strictEqual(worker.inFlight, 1)
      if (arrives) worker.activate(second!)
      else assert.isTrue(worker.abort(second!))
      drain(worker, restsAtMs)
      assertAllDone(worker, arrives ? [first!, second!] : [first!])
    })
  }

  // The third wants 6 of the 8 blocks and gets them when the first has ended. The second, preempted by then, needs 4 to come back.
  it("lets those go first whose KV is in the way of somebody who waits, once nothing else happens any more", () => {
    const worker = spawned(8, 5)
    const requests = requestsOf(16, 8, 24)
    const [first, second, third] = requests
    for (const each of [first!, second!]) {
      reserve(worker, each)
      worker.activate(each)
    }
    assert.isTrue(worker.requestDestination(third!))
    assert.isUndefined(worker.tryReserve())
    const reservedMs = passUntilIdle(worker, 0)
    worker.activate(third!)
    assert.strictEqual(passUntilIdle(worker, reservedMs), reservedMs)
    assert.strictEqual(worker.inFlight, 2)
    assert.isTrue(worker.unlock())
    assert.isFalse(worker.unlock())
    drain(worker, reservedMs)
    assertAllDone(worker, requests)
  })
})

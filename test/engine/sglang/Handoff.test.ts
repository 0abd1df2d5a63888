/** Prefill and decode workers of a disaggregated deployment. */
import { assert, describe, it } from "@effect/vitest"
import type { HandoffStamps, SimRequest } from "../../../src/request/SimRequest.ts"
import { blocksFrom, request } from "../../support/RequestBuilder.ts"
import { signals } from "../vllm/Spawn.ts"
import { spawnDestination, spawnSource } from "./Spawn.ts"

const stamps = (): HandoffStamps => ({
  prefillWorkerIndex: 0,
  prefillAdmitMs: Number.NaN,
  sourceHeldMs: Number.NaN,
  destinationReservedMs: Number.NaN,
  destinationActivatedMs: Number.NaN,
  decodeAdmitMs: Number.NaN,
  sourceReleasedMs: Number.NaN,
  prefillReusedTokens: 0,
  decodeReusedTokens: 0,
  prefillRouteOverlapTokens: 0,
  decodeRouteOverlapTokens: 0
})

const prompt = (id: number, promptTokens: number, outputTokens: number, firstBlock = 1000 * id): SimRequest => {
  const made = request({ id, promptTokens, outputTokens, blocks: blocksFrom(firstBlock, Math.floor(promptTokens / 4)) })
  made.handoff = stamps()
  return made
}

describe("SglangPrefillWorker", () => {
  it("computes one hidden token and holds the prompt until it is released", () => {
    const { announced, gaps, worker } = spawnSource({})
    const first = prompt(1, 10, 50)
    worker.submit(first)
    const outcome = worker.pass(0)
    assert.strictEqual(outcome.endMs, 20)
    assert.deepStrictEqual(signals(outcome), ["1 completed"])
    assert.isNaN(first.firstTokenMs)
    assert.strictEqual(first.emittedTokens, 0)
    assert.strictEqual(gaps.length, 0)
    assert.strictEqual(first.handoff?.prefillAdmitMs, 0)
    assert.deepStrictEqual([worker.inFlight, worker.snapshot().availableBlocks], [0, 13])
    assert.deepStrictEqual(worker.requests(), [first])
    worker.checkInvariants()
    worker.releaseSource(first)
    worker.checkInvariants()
    assert.deepStrictEqual([worker.snapshot().activeBlocks, worker.snapshot().availableBlocks], [0, 16])
    assert.deepStrictEqual(announced, ["+1000", "+1001"])
    const again = prompt(2, 10, 50, 1000)
    worker.submit(again)
    worker.pass(20)
    assert.strictEqual(again.handoff?.prefillReusedTokens, 8)
  })
})

describe("SglangDecodeWorker", () => {
  // 16 pages of 4 tokens. The waiting request holds 40 of 64 slots after its first chunk, and 32 are wanted for the other.
  it("takes back chunks of those who wait where a reservation is refused and nobody is served", () => {
    const { worker } = spawnDestination({ sglang: { chunkedPrefillTokens: 40 } })
    const [chunked, arriving] = [prompt(1, 60, 2), prompt(2, 30, 2)]
    worker.submit(chunked)
    worker.pass(0)
    assert.isTrue(worker.requestDestination(arriving))
    assert.isUndefined(worker.tryReserve())
    assert.isTrue(worker.pass(50).progressed)
    assert.strictEqual(worker.tryReserve(), arriving)
    worker.checkInvariants()
  })

  /** Brings a request to the point where it waits for a seat. */
  const activated = (worker: ReturnType<typeof spawnDestination>["worker"], made: SimRequest): void => {
    assert.isTrue(worker.requestDestination(made))
    assert.strictEqual(worker.tryReserve(), made)
    worker.activate(made)
  }

  it("refuses a request that is larger than its pool, and only that", () => {
    const { worker } = spawnDestination({})
    assert.isFalse(worker.requestDestination(prompt(1, 65, 1)))
    assert.isFalse(worker.requestDestination(prompt(2, 64, 1)))
    assert.isFalse(worker.requestDestination(prompt(3, 60, 5)))
    assert.isTrue(worker.requestDestination(prompt(4, 63, 1)))
  })

  it("gives up a reservation, or the wish for one, of a request that is aborted", () => {
    const { worker } = spawnDestination({})
    activated(worker, prompt(1, 16, 1, 0))
    worker.pass(0)
    const [first, second, third] = [prompt(2, 42, 1, 0), prompt(3, 40, 1), prompt(4, 40, 1)]
    for (const each of [first, second, third]) worker.requestDestination(each)
    assert.strictEqual(worker.tryReserve(), first)
    assert.isUndefined(worker.tryReserve())
    assert.isTrue(worker.abort(first))
    assert.isTrue(worker.abort(second))
    assert.isFalse(worker.abort(second))
    worker.checkInvariants()
    assert.strictEqual(worker.tryReserve(), third)
    assert.isTrue(worker.abort(third))
    worker.checkInvariants()
    assert.strictEqual(worker.snapshot().activeBlocks, 0)
  })

  it("has lost slots again when a reservation finds too few and nobody holds any", () => {
    const { worker } = spawnDestination({})
    activated(worker, prompt(1, 16, 2, 0))
    worker.pass(0)
    worker.pass(10)
    // Both compute the cached pages anew, and what is thrown out of them never comes back.
    const waiting = [prompt(2, 20, 24, 0), prompt(3, 20, 24, 0)]
    for (const each of waiting) activated(worker, each)
    let nowMs = 20
    while (worker.inFlight > 0) nowMs = worker.pass(nowMs).endMs
    const large = prompt(9, 62, 1)
    assert.isTrue(worker.requestDestination(large))
    assert.strictEqual(worker.tryReserve(), large)
    worker.checkInvariants()
  })

  it("decodes all tokens itself, from the pass after the activation, without prefill time", () => {
    const { worker } = spawnDestination({})
    const made = prompt(1, 10, 2)
    activated(worker, made)
    assert.deepStrictEqual([worker.inFlight, worker.queued], [1, 1])
    assert.strictEqual(worker.pass(5).endMs, 15)
    assert.deepStrictEqual(signals(worker.pass(15)), ["1 completed"])
    assert.deepStrictEqual(
      [made.firstTokenMs, made.lastTokenMs, made.handoff?.decodeAdmitMs, made.reusedTokens],
      [15, 25, 5, 0]
    )
    worker.checkInvariants()
    assert.strictEqual(worker.snapshot().activeBlocks, 0)
  })

  it("reserves one request at a time and whole pages, without what is cached", () => {
    const { worker } = spawnDestination({})
    activated(worker, prompt(1, 16, 1, 0))
    worker.pass(0)
    const [first, second] = [prompt(2, 18, 1, 0), prompt(3, 9, 1)]
    worker.requestDestination(first)
    worker.requestDestination(second)
    assert.strictEqual(worker.tryReserve(), first)
    assert.strictEqual(worker.missingTokens(first), 4)
    assert.strictEqual(worker.missingTokens(second), 0)
    assert.strictEqual(worker.tryReserve(), second)
    assert.strictEqual(worker.missingTokens(second), 12)
    assert.strictEqual(worker.inFlight, 0)
    worker.checkInvariants()
  })

  it("tries a refused request again only when capacity has changed", () => {
    const { worker } = spawnDestination({})
    activated(worker, prompt(1, 41, 3))
    const large = prompt(2, 40, 1)
    worker.requestDestination(large)
    assert.isUndefined(worker.tryReserve())
    worker.pass(0)
    worker.pass(10)
    assert.isUndefined(worker.tryReserve())
    worker.pass(20)
    assert.strictEqual(worker.tryReserve(), large)
  })

  it("lets an activation that returns slots count as a change, and one that returns none not", () => {
    const afterActivation = (promptTokens: number): SimRequest | undefined => {
      const { worker } = spawnDestination({ blockTokens: 16, numGpuBlocks: 5 })
      const first = request({
        id: 1,
        promptTokens,
        outputTokens: 9,
        blocks: blocksFrom(0, Math.floor(promptTokens / 16))
      })
      const second = request({ id: 2, promptTokens: 32, outputTokens: 9, blocks: [77, 78] })
      worker.requestDestination(first)
      worker.tryReserve()
      worker.requestDestination(second)
      assert.isUndefined(worker.tryReserve())
      worker.activate(first)
      return worker.tryReserve()
    }
    // 60 tokens leave 4 slots of the last page; together with nothing else they do not hold a page, but a try is made.
    assert.isUndefined(afterActivation(60))
    assert.isUndefined(afterActivation(64))
  })

  it("keeps its seats for those that were activated, in order", () => {
    const { worker } = spawnDestination({ maxNumSeqs: 1 })
    const [first, second] = [prompt(1, 4, 2), prompt(2, 4, 2)]
    activated(worker, first)
    activated(worker, second)
    worker.pass(0)
    assert.deepStrictEqual([worker.snapshot().running, worker.queued], [1, 1])
    worker.pass(10)
    worker.pass(20)
    assert.strictEqual(second.handoff?.decodeAdmitMs, 20)
  })

  it("rejects, with its tokens, a retracted request that has no room to come back", () => {
    const { worker } = spawnDestination({})
    const [staying, leaving] = [prompt(1, 18, 45), prompt(2, 32, 29)]
    activated(worker, staying)
    worker.pass(0)
    activated(worker, leaving)
    const ended: Array<string> = []
    for (let nowMs = 10; worker.inFlight > 0;) {
      const outcome = worker.pass(nowMs)
      nowMs = outcome.endMs
      ended.push(...signals(outcome).filter((signal) => !signal.endsWith("first token")))
      worker.checkInvariants()
    }
    // Thrown out with 37 tokens: 40 slots in pages and 24 more tokens are not below 64, whoever else is there.
    assert.deepStrictEqual(ended, ["2 rejected", "1 completed"])
    assert.deepStrictEqual([staying.emittedTokens, leaving.emittedTokens], [45, 5])
    assert.strictEqual(worker.snapshot().activeBlocks, 0)
  })

  it("admits retracted requests only while nobody wants a reservation", () => {
    const { worker } = spawnDestination({})
    const [first, second] = [prompt(1, 28, 8), prompt(2, 28, 20)]
    activated(worker, first)
    activated(worker, second)
    let nowMs = 0
    while (worker.snapshot().running === 2 || worker.snapshot().running === 0) nowMs = worker.pass(nowMs).endMs
    assert.strictEqual(worker.queued, 1)
    const wanting = prompt(3, 60, 1)
    worker.requestDestination(wanting)
    while (worker.snapshot().running > 0) nowMs = worker.pass(nowMs).endMs
    assert.isFalse(worker.pass(nowMs).progressed)
    assert.strictEqual(worker.tryReserve(), wanting)
    assert.strictEqual(worker.queued, 1)
  })
})

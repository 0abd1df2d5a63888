/** Passes computed by hand. A prompt has content of its own unless it names the blocks to share. */
import { assert, describe, it } from "@effect/vitest"
import { EngineStalled } from "../../../src/engine/EngineStalled.ts"
import type { SimRequest } from "../../../src/request/SimRequest.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import { blocksFrom, request } from "../../support/RequestBuilder.ts"
import { allGaps, drain, signals, spawn, spawnPolynomial, submitAll } from "./Spawn.ts"
import { markedBlocks } from "../../support/MarkedBlocks.ts"

/** A request over blocks of 4 tokens whose block `j` is `firstBlock + j`. */
const prompt = (id: number, promptTokens: number, outputTokens: number, firstBlock = 1_000 * (id + 1)): SimRequest =>
  request({ id, promptTokens, outputTokens, blocks: blocksFrom(firstBlock, Math.floor(promptTokens / 4)) })

/** The same over blocks of 2 tokens. */
const prompt2 = (id: number, promptTokens: number, outputTokens: number): SimRequest =>
  request({ id, promptTokens, outputTokens, blocks: blocksFrom(1_000 * (id + 1), Math.floor(promptTokens / 2)) })

/**
 * Request 0 decodes, 1 is in the middle of its prefill, 2 was admitted for nothing (cached) when the budget was used up.
 * The next chunk of 1 finds one block too few.
 */
const crowded = (preemptionMode: "lifo" | "fifo") => {
  const on = spawn({ blockTokens: 4, numGpuBlocks: 7, maxNumBatchedTokens: 13, preemptionMode })
  const requests = [prompt(0, 4, 8, 10), prompt(1, 18, 2), prompt(2, 4, 8, 10)]
  on.worker.submit(requests[0]!)
  on.worker.pass(0)
  submitAll(on.worker, requests[1]!, requests[2]!)
  assert.deepStrictEqual(signals(on.worker.pass(100)), ["2 first token"])
  assert.strictEqual(on.worker.snapshot().activeBlocks, 6)
  return { ...on, requests }
}

const tiny = { blockTokens: 4, numGpuBlocks: 100 } as const

describe("one request", () => {
  it("prefills, emits its first token in the same pass, then one token per pass", () => {
    const { decodes, gaps, prefills, worker } = spawn(tiny)
    const subject = prompt(0, 10, 3)
    worker.submit(subject)
    const first = worker.pass(100)
    assert.strictEqual(first.endMs, 100 + 10 + 10)
    assert.isTrue(first.progressed)
    assert.deepStrictEqual(signals(first), ["0 first token"])
    assert.deepStrictEqual(signals(worker.pass(120)), [])
    const last = worker.pass(130)
    assert.deepStrictEqual(signals(last), ["0 completed"])
    assert.strictEqual(worker.inFlight, 0)
    assert.deepStrictEqual(prefills, [{ batch: 1, meanIsl: 10, meanPrefix: 0 }])
    // 3 blocks of prompt; the last of them takes tokens 11 and 12, so the third step sees the same.
    assert.deepStrictEqual(
      decodes.map(({ activeTokens, context }) => [activeTokens, context]),
      [
        [12, 10],
        [12, 11],
        [12, 12]
      ]
    )
    assert.deepStrictEqual(
      [subject.firstAdmitMs, subject.firstTokenMs, subject.secondTokenMs, subject.lastTokenMs, subject.emittedTokens],
      [100, 120, 130, 140, 3]
    )
    assert.deepStrictEqual(allGaps(gaps), [10, 10])
  })

  it("makes progress with chunks that take no time", () => {
    const { worker } = spawn({ maxNumBatchedTokens: 16, speedupRatio: 1e12 })
    worker.submit(request({ promptTokens: 64, outputTokens: 1, blocks: blocksFrom(0, 1) }))
    const passes = Array.from({ length: 3 }, () => ({ ...worker.pass(5) }))
    assert.deepStrictEqual(
      passes.map(({ endMs, progressed }) => [endMs, progressed]),
      [
        [5, true],
        [5, true],
        [5, true]
      ]
    )
    const third = worker.pass(5)
    assert.deepStrictEqual([third.endMs, third.progressed, signals(third)], [5, true, ["0 completed"]])
  })

  it("takes the default model's time", () => {
    const { worker } = spawnPolynomial({})
    const subject = request({ promptTokens: 1_000, outputTokens: 2, blocks: blocksFrom(0, 15) })
    worker.submit(subject)
    // 32.1058589 ms of prefill, quantised; then a decode step with 16 of 16,384 blocks in use: 5.74 + 54.01 p - 25.74 p^2.
    const share = 16 / 16_384
    const decode = Math.round((5.74 + 54.01 * share - 25.74 * share * share) * 1e6) / 1e6
    assert.approximately(worker.pass(0).endMs, 32.105859 + decode, 1e-9)
  })

  it("needs only a decode step when its prompt is cached whole", () => {
    const { worker } = spawnPolynomial({})
    const prompts = [0, 1].map((id) => request({ id, promptTokens: 960, outputTokens: 1, blocks: blocksFrom(0, 15) }))
    worker.submit(prompts[0]!)
    worker.pass(0)
    worker.submit(prompts[1]!)
    // 15 of 16,384 blocks: 5.74 + 0.049447632 - 0.000021575 ms
    assert.approximately(worker.pass(1_000).endMs, 1_005.789426, 1e-9)
    assert.strictEqual(prompts[1]!.reusedTokens, 960)
    assert.strictEqual(prompts[1]!.firstAdmissionReusedTokens, 960)
  })

  it("computes only what lies behind the cached prefix", () => {
    const { prefills, worker } = spawn(tiny)
    worker.submit(prompt(0, 8, 1, 50))
    worker.pass(0)
    worker.submit(prompt(1, 14, 1, 50))
    assert.strictEqual(worker.pass(100).endMs, 100 + 6 + 10)
    assert.deepStrictEqual(prefills.at(-1), { batch: 1, meanIsl: 14, meanPrefix: 8 })
  })

  it("scales prefill and decode", () => {
    const { worker } = spawn({ ...tiny, speedupRatio: 2, decodeSpeedupRatio: 5 })
    worker.submit(prompt(0, 10, 1))
    assert.strictEqual(worker.pass(0).endMs, 5 + 1)
  })

  it("speeds up the prefill part alone", () => {
    const { worker } = spawn({ ...tiny, speedupRatio: 2, prefillSpeedupRatio: 2.5 })
    worker.submit(prompt(0, 10, 1))
    assert.strictEqual(worker.pass(0).endMs, 2 + 5)
  })

  it("charges the overhead once per pass that takes time, whatever it computes", () => {
    const { worker } = spawn({ ...tiny, speedupRatio: 2, passOverheadMs: 0.75, maxNumBatchedTokens: 6 })
    worker.submit(prompt(0, 10, 2))
    assert.strictEqual(worker.pass(0).endMs, 0.75 + 3)
    const mixed = worker.pass(10)
    assert.deepStrictEqual([mixed.prefillEndMs, mixed.endMs], [10 + 0.75 + 2, 10 + 0.75 + 2 + 5])
    assert.strictEqual(worker.pass(20).endMs, 20 + 0.75 + 5)
    assert.strictEqual(worker.pass(30).endMs, 30)
  })

  it("takes no decode step as shorter than 1 ms, before scaling", () => {
    const plain = spawn(tiny, 0.25)
    plain.worker.submit(prompt(0, 10, 1))
    assert.strictEqual(plain.worker.pass(0).endMs, 10 + 1)
    const scaled = spawn({ ...tiny, speedupRatio: 4 }, 0.25)
    scaled.worker.submit(prompt(0, 10, 1))
    assert.strictEqual(scaled.worker.pass(0).endMs, 2.5 + 0.25)
  })

  it("does not progress when it has nothing to do", () => {
    const { worker } = spawn(tiny)
    const idle = worker.pass(5)
    assert.deepStrictEqual([idle.endMs, idle.progressed, signals(idle)], [5, false, []])
  })
})

describe("the token budget", () => {
  it("splits a prompt over passes and goes on where it stopped", () => {
    const { prefills, worker } = spawn({ ...tiny, maxNumBatchedTokens: 16 })
    const first = prompt(0, 10, 3)
    const second = prompt(1, 20, 1)
    submitAll(worker, first, second)
    // 10 + 6 tokens: floor(16 / 2) = 8 each. Only the first is ready.
    const one = worker.pass(0)
    assert.deepStrictEqual(prefills, [{ batch: 2, meanIsl: 8, meanPrefix: 0 }])
    assert.deepStrictEqual([one.endMs, signals(one)], [26, ["0 first token"]])
    // 1 decode token, then 14 of the 15 left in the budget.
    const two = worker.pass(26)
    assert.deepStrictEqual(prefills.at(-1), { batch: 1, meanIsl: 20, meanPrefix: 6 })
    assert.deepStrictEqual([two.endMs, signals(two)], [26 + 14 + 10, ["1 completed"]])
    assert.strictEqual(first.secondTokenMs, 50)
  })

  it("divides batch means down, so the time is not that of the tokens scheduled", () => {
    const { decodes, prefills, worker } = spawn(tiny)
    submitAll(worker, prompt(0, 5, 1), prompt(1, 8, 1))
    assert.strictEqual(worker.pass(0).endMs, 12 + 10)
    assert.deepStrictEqual(prefills, [{ batch: 2, meanIsl: 6, meanPrefix: 0 }])
    assert.deepStrictEqual(decodes, [{ batch: 2, activeTokens: 16, context: 6, capacity: 400 }])
  })

  it("holds back a prompt that does not fit when chunked prefill is off", () => {
    const { worker } = spawn({ ...tiny, maxNumBatchedTokens: 16, enableChunkedPrefill: false })
    submitAll(worker, prompt(0, 10, 2), prompt(1, 15, 1), prompt(2, 2, 1))
    // No bypass: the third waits behind the second, although it would fit.
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 first token"])
    assert.deepStrictEqual(signals(worker.pass(20)), ["0 completed", "1 completed"])
    assert.deepStrictEqual(signals(worker.pass(45)), ["2 completed"])
  })

  it("never schedules a prompt beyond the budget when chunked prefill is off", () => {
    const { worker } = spawn({ ...tiny, maxNumBatchedTokens: 16, enableChunkedPrefill: false })
    worker.submit(prompt(0, 17, 2))
    const stuck = worker.pass(0)
    assert.deepStrictEqual([stuck.endMs, stuck.progressed, worker.inFlight], [0, false, 1])
  })

  it("lets an unfinished prefill starve the decodes behind it", () => {
    const { worker } = spawn({ ...tiny, maxNumBatchedTokens: 8 })
    const long = prompt(0, 20, 1)
    const cached = prompt(2, 4, 3, 77)
    worker.submit(prompt(1, 4, 1, 77))
    worker.pass(0)
    submitAll(worker, long, cached)
    // 8 tokens of the long prompt, none left: the cached one needs none and emits its first token.
    assert.deepStrictEqual(signals(worker.pass(100)), ["2 first token"])
    // Its second token would cost one: it has to wait until the long prompt is done.
    assert.deepStrictEqual(signals(worker.pass(200)), [])
    assert.isNaN(cached.secondTokenMs)
    assert.deepStrictEqual(signals(worker.pass(300)), ["0 completed"])
    assert.strictEqual(cached.secondTokenMs, long.firstTokenMs)
  })

  it("admits one request for nothing when the budget is used up, not more", () => {
    const { worker } = spawn({ ...tiny, maxNumBatchedTokens: 8 })
    worker.submit(prompt(0, 4, 1, 77))
    worker.pass(0)
    submitAll(worker, prompt(1, 8, 1), prompt(2, 4, 1, 77), prompt(3, 4, 1, 77))
    assert.deepStrictEqual(signals(worker.pass(100)), ["1 completed", "2 completed"])
    assert.deepStrictEqual(signals(worker.pass(200)), ["3 completed"])
  })

  it("runs at most max_num_seqs requests", () => {
    const { worker } = spawn({ ...tiny, maxNumSeqs: 2 })
    submitAll(worker, prompt(0, 4, 1), prompt(1, 4, 2), prompt(2, 4, 1))
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 completed", "1 first token"])
    assert.deepStrictEqual(signals(worker.pass(50)), ["1 completed", "2 completed"])
  })
})

describe("admission", () => {
  it("asks for room for the whole prompt, though only a chunk is allocated", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 6, maxNumBatchedTokens: 8 })
    submitAll(worker, prompt(0, 5, 2), prompt(1, 20, 1))
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 first token"])
    // The second needs 5 of the 4 blocks left, however small its first chunk.
    assert.deepStrictEqual([worker.snapshot().waiting, worker.snapshot().activeBlocks], [1, 2])
    assert.deepStrictEqual(signals(worker.pass(20)), ["0 completed"])
    worker.pass(30)
    assert.deepStrictEqual([worker.snapshot().running, worker.snapshot().activeBlocks], [1, 2])
  })

  it("counts blocks that running requests hold as there, but not blocks that are merely cached", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 6 })
    worker.submit(prompt(0, 16, 1, 10))
    worker.pass(0)
    // Four blocks cached, none held: the other prompt takes the two free ones and one of those.
    submitAll(worker, prompt(1, 11, 2, 500), prompt(2, 16, 1, 10))
    worker.pass(100)
    assert.deepStrictEqual(
      [worker.snapshot().running, worker.snapshot().waiting, worker.snapshot().activeBlocks],
      [1, 1, 3]
    )
    // Held by a running request they are shared: 4 needed, 3 of them there.
    const other = spawn({ blockTokens: 4, numGpuBlocks: 6 })
    submitAll(other.worker, prompt(0, 15, 2, 10), prompt(1, 16, 1, 10))
    other.worker.pass(0)
    assert.strictEqual(other.worker.snapshot().waiting, 0)
  })

  it("looks again when a shared block is no longer held", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 8 })
    submitAll(worker, prompt(0, 10, 2, 10), prompt(1, 17, 9), prompt(2, 16, 1, 10))
    // 3 and 5 blocks are held. The third request shares two of them and needs two more.
    worker.pass(0)
    assert.deepStrictEqual(signals(worker.pass(100)), ["0 completed"])
    // The two are only cached now: it needs four, three could be had.
    worker.pass(200)
    assert.deepStrictEqual([worker.snapshot().waiting, worker.snapshot().availableBlocks], [1, 3])
  })

  it("rejects what can never fit, after the tokens of the pass, and goes on behind it", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 4 })
    submitAll(worker, prompt(0, 17, 1), prompt(1, 8, 1), prompt(2, 15, 2))
    const pass = worker.pass(0)
    // Request 2 has one token too many for the pool, output included: it could start but never finish.
    assert.deepStrictEqual(signals(pass), ["1 completed", "0 rejected", "2 rejected"])
    assert.isTrue(pass.progressed)
    assert.strictEqual(worker.inFlight, 0)
  })

  it("accepts what just fits with its last token", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 4 })
    const subject = prompt(0, 14, 2)
    worker.submit(subject)
    drain(worker, 0)
    assert.strictEqual(subject.emittedTokens, 2)
  })

  it("rejects although the queue's head would have to wait", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 4 })
    submitAll(worker, prompt(0, 9, 3), prompt(1, 100, 1), prompt(2, 8, 1))
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 first token", "1 rejected"])
    assert.strictEqual(worker.snapshot().waiting, 1)
  })

  it("does not share or reuse anything when prefix caching is off", () => {
    const { worker } = spawn({ ...tiny, enablePrefixCaching: false })
    const prompts = [prompt(0, 8, 2, 10), prompt(1, 8, 2, 10), prompt(2, 8, 2, 10)]
    submitAll(worker, prompts[0]!, prompts[1]!)
    worker.pass(0)
    assert.strictEqual(worker.snapshot().activeBlocks, 6)
    drain(worker, 100)
    worker.submit(prompts[2]!)
    drain(worker, 500)
    assert.deepStrictEqual(
      prompts.map(({ reusedTokens }) => reusedTokens),
      [0, 0, 0]
    )
  })
})

describe("the block of the next token", () => {
  it("opens with the first token behind a full block, the final token included", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 3 })
    // Each prompt fills a block exactly; its only token opens another one, given back before the next request's turn.
    submitAll(worker, prompt(0, 4, 1), prompt(1, 4, 1))
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 completed", "1 completed"])
    assert.strictEqual(worker.snapshot().activeBlocks, 0)
    // With one block less the first takes the second's place.
    const tight = spawn({ blockTokens: 4, numGpuBlocks: 2 })
    submitAll(tight.worker, prompt(0, 4, 1), prompt(1, 4, 1))
    assert.deepStrictEqual(signals(tight.worker.pass(0)), ["0 completed"])
    assert.deepStrictEqual(
      tight.worker.requests().map(({ id }) => id),
      [1]
    )
    assert.deepStrictEqual(signals(tight.worker.pass(18)), ["1 completed"])
  })

  it("is not needed while the last block has room", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 1 })
    const subject = prompt(0, 3, 1)
    worker.submit(subject)
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 completed"])
  })

  it("makes the filled block a full one, cached when the request goes", () => {
    const { removed, stored, worker } = spawn({ blockTokens: 4, numGpuBlocks: 4 })
    // 4 + 6 tokens: blocks of the prompt, of tokens 5 to 8, and one with tokens 9 and 10.
    worker.submit(prompt(0, 4, 6))
    drain(worker, 0)
    assert.deepStrictEqual(stored, [1_000])
    // The generated block is cached, though nobody else can match it: it is the older one, hence evicted first.
    worker.submit(prompt(1, 11, 1))
    drain(worker, 500)
    assert.deepStrictEqual([removed, stored], [[], [1_000, 2_000, 2_001]])
    worker.submit(prompt(2, 7, 1))
    drain(worker, 900)
    assert.deepStrictEqual(removed, [1_000])
  })

  it("shares planned outputs", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 100 })
    // 6 + 7 tokens known in advance: blocks of tokens 1-4, 5-8, 9-12. The last token of all is never cached.
    const planned = request({ id: 0, promptTokens: 6, outputTokens: 7, blocks: [1, 2, 3] })
    worker.submit(planned)
    drain(worker, 0)
    const follower = request({ id: 1, promptTokens: 15, outputTokens: 1, blocks: [1, 2, 3] })
    worker.submit(follower)
    drain(worker, 1_000)
    assert.strictEqual(follower.reusedTokens, 12)
    assert.strictEqual(planned.reusedTokens, 0)
  })

  it("merges equal generations", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 100 })
    const twins = [0, 1].map((id) => request({ id, promptTokens: 6, outputTokens: 9, blocks: [1, 2, 3] }))
    submitAll(worker, ...twins)
    worker.pass(0)
    // Block 1 is shared, each has a private second block.
    assert.strictEqual(worker.snapshot().activeBlocks, 3)
    worker.pass(20)
    worker.pass(40)
    assert.strictEqual(worker.snapshot().activeBlocks, 4)
    drain(worker, 60)
    assert.strictEqual(worker.snapshot().availableBlocks, 100)
  })
})

describe("preemption", () => {
  it("throws out the newest request when a token finds no block (lifo)", () => {
    const { gaps, worker } = spawn({ blockTokens: 4, numGpuBlocks: 4 })
    const first = prompt(0, 8, 3)
    const second = prompt(1, 8, 2)
    submitAll(worker, first, second)
    // Both fill the pool; the first's token takes a block that the second had to give up.
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 first token"])
    assert.deepStrictEqual([first.firstTokenMs, second.firstTokenMs], [26, Number.NaN])
    assert.deepStrictEqual([worker.snapshot().running, worker.snapshot().waiting], [1, 1])
    // The gate keeps it out (2 needed, 1 there) until the first is done.
    worker.pass(26)
    assert.deepStrictEqual(signals(worker.pass(36)), ["0 completed"])
    // One of its blocks was evicted in the meantime, the deeper one. 4 tokens are computed again.
    assert.deepStrictEqual(signals(worker.pass(46)), ["1 first token"])
    assert.deepStrictEqual([second.firstTokenMs, second.reusedTokens, second.firstAdmissionReusedTokens], [60, 4, 0])
    drain(worker, 60)
    assert.strictEqual(worker.snapshot().preemptions, 1)
    assert.deepStrictEqual([second.firstAdmitMs, second.lastTokenMs], [0, 70])
    assert.deepStrictEqual(allGaps(gaps), [10, 10, 10])
  })

  it("throws out the request itself when it is the newest, and skips it in the pass", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 5 })
    const first = prompt(0, 5, 6)
    const second = prompt(1, 8, 2)
    submitAll(worker, first, second)
    // Blocks 2 + 2, then the second's first token takes the fifth.
    worker.pass(0)
    const third = prompt(2, 3, 1)
    worker.submit(third)
    assert.deepStrictEqual(signals(worker.pass(26)), ["1 completed"])
    assert.deepStrictEqual(signals(worker.pass(36)), ["2 completed"])
    const late = spawn({ blockTokens: 4, numGpuBlocks: 4 })
    submitAll(late.worker, prompt(0, 9, 2), prompt(1, 4, 2))
    // Three blocks and one: only the second needs another one, and it is the newest.
    assert.deepStrictEqual(signals(late.worker.pass(0)), ["0 first token"])
    assert.deepStrictEqual(
      late.worker.requests().map(({ id }) => id),
      [1, 0]
    )
  })

  it("puts the victim before all who wait", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 4, maxNumSeqs: 2 })
    submitAll(worker, prompt(0, 8, 3), prompt(1, 8, 2), prompt(2, 3, 1))
    worker.pass(0)
    assert.deepStrictEqual(
      worker.requests().map(({ id }) => id),
      [1, 2, 0]
    )
    // Nobody passes it, though the third would fit.
    worker.pass(100)
    assert.strictEqual(worker.snapshot().waiting, 2)
  })

  it("takes no decode time when nobody got a token", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 7, maxNumBatchedTokens: 10, preemptionMode: "fifo" })
    worker.submit(prompt(0, 4, 9))
    for (let pass = 0; pass < 3; pass++) worker.pass(pass * 100)
    worker.submit(prompt(1, 20, 1))
    assert.strictEqual(worker.pass(300).endMs, 300 + 9 + 10)
    // 2 blocks and 5: the fifth token finds none and the oldest, itself, goes. The other is still in its prefill.
    assert.strictEqual(worker.pass(400).endMs, 400 + 9)
    assert.deepStrictEqual([worker.snapshot().running, worker.snapshot().waiting], [1, 1])
  })

  it("goes on for as long as anybody gets a token", () => {
    const block = 2 ** 15
    const { worker } = spawn({ blockTokens: block, numGpuBlocks: 2 })
    const long = request({ id: 0, promptTokens: 10, outputTokens: 12_000, blocks: [] })
    // It has its block and is thrown out at its first token, again and again, until the long one is done; then that pass completes both.
    const retrying = request({ id: 1, promptTokens: block, outputTokens: 1, blocks: [7] })
    submitAll(worker, long, retrying)
    assert.lengthOf(drain(worker, 0), 12_000)
  })

  it("throws out the oldest (fifo), even the request itself", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 4, preemptionMode: "fifo" })
    const first = prompt(0, 8, 3)
    const second = prompt(1, 8, 2)
    submitAll(worker, first, second)
    // The first gives way to its own token's need, so it emits nothing; the second takes over its blocks.
    assert.deepStrictEqual(signals(worker.pass(0)), ["1 first token"])
    assert.deepStrictEqual(
      worker.requests().map(({ id }) => id),
      [0, 1]
    )
    assert.deepStrictEqual([first.firstTokenMs, second.firstTokenMs], [Number.NaN, 26])
  })

  it("keeps generated tokens and finds their blocks again", () => {
    const { prefills, worker } = spawn({ blockTokens: 4, numGpuBlocks: 6 })
    const old = prompt(0, 10, 6)
    const young = prompt(1, 4, 6)
    submitAll(worker, old, young)
    // The old one has 3 blocks, its 4th at token 3; the young one 1 block, its 2nd at once, its 3rd at token 5.
    for (let pass = 0; pass < 4; pass++) worker.pass(pass * 100)
    assert.strictEqual(worker.snapshot().activeBlocks, 6)
    // There is none left. What the young one gives up is full, hence stays cached: two blocks.
    assert.strictEqual(worker.pass(400).preemptions, 1)
    assert.deepStrictEqual([worker.snapshot().running, worker.snapshot().activeBlocks], [1, 4])
    prefills.length = 0
    // It finds both at once, and gets its block as soon as the old one goes.
    assert.deepStrictEqual(signals(worker.pass(500)), ["0 completed"])
    assert.strictEqual(worker.snapshot().activeBlocks, 3)
    assert.deepStrictEqual(signals(worker.pass(600)), ["1 completed"])
    assert.deepStrictEqual([young.emittedTokens, old.emittedTokens], [6, 6])
    // Generated tokens count for the lookup, not for the reuse of the prompt, and cost no prefill time.
    assert.deepStrictEqual([young.reusedTokens, young.firstAdmissionReusedTokens, prefills], [4, 0, []])
    assert.strictEqual(young.sharedReusedTokens, 0)
  })

  it("in the schedule takes the newest and undoes what it was given (lifo)", () => {
    const { requests, worker } = crowded("lifo")
    // Its block is free again, that makes two for the chunk of 6.
    assert.deepStrictEqual(signals(worker.pass(200)), ["1 first token"])
    assert.strictEqual(requests[0]!.secondTokenMs, 122)
    assert.deepStrictEqual(
      worker.requests().map(({ id }) => id),
      [2, 0, 1]
    )
  })

  it("in the schedule takes the oldest, and skips one request in that pass (fifo)", () => {
    const { decodes, requests, worker } = crowded("fifo")
    decodes.length = 0
    // Request 0 leaves the list's front while the index moves on: request 2 is passed over.
    assert.deepStrictEqual(signals(worker.pass(200)), ["1 first token"])
    assert.deepStrictEqual(
      decodes.map(({ batch, context }) => [batch, context]),
      [[1, 18]]
    )
    assert.deepStrictEqual(
      worker.requests().map(({ id }) => id),
      [0, 1, 2]
    )
    assert.isNaN(requests[2]!.secondTokenMs)
    worker.pass(300)
    assert.strictEqual(requests[2]!.secondTokenMs, requests[1]!.secondTokenMs)
  })

  it("gives up on requests that throw each other out for ever", () => {
    const { worker } = spawn({ blockTokens: 2, numGpuBlocks: 5, preemptionMode: "fifo", maxNumBatchedTokens: 3 })
    submitAll(worker, prompt2(0, 3, 4), prompt2(1, 1, 4))
    let failure: unknown = undefined
    try {
      drain(worker, 0)
    } catch (error) {
      failure = error
    }
    assert.instanceOf(failure, EngineStalled)
    assert.match(
      failure.message,
      /^2 requests preempt each other without end.* 5 blocks.* 3 tokens.*num_gpu_blocks.*preemption_mode lifo/
    )
    // The same load with the newest as the victim comes to its end.
    const lifo = spawn({ blockTokens: 2, numGpuBlocks: 5, preemptionMode: "lifo", maxNumBatchedTokens: 3 })
    submitAll(lifo.worker, prompt2(0, 3, 4), prompt2(1, 1, 4))
    drain(lifo.worker, 0)
  })
})

describe("TensorRT-LLM admission", () => {
  const trtllm = { engineType: "trtllm", blockTokens: 4 } as const

  it("sets room aside for every running request's output, so nothing is preempted", () => {
    const { worker } = spawn({ ...trtllm, numGpuBlocks: 7 })
    // 16 tokens: 4 blocks each. Two would start in vLLM; here the second waits for the first.
    submitAll(worker, prompt(0, 8, 8), prompt(1, 8, 8))
    worker.pass(0)
    assert.deepStrictEqual([worker.snapshot().running, worker.snapshot().waiting], [1, 1])
    drain(worker, 30)
    const two = spawn({ ...trtllm, numGpuBlocks: 8 })
    submitAll(two.worker, prompt(0, 8, 8), prompt(1, 8, 8))
    two.worker.pass(0)
    assert.deepStrictEqual([two.worker.snapshot().running, two.worker.snapshot().waiting], [2, 0])
  })

  it("counts the prompt blocks that running requests hold", () => {
    const { worker } = spawn({ ...trtllm, numGpuBlocks: 6 })
    submitAll(worker, prompt(0, 8, 8, 10), prompt(1, 8, 8, 10))
    worker.pass(0)
    assert.strictEqual(worker.snapshot().running, 2)
  })

  it("shortens the output to the pool and finishes", () => {
    const { worker } = spawn({ ...trtllm, numGpuBlocks: 4 })
    const long = prompt(0, 10, 50)
    worker.submit(long)
    drain(worker, 0)
    assert.strictEqual(long.emittedTokens, 6)
    assert.strictEqual(long.outputTokens, 50)
  })

  it("rejects a prompt as large as the pool", () => {
    const { worker } = spawn({ ...trtllm, numGpuBlocks: 4 })
    submitAll(worker, prompt(0, 16, 1), prompt(1, 15, 1))
    assert.deepStrictEqual(signals(worker.pass(0)), ["1 completed", "0 rejected"])
  })
})

describe("multi-token prediction", () => {
  const always = { acceptRates: [1, 1], seed: 42n }

  it("emits bursts at one time and stops at the last token", () => {
    const { gaps, worker } = spawn({ ...tiny, mtp: always })
    const subject = prompt(0, 6, 7)
    worker.submit(subject)
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 first token"])
    assert.deepStrictEqual([subject.firstTokenMs, subject.secondTokenMs], [16, 16])
    worker.pass(16)
    assert.deepStrictEqual(signals(worker.pass(26)), ["0 completed"])
    assert.deepStrictEqual([subject.lastTokenMs, subject.emittedTokens], [36, 7])
    assert.deepStrictEqual(allGaps(gaps), [0, 0, 0, 0, 10, 10])
    assert.strictEqual(worker.snapshot().availableBlocks, 100)
  })

  it("may see the first and the last token in one pass", () => {
    const { worker } = spawn({ ...tiny, mtp: always })
    submitAll(worker, prompt(0, 6, 3), prompt(1, 6, 1))
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 first token", "0 completed", "1 completed"])
  })

  it("does not count the blocks set aside as active", () => {
    const { decodes, worker } = spawn({ ...tiny, mtp: always })
    worker.submit(prompt(0, 8, 9))
    worker.pass(0)
    worker.pass(100)
    assert.deepStrictEqual(
      decodes.map(({ activeTokens }) => activeTokens),
      [8, 12]
    )
  })

  it("sets the largest bursts aside before anybody emits, and preempts for them", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 4, mtp: { acceptRates: [0, 0], seed: 1n } })
    const first = prompt(0, 7, 6)
    submitAll(worker, first, prompt(1, 7, 6))
    // Up to 3 tokens each: 7 + 3 needs a third block for both, though a burst of 1 would not.
    assert.deepStrictEqual(signals(worker.pass(0)), ["0 first token"])
    assert.deepStrictEqual(
      worker.requests().map(({ id }) => id),
      [1, 0]
    )
    assert.strictEqual(first.firstTokenMs, 14 + 10)
    // What was set aside for nothing is free again.
    assert.deepStrictEqual([worker.snapshot().activeBlocks, worker.snapshot().availableBlocks], [2, 2])
  })

  it("costs one token of the budget per request and pass", () => {
    const { worker } = spawn({ ...tiny, maxNumBatchedTokens: 2, mtp: { acceptRates: [0], seed: 1n } })
    submitAll(worker, prompt(0, 1, 5), prompt(1, 1, 5))
    worker.pass(0)
    worker.submit(prompt(2, 1, 1))
    worker.pass(100)
    assert.strictEqual(worker.snapshot().waiting, 1)
  })
})

describe("what a worker shows", () => {
  it("counts its requests and blocks", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 10, maxNumSeqs: 1 })
    const running = prompt(0, 9, 5)
    submitAll(worker, running, prompt(1, 8, 1))
    worker.pass(0)
    worker.pass(50)
    assert.deepStrictEqual(worker.snapshot(), {
      waiting: 1,
      running: 1,
      activeBlocks: 3,
      availableBlocks: 7,
      cachedBlocks: 0,
      capacityBlocks: 10,
      preemptions: 0
    })
    assert.strictEqual(worker.inFlight, 2)
    // Waiting ones first; what a running one has emitted so far is on its record.
    assert.deepStrictEqual(
      worker.requests().map(({ emittedTokens, id }) => [id, emittedTokens]),
      [
        [1, 0],
        [0, 2]
      ]
    )
    assert.strictEqual(running.lastTokenMs, 60)
  })

  it("takes nobody for steady who is back from a preemption, where passes take no time", () => {
    const args = { blockTokens: 4, numGpuBlocks: 6, maxNumBatchedTokens: 8, speedupRatio: 1e12 }
    const { worker } = spawn({ ...args, enablePrefixCaching: false }, 0)
    submitAll(worker, prompt(0, 5, 4), prompt(1, 3, 13), prompt(2, 6, 8))
    const ends = drain(worker, 0)
    assert.strictEqual(ends.at(-1), 0)
    assert.isAbove(worker.snapshot().preemptions, 0)
  })

  it("marks what it caches and what its requests may still look up", () => {
    const { worker } = spawn({ blockTokens: 4, numGpuBlocks: 3, maxNumSeqs: 1 })
    submitAll(worker, prompt(0, 8, 2), prompt(1, 8, 1))
    worker.pass(0)
    const marked = new Set(markedBlocks(worker))
    assert.deepStrictEqual(
      [...marked].toSorted((a, b) => a - b),
      [1_000, 1_001, 2_001]
    )
  })

  it("uses the pool its arguments describe", () => {
    assert.strictEqual(spawn({}).worker.snapshot().capacityBlocks, engineArgs().numGpuBlocks)
  })
})

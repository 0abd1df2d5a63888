/**
 * Rules of the SGLang-style scheduler, one by one. Prefill takes 1 ms per new token, a decode step 10 ms; pages have 4 tokens
 * unless a test says otherwise.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { NewTokenRatio } from "../../../src/engine/sglang/NewTokenRatio.ts"
import type { SimRequest } from "../../../src/request/SimRequest.ts"
import { blocksFrom, request } from "../../support/RequestBuilder.ts"
import { allGaps, drain, signals, submitAll } from "../vllm/Spawn.ts"
import { spawn } from "./Spawn.ts"

/** A prompt of its own; identities are 1000 apart. */
const own = (id: number, promptTokens: number, outputTokens: number, pageTokens = 4): SimRequest =>
  request({ id, promptTokens, outputTokens, blocks: blocksFrom(1000 * id, Math.floor(promptTokens / pageTokens)) })

/** Prompts of one family share their pages. */
const shared = (id: number, promptTokens: number, outputTokens: number): SimRequest =>
  request({ id, promptTokens, outputTokens, blocks: blocksFrom(0, Math.floor(promptTokens / 4)) })

describe("a pass", () => {
  it("prefills, then decodes everybody, the new ones included", () => {
    const { gaps, worker } = spawn({})
    const [first, second] = [own(1, 8, 3), own(2, 4, 2)]
    worker.submit(first)
    assert.strictEqual(worker.pass(0).endMs, 18)
    worker.submit(second)
    const outcome = worker.pass(18)
    assert.strictEqual(outcome.endMs, 18 + 4 + 10)
    assert.deepStrictEqual(signals(outcome), ["2 first token"])
    assert.deepStrictEqual(signals(worker.pass(32)), ["1 completed", "2 completed"])
    assert.deepStrictEqual(
      [first.firstAdmitMs, first.firstTokenMs, first.secondTokenMs, first.lastTokenMs],
      [0, 18, 32, 42]
    )
    assert.deepStrictEqual([second.firstAdmitMs, second.firstTokenMs, second.lastTokenMs], [18, 32, 42])
    assert.deepStrictEqual([first.emittedTokens, second.emittedTokens, worker.inFlight], [3, 2, 0])
    assert.deepStrictEqual(allGaps(gaps), [10, 10, 14])
    worker.checkInvariants()
    assert.strictEqual(worker.snapshot().activeBlocks, 0)
  })

  it("speeds up the prefill part alone, and charges the overhead once per pass that takes time", () => {
    const { worker } = spawn({ prefillSpeedupRatio: 2.5, passOverheadMs: 0.75 })
    worker.submit(own(0, 5, 2))
    const first = worker.pass(0)
    assert.deepStrictEqual([first.prefillEndMs, first.endMs], [0.75 + 2, 0.75 + 2 + 10])
    assert.strictEqual(worker.pass(20).endMs, 20 + 0.75 + 10)
    assert.strictEqual(worker.pass(40).endMs, 40)
  })

  it("does nothing when nothing can be admitted, and says so", () => {
    const { worker } = spawn({ sglang: { maxPrefillTokens: 3 } })
    worker.submit(own(1, 60, 3))
    const outcome = worker.pass(5)
    assert.strictEqual(outcome.progressed, false)
    assert.strictEqual(outcome.endMs, 5)
    assert.deepStrictEqual(
      worker.requests().map(({ id }) => id),
      [1]
    )
  })
})

describe("admission", () => {
  const served = (promptTokens: number, outputTokens: number, sglang = {}): string => {
    const { worker } = spawn({ sglang })
    worker.submit(own(1, promptTokens, outputTokens))
    return signals(worker.pass(0)).join()
  }

  it("rejects what would take the last slot: prompt in pages plus output must stay below the pool", () => {
    assert.strictEqual(served(60, 3), "1 first token")
    assert.strictEqual(served(60, 4), "1 rejected")
    assert.strictEqual(served(57, 4), "1 rejected")
    assert.strictEqual(served(57, 3), "1 first token")
  })

  it("reserves no more output than the clip, but rejects what would outgrow the pool all the same", () => {
    assert.strictEqual(served(60, 4, { clipMaxNewTokens: 3 }), "1 first token")
    assert.strictEqual(served(60, 5, { clipMaxNewTokens: 3 }), "1 rejected")
  })

  it("rejects only at the head of the queue, and goes on with the next in the same pass", () => {
    const { worker } = spawn({ maxNumSeqs: 1 })
    submitAll(worker, own(1, 8, 2), own(2, 90, 1), own(3, 8, 1))
    assert.deepStrictEqual(signals(worker.pass(0)), ["1 first token"])
    assert.deepStrictEqual(signals(worker.pass(18)), ["1 completed"])
    assert.deepStrictEqual(signals(worker.pass(28)), ["2 rejected", "3 completed"])
    assert.strictEqual(worker.inFlight, 0)
  })

  it("cuts a remainder that exceeds the chunk, or the prefill budget, once it is rounded up to pages", () => {
    const ends = (limits: object, promptTokens: number): Array<number> => {
      const { worker } = spawn({ sglang: limits })
      worker.submit(own(1, promptTokens, 1))
      return drain(worker, 0)
    }
    // 14 tokens are 16 in pages of 4: more than a chunk of 15, so 12 of them come first.
    assert.deepStrictEqual(ends({ chunkedPrefillTokens: 15 }, 14), [12, 24])
    assert.deepStrictEqual(ends({ chunkedPrefillTokens: 16 }, 14), [24])
    assert.deepStrictEqual(ends({ maxPrefillTokens: 9 }, 14), [8, 24])
  })

  it("is strictly first come, first served", () => {
    const { worker } = spawn({})
    submitAll(worker, own(1, 40, 4), own(2, 40, 4), own(3, 4, 1))
    worker.pass(0)
    assert.deepStrictEqual(worker.snapshot().waiting, 2)
  })

  it("never splits a prompt of chunk size, even when less of the chunk budget is left", () => {
    const { worker } = spawn({ sglang: { chunkedPrefillTokens: 16 } })
    const [first, second] = [own(1, 8, 2), own(2, 16, 2)]
    submitAll(worker, first, second)
    worker.pass(0)
    assert.strictEqual(first.firstAdmitMs, 0)
    assert.isNaN(second.firstAdmitMs)
  })

  it("cuts a longer prompt into whole pages, counts its own chunks as reuse, and keeps it in front", () => {
    const { worker } = spawn({ sglang: { chunkedPrefillTokens: 16 } })
    const [long, short] = [own(1, 38, 2), own(2, 4, 1)]
    submitAll(worker, long, short)
    const ends = drain(worker, 0)
    assert.deepStrictEqual(ends.slice(0, 3), [16, 32, 32 + 10 + 10])
    assert.strictEqual(long.firstAdmissionReusedTokens, 0)
    assert.deepStrictEqual([long.reusedTokens, long.sharedReusedTokens], [32, 0])
    assert.strictEqual(short.firstAdmitMs, 32)
  })

  it("charges cached tokens in full, but neither computes nor reserves slots for them twice", () => {
    const { worker } = spawn({})
    worker.submit(shared(1, 28, 1))
    worker.pass(0)
    const again = shared(2, 30, 1)
    submitAll(worker, again, shared(3, 30, 1))
    const outcome = worker.pass(100)
    assert.strictEqual(again.reusedTokens, 28)
    // The second one is charged 32 more of 64 slots, though it would need two.
    assert.strictEqual(outcome.endMs, 100 + 2 + 10)
    assert.strictEqual(worker.inFlight, 1)
  })

  it("can serve a whole prompt from the cache", () => {
    const { worker } = spawn({})
    worker.submit(shared(1, 16, 1))
    worker.pass(0)
    const again = shared(2, 16, 1)
    worker.submit(again)
    assert.strictEqual(worker.pass(50).endMs, 60)
    assert.strictEqual(again.reusedTokens, 16)
  })

  it("takes no more than max_num_seqs requests, and no more than the prefill budget", () => {
    const seats = spawn({ maxNumSeqs: 2 })
    submitAll(seats.worker, own(1, 4, 5), own(2, 4, 5), own(3, 4, 5))
    seats.worker.pass(0)
    assert.strictEqual(seats.worker.snapshot().running, 2)
    const budget = spawn({ sglang: { maxPrefillTokens: 8 } })
    submitAll(budget.worker, own(1, 5, 5), own(2, 4, 5))
    budget.worker.pass(0)
    assert.strictEqual(budget.worker.snapshot().running, 1)
  })

  it("expects running requests to need a share of their remaining output", () => {
    const admittedAt = (scheduleConservativeness: number): number => {
      const { worker } = spawn({ numGpuBlocks: 64, sglang: { scheduleConservativeness } })
      const late = own(2, 96, 24)
      worker.submit(own(1, 64, 90))
      const { endMs } = worker.pass(0)
      worker.submit(late)
      drain(worker, endMs)
      return late.firstAdmitMs
    }
    // The pool has 256 slots, of which 188 are left beside the 17 pages of the first request. It may emit 89 more tokens, so
    // 188 - 89 * 0.699 slots count as free, and 96 + 24 are needed. With 1.2 times the share they are not there.
    assert.strictEqual(admittedAt(1), 74)
    assert.strictEqual(admittedAt(1.2), 74 + 89 * 10)
  })
})

describe("the new-token ratio", () => {
  it("falls in 600 equal steps to 14 percent of where it starts", () => {
    const ratio = new NewTokenRatio(0.5)
    assert.strictEqual(ratio.value, 0.35)
    ratio.decay()
    assert.closeTo(ratio.value, 0.35 - (0.35 * 0.86) / 600, 1e-15)
    for (let pass = 0; pass < 700; pass++) ratio.decay()
    assert.closeTo(ratio.value, 0.049, 1e-15)
    ratio.reset()
    assert.strictEqual(ratio.value, 0.35)
  })
})

describe("retraction", () => {
  const crowded = () => spawn({ sglang: { clipMaxNewTokens: 1, scheduleConservativeness: 0 } })

  it("throws out who has emitted least, and keeps its tokens", () => {
    const { worker } = crowded()
    const [older, younger] = [own(1, 28, 9), own(2, 24, 12)]
    worker.submit(older)
    worker.pass(0)
    worker.submit(younger)
    drain(worker, 38)
    assert.deepStrictEqual([older.emittedTokens, younger.emittedTokens], [9, 12])
    assert.strictEqual(worker.snapshot().preemptions, 1)
    assert.isBelow(older.lastTokenMs, younger.lastTokenMs)
    // Its prompt is still cached when it comes back, but room is made before the cache is asked, at its own expense.
    assert.deepStrictEqual([older.reusedTokens, younger.reusedTokens], [0, 0])
  })

  it("is counted, and shown to a probe like evictions", () => {
    const { probed, worker } = crowded()
    submitAll(worker, own(1, 28, 9))
    worker.pass(0)
    worker.submit(own(2, 24, 12))
    let preemptions = 0
    for (let nowMs = 38; worker.inFlight > 0;) {
      const outcome = worker.pass(nowMs)
      nowMs = outcome.endMs
      preemptions += outcome.preemptions
    }
    assert.deepStrictEqual([preemptions, worker.snapshot().preemptions], [1, 1])
    // What the one thrown out had cached goes, page by page as the other grows, and its 6 pages of prompt when it comes back.
    assert.deepStrictEqual(probed, ["preempted 2", "evicted 1", "evicted 6", "evicted 1", "evicted 1"])
  })

  it("gives back the chunks of requests that block each other", () => {
    const { worker } = spawn({ sglang: { chunkedPrefillTokens: 16, clipMaxNewTokens: 1, scheduleConservativeness: 0 } })
    const requests = [own(1, 30, 20), own(2, 40, 8), own(3, 44, 9)]
    submitAll(worker, ...requests)
    drain(worker, 0)
    assert.deepStrictEqual(
      requests.map(({ emittedTokens }) => emittedTokens),
      [20, 8, 9]
    )
  })
})

describe("draft tokens", () => {
  it("emits a burst at one time and returns the slots of refused drafts", () => {
    const { gaps, worker } = spawn({ mtp: { acceptRates: [1, 1, 0], seed: 0n } })
    const request = own(1, 8, 7)
    worker.submit(request)
    const before = worker.snapshot().availableBlocks
    assert.deepStrictEqual(drain(worker, 0), [18, 28, 38])
    assert.deepStrictEqual(allGaps(gaps), [0, 0, 0, 0, 10, 10])
    assert.deepStrictEqual([request.firstTokenMs, request.secondTokenMs, request.emittedTokens], [18, 18, 7])
    assert.strictEqual(worker.snapshot().availableBlocks, before)
  })
})

describe("cache announcements", () => {
  it("tells complete prompt pages when they are computed and evicted pages when they go", () => {
    const { announced, worker } = spawn({})
    worker.submit(shared(1, 10, 2))
    worker.pass(0)
    assert.deepStrictEqual(announced, ["+0", "+1"])
    drain(worker, 18)
    worker.submit(own(2, 56, 1))
    drain(worker, 100)
    assert.deepStrictEqual(
      announced.filter((text) => text.startsWith("-")),
      ["-0", "-1"]
    )
    assert.deepStrictEqual(announced.filter((text) => text.startsWith("+")).length, 2 + 14)
  })
})

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
const load = Schema.Array(
  Schema.Struct({
    family: below(3),
    promptTokens: below(60),
    outputTokens: below(25),
    waits: below(4)
  })
).check(Schema.isMinLength(1), Schema.isMaxLength(30))

describe("any load that fits", () => {
  for (const [blockTokens, schedulePolicy] of [
    [1, "fcfs"],
    [4, "fcfs"],
    [4, "lpm"],
    [16, "lpm"]
  ] as const) {
    it.prop(
      `is served completely, pages of ${blockTokens} tokens, ${schedulePolicy}`,
      [load],
      ([plan]) => {
        const { worker } = spawn({
          blockTokens,
          numGpuBlocks: 240 / blockTokens,
          sglang: { schedulePolicy, clipMaxNewTokens: 2, scheduleConservativeness: 0, chunkedPrefillTokens: 32 }
        })
        const requests = plan.map(({ family, outputTokens, promptTokens }, id) =>
          request({
            id,
            promptTokens: promptTokens + 1,
            outputTokens: outputTokens + 1,
            blocks: blocksFrom(family * 1000, Math.floor((promptTokens + 1) / blockTokens))
          })
        )
        const completed: Array<number> = []
        let nowMs = 0
        const step = (): boolean => {
          const outcome = worker.pass(nowMs)
          nowMs = outcome.endMs
          worker.checkInvariants()
          for (const signal of signals(outcome))
            if (signal.endsWith("completed")) completed.push(Number.parseInt(signal, 10))
          return outcome.progressed
        }
        requests.forEach((each, index) => {
          worker.submit(each)
          for (let pass = 0; pass < plan[index]!.waits; pass++) step()
        })
        while (worker.inFlight > 0) assert.isTrue(step(), "the worker stops although requests are left")
        assert.deepStrictEqual(
          completed.toSorted((a, b) => a - b),
          requests.map(({ id }) => id)
        )
        for (const each of requests) {
          assert.strictEqual(each.emittedTokens, each.outputTokens)
          assert.isTrue(each.firstAdmitMs <= each.firstTokenMs && each.firstTokenMs <= each.lastTokenMs)
        }
        assert.strictEqual(worker.snapshot().activeBlocks, 0)
      },
      { arbitrary: { runs: 100, size: 60, maxShrinks: 300 } }
    )
  }
})

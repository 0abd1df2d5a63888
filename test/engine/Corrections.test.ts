/** Engine arguments that correct the reference's model where real engines are known to do otherwise; each is off by default. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine } from "../../src/engine/Engine.ts"
import { type GivenEngineArgs, make } from "../../src/engine/EngineArgs.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import { TokenGaps } from "../../src/engine/TokenGaps.ts"
import { preemptive } from "../../src/engine/vllm/CapacityPolicy.ts"
import { type DynamoRules, dynamo131 } from "../../src/engine/vllm/DynamoRules.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import { VllmWorker } from "../../src/engine/vllm/VllmWorker.ts"
import type { WorkerProbe } from "../../src/engine/WorkerProbe.ts"
import type { WorkerCore } from "../../src/engine/WorkerCore.ts"
import type { SimRequest } from "../../src/request/SimRequest.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { Timing } from "../../src/timing/Timing.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { replay, topology } from "../support/Replays.ts"
import { blocksFrom, request, row } from "../support/RequestBuilder.ts"
import { spawn as spawnSglang } from "./sglang/Spawn.ts"
import { allGaps, drain, spawn, submitAll } from "./vllm/Spawn.ts"

const profiles = ["dynamo-1.3.1", "vllm-0.33"] as const

const spawned = (given: GivenEngineArgs): { readonly worker: WorkerCore; readonly gaps: TokenGaps } => {
  const gaps = new TokenGaps()
  const worker = Effect.runSync(
    Effect.map(Engine, (engine) => engine.spawn({ workerIndex: 0, gaps, kvEvents: undefined })).pipe(
      Effect.provide(Layer.provide(VllmEngine.layer(make(given)), PolynomialTiming.layer))
    )
  )
  return { worker, gaps }
}

/** Prompts of 4,096 tokens in blocks of 64: the same one, or each its own. */
const sixteen = (equal: boolean): Array<SimRequest> =>
  Array.from({ length: 16 }, (_, id) =>
    request({ id, promptTokens: 4096, outputTokens: 64, blocks: blocksFrom(equal ? 0 : 1_000 * id, 64) })
  )

const medianGap = (given: GivenEngineArgs, equal: boolean): number => {
  const { gaps, worker } = spawned({ blockTokens: 64, numGpuBlocks: 4096, maxNumBatchedTokens: 8192, ...given })
  submitAll(worker, ...sixteen(equal))
  drain(worker, 0)
  const all = allGaps(gaps)
  return all[all.length >> 1]!
}

describe("decode_cost_by", () => {
  for (const engineProfile of profiles) {
    const given = { engineProfile, ...(engineProfile === "vllm-0.33" ? { maxNumSeqs: 256 } : {}) }
    it(`distinct_blocks makes equal prompts cheap to decode under ${engineProfile}`, () => {
      assert.approximately(medianGap(given, true), 6.8, 0.2)
      assert.approximately(medianGap(given, false), 17.79, 0.2)
    })

    it(`requests charges what every request reads under ${engineProfile}`, () => {
      const [equal, own] = [true, false].map((each) => medianGap({ ...given, decodeCostBy: "requests" }, each))
      assert.approximately(equal!, own!, 0.05)
      assert.approximately(own!, 17.7, 0.2)
    })
  }

  it("knows no more than a full pool", () => {
    const { decodes, worker } = spawn({ blockTokens: 4, numGpuBlocks: 10, decodeCostBy: "requests" })
    for (let id = 0; id < 4; id++)
      worker.submit(request({ id, promptTokens: 32, outputTokens: 1, blocks: blocksFrom(0, 8) }))
    worker.pass(0)
    assert.strictEqual(decodes[0]?.batch, 4)
    assert.strictEqual(decodes[0]?.activeTokens, 40)
  })
})

describe("charge_recompute", () => {
  /** Two requests that do not both fit: the second comes back with generated tokens to compute again. */
  const charged = (chargeRecompute: boolean) => {
    const { prefills, worker } = spawn({ blockTokens: 4, numGpuBlocks: 6, enablePrefixCaching: false, chargeRecompute })
    const requests = [0, 1].map((id) =>
      request({ id, promptTokens: 8, outputTokens: 9, blocks: blocksFrom(10 * id, 2) })
    )
    submitAll(worker, ...requests)
    drain(worker, 0)
    assert.deepStrictEqual(
      requests.map(({ emittedTokens }) => emittedTokens),
      [9, 9]
    )
    assert.strictEqual(worker.snapshot().preemptions, 1)
    return prefills.at(-1)?.meanIsl
  }

  it("charges the prompt alone after a preemption by default, and what was generated too where asked for", () => {
    assert.strictEqual(charged(false), 8)
    assert.strictEqual(charged(true), 12)
  })

  it("does so under a vLLM profile", () => {
    const end = (chargeRecompute: boolean): number => {
      const { worker } = spawned({
        engineProfile: "vllm-0.33",
        blockTokens: 4,
        numGpuBlocks: 6,
        maxNumSeqs: 8,
        enablePrefixCaching: false,
        chargeRecompute,
        vllmScheduler: { asyncScheduling: false }
      })
      submitAll(
        worker,
        ...[0, 1].map((id) => request({ id, promptTokens: 8, outputTokens: 9, blocks: blocksFrom(10 * id, 2) }))
      )
      return drain(worker, 0).at(-1)!
    }
    assert.isAbove(end(true), end(false) + 0.05)
  })
})

describe("mtp_recompute_block", () => {
  const second = (given: GivenEngineArgs): SimRequest => {
    const { worker } = spawned({ blockTokens: 4, numGpuBlocks: 64, aicNextn: 2, ...given })
    worker.submit(request({ id: 0, promptTokens: 16, outputTokens: 4, blocks: blocksFrom(0, 4) }))
    const endMs = drain(worker, 0).at(-1)!
    const subject = request({ id: 1, promptTokens: 18, outputTokens: 4, blocks: blocksFrom(0, 4) })
    worker.submit(subject)
    drain(worker, endMs)
    return subject
  }

  for (const engineProfile of profiles) {
    it(`computes the last cached block again under ${engineProfile}`, () => {
      assert.strictEqual(second({ engineProfile }).reusedTokens, 16)
      assert.strictEqual(second({ engineProfile, mtpRecomputeBlock: true }).reusedTokens, 12)
    })
  }
})

describe("kv_events_at", () => {
  const visibility = (given: GivenEngineArgs) => {
    const args = make(given)
    const layer = args.engineType === "sglang" ? SglangEngine.layer(args) : VllmEngine.layer(args)
    return Effect.runSync(
      Effect.map(Engine, (engine) => engine.kvEventVisibility).pipe(
        Effect.provide(
          Layer.provide(layer, Layer.succeed(Timing, { source: "none", make: () => PolynomialTiming.polynomialModel }))
        )
      )
    )
  }

  it("follows the kind of engine unless told otherwise", () => {
    assert.strictEqual(visibility({}), "pass-start")
    assert.strictEqual(visibility({ engineProfile: "vllm-0.33" }), "pass-start")
    assert.strictEqual(visibility({ engineType: "sglang" }), "pass-end")
    assert.strictEqual(visibility({ kvEventsAt: "pass_end" }), "pass-end")
    assert.strictEqual(visibility({ engineProfile: "vllm-0.33", kvEventsAt: "pass_end" }), "pass-end")
    assert.strictEqual(visibility({ engineType: "sglang", kvEventsAt: "pass_start" }), "pass-start")
  })
})

describe("SGLang-style engines", () => {
  /** A prompt of 40 tokens in chunks of 8, after an equal one has been served. */
  const reused = (sglangMatch: "first_chunk" | "whole"): number => {
    const { worker } = spawnSglang({ numGpuBlocks: 64, sglangMatch, sglang: { chunkedPrefillTokens: 8 } })
    worker.submit(request({ id: 0, promptTokens: 40, outputTokens: 1, blocks: blocksFrom(0, 10) }))
    const endMs = drain(worker, 0).at(-1)!
    const subject = request({ id: 1, promptTokens: 40, outputTokens: 1, blocks: blocksFrom(0, 10) })
    worker.submit(subject)
    drain(worker, endMs)
    assert.strictEqual(subject.emittedTokens, 1)
    return subject.firstAdmissionReusedTokens
  }

  it("look up the first chunk only, or the whole prompt but its last token (sglang_match)", () => {
    assert.strictEqual(reused("first_chunk"), 8)
    assert.strictEqual(reused("whole"), 36)
  })

  // 16 pages: 10 and 5 are cached, the 10 used less recently. The prompt finds 9 of these and takes room for 6 more from the others.
  it("do not evict what a whole prompt has looked up (sglang_match)", () => {
    const { worker } = spawnSglang({ sglangMatch: "whole" })
    const prompts = [blocksFrom(0, 10), blocksFrom(50, 5), Int32Array.of(...blocksFrom(0, 9), ...blocksFrom(100, 6))]
    const [, , subject] = prompts.map((blocks, id) => {
      const served = request({ id, promptTokens: blocks.length * 4, outputTokens: 1, blocks })
      worker.submit(served)
      drain(worker, id * 1000)
      return served
    })
    assert.deepStrictEqual([subject!.firstAdmissionReusedTokens, subject!.emittedTokens], [36, 1])
  })

  /** Prompts of 12 tokens, 16 tokens per pass. */
  const firstTokens = (sglangChunkBudget: "whole_chunks" | "rest"): Array<number> => {
    const { worker } = spawnSglang({ numGpuBlocks: 64, sglangChunkBudget, sglang: { chunkedPrefillTokens: 16 } })
    const requests = [0, 1].map((id) =>
      request({ id, promptTokens: 12, outputTokens: 1, blocks: blocksFrom(10 * id, 3) })
    )
    submitAll(worker, ...requests)
    drain(worker, 0)
    return requests.map(({ firstTokenMs }) => firstTokenMs)
  }

  it("refuse what exceeds the rest of the chunk budget, or cut it (sglang_chunk_budget)", () => {
    assert.deepStrictEqual(firstTokens("whole_chunks"), [22, 44])
    // 16 tokens in the first pass, the other 8 in the second one.
    assert.deepStrictEqual(firstTokens("rest"), [26, 44])
  })

  it("decode along with a prefill, or let it go first (sglang_prefill_first)", () => {
    const times = (sglangPrefillFirst: boolean) => {
      const { gaps, worker } = spawnSglang({ numGpuBlocks: 64, sglangPrefillFirst })
      const [older, newer] = [0, 1].map((id) =>
        request({ id, promptTokens: 8, outputTokens: 3, blocks: blocksFrom(10 * id, 2) })
      )
      worker.submit(older!)
      const firstMs = worker.pass(0).endMs
      worker.submit(newer!)
      drain(worker, firstMs)
      worker.checkInvariants()
      return [older!.firstTokenMs, older!.secondTokenMs, newer!.firstTokenMs, newer!.lastTokenMs, allGaps(gaps)]
    }
    assert.deepStrictEqual(times(false), [18, 36, 36, 56, [10, 10, 10, 18]])
    // Prefill 8 ms, prefill 8 ms, then two decode steps together.
    assert.deepStrictEqual(times(true), [8, 26, 16, 36, [10, 10, 10, 18]])
  })
})

describe("quirks of profile dynamo-1.3.1", () => {
  const worker = (rules: Partial<DynamoRules>, given: GivenEngineArgs, probe?: WorkerProbe): WorkerCore => {
    const args = make({ blockTokens: 4, ...given })
    const model = { prefillMs: () => 1, decodeMs: () => 10 }
    const context = { workerIndex: 0, gaps: new TokenGaps(), kvEvents: undefined, probe }
    return new VllmWorker(args, preemptive(args), model, context, { ...dynamo131, ...rules })
  }

  it("a whole prompt may hit, or computes its last block", () => {
    const reusedTokens = (wholePromptsHit: boolean): number => {
      const subject = worker({ wholePromptsHit }, {})
      const requests = [0, 1].map((id) => request({ id, promptTokens: 16, outputTokens: 1, blocks: blocksFrom(0, 4) }))
      submitAll(subject, ...requests)
      drain(subject, 0)
      return requests[1]!.reusedTokens
    }
    assert.deepStrictEqual([true, false].map(reusedTokens), [16, 12])
  })

  it("a whole prompt may be admitted when the budget is used up", () => {
    const admittedAt = (admitsWithoutTokens: boolean): ReadonlyArray<number> => {
      const subject = worker({ admitsWithoutTokens }, { maxNumBatchedTokens: 8 })
      const requests = [0, 100, 0, 0].map((block, id) =>
        request({ id, promptTokens: 8, outputTokens: 1, blocks: blocksFrom(block, 2) })
      )
      subject.submit(requests[0]!)
      subject.pass(0)
      // The second takes the whole budget; the others are what the first one computed.
      submitAll(subject, ...requests.slice(1))
      subject.pass(100)
      subject.pass(200)
      return requests.map(({ firstAdmitMs }) => firstAdmitMs)
    }
    assert.deepStrictEqual([true, false].map(admittedAt), [
      [0, 100, 100, 200],
      [0, 100, 200, 200]
    ])
  })

  it("a preempted request may find what it had generated", () => {
    const longestHit = (hitsEndWithPrompt: boolean): ReadonlyArray<number> => {
      const hits: Array<number> = []
      const probe: WorkerProbe = { admitted: (_request, _nowMs, hitTokens) => void hits.push(hitTokens) }
      const subject = worker({ hitsEndWithPrompt }, { numGpuBlocks: 7 }, probe)
      const requests = [0, 1].map((id) =>
        request({ id, promptTokens: 4, outputTokens: 13, blocks: blocksFrom(100 * id, 1) })
      )
      submitAll(subject, ...requests)
      drain(subject, 0)
      subject.checkInvariants()
      for (const each of requests) assert.isAtMost(each.reusedTokens, each.promptTokens)
      return [subject.snapshot().preemptions, Math.max(...hits)]
    }
    // The newer request gives way for each block that the older one still needs; it had filled two blocks of its own by then.
    assert.deepStrictEqual([true, false].map(longestHit), [
      [5, 4],
      [5, 12]
    ])
  })

  it("preempting the oldest may pass over the request behind the served one", () => {
    const emitted = (fifoPreemptionSkipsNext: boolean): number => {
      const given = { numGpuBlocks: 7, maxNumBatchedTokens: 13, preemptionMode: "fifo" } as const
      const subject = worker({ fifoPreemptionSkipsNext }, given)
      // The first decodes, the second is in the middle of its prefill, the third was admitted with a cached prompt.
      const requests = [4, 18, 4].map((promptTokens, id) =>
        request({ id, promptTokens, outputTokens: 8, blocks: blocksFrom(id === 1 ? 100 : 0, promptTokens >> 2) })
      )
      subject.submit(requests[0]!)
      subject.pass(0)
      submitAll(subject, requests[1]!, requests[2]!)
      subject.pass(100)
      // The next chunk of the second finds one block too few.
      subject.pass(200)
      assert.strictEqual(subject.snapshot().preemptions, 1)
      subject.requests()
      return requests[2]!.emittedTokens
    }
    assert.deepStrictEqual([true, false].map(emitted), [1, 2])
  })

  it("a last token may take a block, and somebody else's with it", () => {
    const preemptions = (finalTokenTakesBlock: boolean): number => {
      const subject = worker({ finalTokenTakesBlock }, { numGpuBlocks: 6, enablePrefixCaching: false })
      // The fifth token of the first request would be the 13th and open a fourth block while the other one holds three.
      submitAll(
        subject,
        request({ id: 0, promptTokens: 8, outputTokens: 5, blocks: [] }),
        request({ id: 1, promptTokens: 9, outputTokens: 3, blocks: [] })
      )
      subject.pass(0)
      subject.pass(11)
      submitAll(subject, request({ id: 2, promptTokens: 9, outputTokens: 4, blocks: [] }))
      drain(subject, 21)
      return subject.snapshot().preemptions
    }
    assert.deepStrictEqual([true, false].map(preemptions), [1, 0])
  })
})

describe("frontend_ms and frontend_us_per_token", () => {
  const rows = [
    row({ timestampMs: 0, promptTokens: 1_000, outputTokens: 2, hashIds: [0, 1] }, 1),
    row({ timestampMs: 1, promptTokens: 100, outputTokens: 2, hashIds: [2] }, 2),
    row({ timestampMs: 5_000, promptTokens: 100, outputTokens: 2, hashIds: [3] }, 3)
  ]
  const run = (given: GivenEngineArgs, concurrency?: number) =>
    replay(
      topology(make(given)),
      PlainWorkload.layer({ rows, traceBlockTokens: 512, ...(concurrency === undefined ? {} : { concurrency }) }),
      { check: true }
    )

  it.effect("pass before the queue, and count in the time to first token", () =>
    Effect.gen(function* () {
      const plain = yield* run({})
      const delayed = yield* run({ frontendMs: 5, frontendUsPerToken: 20 })
      const admitted = delayed.records.toSorted((a, b) => a.id - b.id).map(({ firstAdmitMs }) => firstAdmitMs)
      // 5 ms + 20 µs per token: the short prompt overtakes the long one.
      assert.deepStrictEqual([admitted[1], admitted[2]], [1 + 7, 5_000 + 7])
      assert.isAtLeast(admitted[0]!, 25)
      const ttft = ({ records }: typeof plain, id: number): number => {
        const record = records.find((each) => each.id === id)!
        return record.firstTokenMs - record.arrivalMs
      }
      assert.approximately(ttft(delayed, 2), ttft(plain, 2) + 7, 1e-9)
    })
  )

  it.effect("hold a slot of a closed loop", () =>
    Effect.gen(function* () {
      const { records } = yield* run({ frontendMs: 5 }, 1)
      const [first, second] = records
      assert.strictEqual(second!.arrivalMs, first!.lastTokenMs)
      assert.strictEqual(second!.firstAdmitMs, first!.lastTokenMs + 5)
    })
  )
})

/** Requests dropped in the middle: whatever they were doing, their KV comes back and the others do not notice. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { type EngineArgs, make } from "../../src/engine/EngineArgs.ts"
import { Engine } from "../../src/engine/Engine.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import { TokenGaps } from "../../src/engine/TokenGaps.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import { type PassOutcome, Signal, type WorkerCore } from "../../src/engine/WorkerCore.ts"
import type { SimRequest } from "../../src/request/SimRequest.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { blocksFrom, request } from "../support/RequestBuilder.ts"

const engines = ["vllm", "vllm-0.33", "trtllm", "sglang"] as const

const blockTokens = 4
const sizes = { blockTokens, numGpuBlocks: 40, maxNumBatchedTokens: 24 }
const args = (kind: (typeof engines)[number], changes: Partial<EngineArgs> = {}): EngineArgs =>
  kind === "vllm-0.33"
    ? { ...make({ engineProfile: kind, maxNumSeqs: 16, ...sizes }), ...changes }
    : engineArgs({ engineType: kind, ...sizes, ...changes })

const layerOf = (own: EngineArgs) =>
  own.engineType === "sglang"
    ? SglangEngine.layer(own)
    : own.engineType === "trtllm"
      ? VllmEngine.layerTrtllm(own)
      : VllmEngine.layer(own)

const spawn = (own: EngineArgs): WorkerCore =>
  Effect.runSync(
    Effect.map(Engine, (engine) => engine.spawn({ workerIndex: 0, gaps: new TokenGaps(), kvEvents: undefined })).pipe(
      Effect.provide(Layer.provide(layerOf(own), PolynomialTiming.layer))
    )
  )

/** Block `j` of the prompt is `first + j`. */
const prompt = (id: number, promptTokens: number, outputTokens: number, first = 1000 * (id + 1)): SimRequest =>
  request({ id, promptTokens, outputTokens, blocks: blocksFrom(first, Math.floor(promptTokens / blockTokens)) })

const completedIn = ({ requests, signals }: PassOutcome): Array<number> =>
  requests.filter((_, index) => signals[index] === Signal.Completed).map(({ id }) => id)

const drain = (worker: WorkerCore, startMs: number): Array<number> => {
  const completed: Array<number> = []
  let nowMs = startMs
  for (let pass = 0; worker.inFlight > 0; pass++) {
    if (pass === 10_000) throw new Error("the worker does not come to an end")
    const outcome = worker.pass(nowMs)
    nowMs = outcome.endMs
    worker.checkInvariants()
    completed.push(...completedIn(outcome))
  }
  return completed
}

for (const engineType of engines) {
  describe(`aborting in a ${engineType} worker`, () => {
    it("drops a waiting request without a trace", () => {
      const worker = spawn(args(engineType))
      const subject = prompt(0, 10, 5)
      worker.submit(subject)
      assert.isTrue(worker.abort(subject))
      assert.strictEqual(worker.inFlight, 0)
      assert.isFalse(worker.pass(0).progressed)
      assert.isFalse(worker.abort(subject))
    })

    it("frees the blocks of a decoding request and keeps its prompt cached", () => {
      const worker = spawn(args(engineType))
      const subject = prompt(0, 12, 20)
      worker.submit(subject)
      let nowMs = 0
      for (let pass = 0; pass < 7; pass++) nowMs = worker.pass(nowMs).endMs
      assert.isAbove(worker.snapshot().activeBlocks, 3)
      assert.isTrue(worker.abort(subject))
      assert.strictEqual(subject.emittedTokens, 7)
      worker.checkInvariants()
      assert.strictEqual(worker.snapshot().activeBlocks, 0)
      assert.strictEqual(worker.snapshot().availableBlocks, 40)
      const again = prompt(1, 12, 2, 1000)
      worker.submit(again)
      assert.deepStrictEqual(drain(worker, nowMs), [1])
      // vLLM itself computes the last block of a prompt again, whatever is cached.
      assert.strictEqual(again.reusedTokens, engineType === "vllm-0.33" ? 8 : 12)
    })

    it("frees what a half-computed prompt holds", () => {
      const worker = spawn(args(engineType, { sglang: { ...engineArgs().sglang, chunkedPrefillTokens: 24 } }))
      const subject = prompt(0, 60, 4)
      worker.submit(subject)
      const { endMs } = worker.pass(0)
      assert.isTrue(Number.isNaN(subject.firstTokenMs))
      assert.isTrue(worker.abort(subject))
      worker.checkInvariants()
      assert.strictEqual(worker.snapshot().activeBlocks, 0)
      assert.strictEqual(worker.pass(endMs).requests.length, 0)
    })

    it("leaves a block that another request shares", () => {
      const worker = spawn(args(engineType))
      const [gone, staying] = [prompt(0, 12, 30), prompt(1, 12, 30, 1000)]
      worker.submit(gone)
      let nowMs = worker.pass(0).endMs
      worker.submit(staying)
      nowMs = worker.pass(nowMs).endMs
      assert.isTrue(worker.abort(gone))
      worker.checkInvariants()
      assert.isAtLeast(worker.snapshot().activeBlocks, 3)
      assert.deepStrictEqual(drain(worker, nowMs), [1])
      assert.strictEqual(worker.snapshot().activeBlocks, 0)
    })

    it("is not there any more once completed", () => {
      const worker = spawn(args(engineType))
      const subject = prompt(0, 4, 1)
      worker.submit(subject)
      drain(worker, 0)
      assert.isFalse(worker.abort(subject))
    })
  })
}

/** Submissions, passes and aborts at random moments, under memory pressure. */
const Step = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("submit"),
    promptTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 })),
    outputTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })),
    content: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))
  }),
  Schema.Struct({ kind: Schema.Literal("pass") }),
  Schema.Struct({
    kind: Schema.Literal("abort"),
    victim: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))
  })
])
const Steps = Schema.Array(Step).check(Schema.isMaxLength(60))

describe("aborts at any moment", () => {
  for (const engineType of engines) {
    it.effect.prop(
      `keep the books of a ${engineType} worker straight`,
      [Steps],
      ([steps]) =>
        Effect.sync(() => {
          const worker = spawn(args(engineType, { maxNumSeqs: 6 }))
          const requests: Array<SimRequest> = []
          const ended: Array<number> = []
          let nowMs = 0
          for (const step of steps) {
            if (step.kind === "submit") {
              const subject = prompt(requests.length, step.promptTokens, step.outputTokens, 100 * step.content)
              requests.push(subject)
              worker.submit(subject)
            } else if (step.kind === "pass") {
              const outcome = worker.pass(nowMs)
              nowMs = outcome.endMs
              ended.push(...completedIn(outcome))
            } else {
              const victim = requests[step.victim]
              if (victim !== undefined && worker.abort(victim)) ended.push(victim.id)
            }
            worker.checkInvariants()
          }
          ended.push(...drain(worker, nowMs))
          assert.strictEqual(worker.snapshot().activeBlocks, 0)
          assert.deepStrictEqual(
            ended.toSorted((a, b) => a - b),
            requests.map((_, id) => id)
          )
        }),
      { arbitrary: { runs: 300, seed: 1 } }
    )
  }
})

const policies = ["on_evict", "write_through"] as const

const tiered = { on_evict: "vllm", write_through: "vllm", "vllm-0.33": "vllm-0.33", sglang: "sglang" } as const

describe.each([...policies, "vllm-0.33", "sglang"] as const)("aborting in a worker with KV tiers: %s", (policy) => {
  it("lets a request go whose blocks are loaded, and frees their slots once they are there", () => {
    // A kilobyte a token at 1e-3 GB/s: a block takes 4 ms either way.
    const worker = spawn(
      args(tiered[policy], {
        numGpuBlocks: 20,
        kvBytesPerToken: 1000,
        numG2Blocks: 200,
        offloadPolicy: policy === "on_evict" ? policy : "write_through",
        deviceToHostGbS: 1e-3,
        hostToDeviceGbS: 1e-3
      })
    )
    let nowMs = 0
    /** Passes until the worker has nothing to do; where it waits for copies alone, from one end to the next. */
    const finish = (until: () => boolean): void => {
      for (let pass = 0; !until(); pass++) {
        if (pass === 10_000) throw new Error("the worker does not come to an end")
        const outcome = worker.pass(nowMs)
        worker.checkInvariants()
        const idle = outcome.endMs === nowMs && !outcome.progressed
        nowMs = idle ? Math.max(nowMs, worker.tiers!.deadlineMs()) : outcome.endMs
        if (!Number.isFinite(nowMs)) throw new Error("the worker waits for nothing")
      }
    }
    for (const first of [1000, 2000, 3000]) {
      worker.submit(prompt(first, 60, 2, first))
      finish(() => worker.inFlight === 0)
    }
    const subject = prompt(9, 60, 2, 1000)
    worker.submit(subject)
    finish(() => worker.tiers!.occupancy().busyLinks > 0 && subject.firstAdmitMs !== subject.firstAdmitMs)
    const before = worker.tiers!.occupancy().movedBlocks
    worker.pass(nowMs)
    assert.isTrue(worker.abort(subject))
    worker.checkInvariants()
    assert.strictEqual(worker.inFlight, 0)
    while (worker.tiers!.deadlineMs() < Number.POSITIVE_INFINITY) {
      nowMs = Math.max(nowMs, worker.tiers!.deadlineMs())
      worker.tiers!.tick(nowMs)
      worker.checkInvariants()
    }
    assert.isAbove(worker.tiers!.occupancy().movedBlocks, before)
    assert.strictEqual(worker.snapshot().activeBlocks, 0)
    const again = prompt(10, 60, 2, 1000)
    worker.submit(again)
    finish(() => worker.inFlight === 0)
    assert.isAbove(again.reusedTokens, 0)
  })
})

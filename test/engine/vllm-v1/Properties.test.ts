/** What holds in a worker of the vLLM profiles whatever it is told and given. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { EngineStalled } from "../../../src/engine/EngineStalled.ts"
import { schedulerRules } from "../../../src/engine/vllm-v1/SchedulerRules.ts"
import type { SchedulerSettings } from "../../../src/engine/vllm-v1/SchedulerSettings.ts"
import { drive, passesOf, type RecordedRequest, recordedWorker, requestsOf } from "./RecordedDecisions.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Spec = Schema.Struct({
  profile: Schema.Literals(["vllm-0.33", "vllm-0.33", "vllm-0.25", "vllm-0.17"]),
  blockTokens: Schema.Literals([2, 4, 8]),
  usableBlocks: between(4, 40),
  shorterBy: between(0, 30),
  maxActiveRequests: between(1, 6),
  maxScheduledTokens: Schema.Literals([3, 8, 16, 64]),
  enablePrefixCaching: Schema.Literals([true, true, false]),
  enableChunkedPrefill: Schema.Literals([true, true, false]),
  reservesFullSequence: Schema.Boolean,
  watermark: Schema.Literals([0, 0, 0.1]),
  shareCapTokens: Schema.Literals([0, 0, 3, 9]),
  adaptiveShareCap: Schema.Boolean,
  prefillInterval: Schema.Literals([1, 1, 2, 4]),
  policy: Schema.Literals(["fcfs", "priority"]),
  asynchronous: Schema.Boolean,
  requests: Schema.Array(
    Schema.Struct({
      gapMs: Schema.Literals([0, 0, 1, 10, 100]),
      hashIds: Schema.Array(between(0, 2)).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
      missing: between(0, 5),
      outputTokens: between(1, 24),
      planned: Schema.Boolean,
      priority: between(-1, 2)
    })
  ).check(Schema.isMinLength(1), Schema.isMaxLength(16))
})

const settingsOf = (spec: typeof Spec.Type): SchedulerSettings => {
  const { options } = schedulerRules[spec.profile]
  const capacityTokens = spec.blockTokens * spec.usableBlocks
  const maxModelTokens = Math.max(4, capacityTokens - spec.shorterBy)
  return {
    blockTokens: spec.blockTokens,
    usableBlocks: spec.usableBlocks,
    maxModelTokens,
    maxActiveRequests: spec.maxActiveRequests,
    // Without chunking a prompt must fit a call, as vLLM demands.
    maxScheduledTokens: spec.enableChunkedPrefill
      ? spec.maxScheduledTokens
      : Math.max(spec.maxScheduledTokens, maxModelTokens),
    enablePrefixCaching: spec.enablePrefixCaching,
    enableChunkedPrefill: spec.enableChunkedPrefill,
    reservesFullSequence: options.fullSequenceReservation && spec.reservesFullSequence,
    watermarkBlocks: options.watermark ? Math.floor(spec.watermark * (spec.usableBlocks + 1)) : 0,
    shareCapTokens: spec.shareCapTokens,
    adaptiveShareCap: options.adaptiveShareCap && spec.adaptiveShareCap,
    prefillInterval: options.prefillInterval ? spec.prefillInterval : 1,
    policy: spec.policy,
    asynchronous: spec.asynchronous,
    outstandingBatches: spec.asynchronous ? 2 : 1,
    recomputedHitBlocks: 0,
    chargesRecompute: false
  }
}

const traceBlockTokens = 6

const requestsFor = ({ requests }: typeof Spec.Type): Array<RecordedRequest> => {
  let arrivalMs = 0
  return requests.map((spec, index) => {
    arrivalMs += spec.gapMs
    return {
      id: `r${index}`,
      arrival_ms: arrivalMs,
      hash_ids: spec.hashIds,
      input_length: spec.hashIds.length * traceBlockTokens - spec.missing,
      output_length: spec.outputTokens,
      priority: spec.priority,
      ...(spec.planned ? { output_token_ids: Array.from({ length: spec.outputTokens }, (_, token) => token % 5) } : {})
    }
  })
}

const runs = { arbitrary: { runs: 400, size: 60 } }

const run = (spec: typeof Spec.Type, settings: SchedulerSettings) => {
  const recorded = recordedWorker(settings, schedulerRules[spec.profile])
  const requests = requestsOf({ requests: requestsFor(spec), trace_block_size: traceBlockTokens }, settings.blockTokens)
  const rejected = drive(recorded.worker, requests)
  const passes = passesOf(
    recorded.log,
    requests.filter((request) => !rejected.includes(request))
  )
  return { ...recorded, requests, rejected, passes }
}

/** Requests that take each other's blocks forever: vLLM does so too, where nothing reserves room for a whole sequence. */
const mayThrash = (spec: typeof Spec.Type, settings: SchedulerSettings): boolean =>
  spec.policy === "priority" && !settings.reservesFullSequence

describe("a worker of the vLLM profiles", () => {
  it.prop(
    "serves everybody, conserves tokens and blocks, and never uses more than it has",
    [Spec],
    ([spec]) => {
      const settings = settingsOf(spec)
      let outcome: ReturnType<typeof run>
      try {
        outcome = run(spec, settings)
      } catch (error) {
        if (error instanceof EngineStalled && mayThrash(spec, settings)) return
        throw error
      }
      const { gaps, passes, rejected, requests, worker } = outcome
      let tokens = 0
      for (const request of requests) {
        const isRejected = rejected.includes(request)
        assert.strictEqual(isRejected, request.promptTokens + 1 > settings.maxModelTokens)
        const room = settings.maxModelTokens - request.promptTokens
        assert.strictEqual(request.emittedTokens, isRejected ? 0 : Math.min(request.outputTokens, room))
        assert.isAtMost(request.reusedTokens, settings.enablePrefixCaching ? request.promptTokens : 0)
        tokens += request.emittedTokens
      }
      for (const pass of passes) {
        assert.isAtMost(pass.used_blocks, settings.usableBlocks)
        assert.isAtMost(
          pass.scheduled.reduce((sum, [, , share]) => sum + share, 0),
          settings.maxScheduledTokens
        )
      }
      assert.strictEqual(
        passes.reduce((sum, { emitted }) => sum + emitted.length, 0),
        tokens
      )
      const emitting = requests.filter(({ emittedTokens }) => emittedTokens > 0).length
      assert.strictEqual(
        gaps.counts.slice(0, gaps.length).reduce((sum, count) => sum + count, 0),
        tokens - emitting
      )
      assert.strictEqual(worker.snapshot().activeBlocks, 0)
      assert.strictEqual(worker.inFlight, 0)
    },
    runs
  )

  it.prop(
    "decides the same asynchronously as synchronously while only one batch may be outstanding",
    [Spec],
    ([spec]) => {
      const settings = { ...settingsOf({ ...spec, asynchronous: false }) }
      if (mayThrash(spec, settings)) return
      const synchronous = run(spec, settings)
      const asynchronous = run(spec, { ...settings, asynchronous: true })
      assert.deepStrictEqual(asynchronous.passes, synchronous.passes)
    },
    runs
  )
})

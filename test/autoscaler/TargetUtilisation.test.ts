/**
 * The pace of `target-utilisation`, on pools that are made up: workers whose use rises with the load faster than in proportion, whose
 * queue grows while they are overloaded and is worked off afterwards, and who take time to start.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Autoscaler, type Decider, type PoolRole } from "../../src/autoscaler/Autoscaler.ts"
import { withinGpus } from "../../src/autoscaler/GpuBudget.ts"
import { percentile } from "../../src/autoscaler/utilisation/Percentile.ts"
import { layer } from "../../src/autoscaler/utilisation/TargetUtilisation.ts"
import type { GivenUtilisation } from "../../src/autoscaler/utilisation/UtilisationSettings.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, multiTopology, replay } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

interface Plant {
  /** Requests per second that a worker can serve. */
  readonly perWorker: number
  /** How much more is in use near the limit than in proportion. */
  readonly bend: number
  readonly startupTicks: number
  /** Requests per second at a tick. */
  readonly load: (tick: number) => number
  readonly ticks: number
}

const tickS = 10

/** Sizes wanted, tick by tick. */
const sizesUnder = (plant: Plant, given: GivenUtilisation, start: number, role: PoolRole = "aggregated") =>
  Effect.gen(function* () {
    const { make } = yield* Autoscaler
    const decider: Decider = make([
      {
        role,
        workers: start,
        gpus: 2 * start,
        gpusPerWorker: 2,
        maxNumBatchedTokens: undefined,
        maxNumSeqs: undefined,
        kvTokens: 1000,
        blockTokens: 16,
        routedByCache: false
      }
    ])!
    let ready = start
    let starting: Array<number> = []
    let queue = 0
    const sizes: Array<number> = []
    for (let tick = 1; tick <= plant.ticks; tick++) {
      ready += starting.filter((at) => at === tick).length
      starting = starting.filter((at) => at > tick)
      const load = plant.load(tick)
      const served = Math.min(load + queue / tickS, ready * plant.perWorker)
      queue = Math.max(0, queue + (load - served) * tickS)
      const ratio = served / (ready * plant.perWorker)
      const use = Math.min(1, (ratio * (1 - plant.bend)) / (1 - plant.bend * ratio))
      const { targets } = yield* decider.decide({
        nowMs: tick * tickS * 1000,
        pools: [
          {
            role,
            ready,
            starting: starting.length,
            draining: 0,
            gpus: 2 * (ready + starting.length),
            parked: 0,
            passes: Array.from({ length: ready }, (_, workerIndex) => ({
              workerIndex,
              startMs: (tick - 1) * tickS * 1000,
              endMs: tick * tickS * 1000,
              prefillRequests: 0,
              prefillTokens: 0,
              decodeRequests: 1,
              decodeKvTokens: 0,
              kvShare: use,
              queuedPrefillRequests: queue / ready,
              queuedPrefillTokens: 0,
              queuedDecodeRequests: 0,
              queuedDecodeKvTokens: 0
            }))
          }
        ],
        traffic: {
          durationS: tickS,
          arrivals: load * tickS,
          meanArrivedTokens: 100,
          requests: served * tickS,
          meanPromptTokens: 100,
          meanOutputTokens: 10,
          meanTtftMs: 0,
          meanItlMs: 0,
          meanAcceptLength: 1,
          decodeSteps: 0,
          emittedTokens: served * tickS * 10,
          meanHitRate: 0,
          routedRequests: 0,
          ttftsMs: [],
          served: []
        }
      })
      const wanted = targets[role] ?? ready + starting.length
      const grown = Math.max(0, wanted - ready - starting.length)
      for (let worker = 0; worker < grown; worker++) {
        if (plant.startupTicks === 0) ready += 1
        else starting.push(tick + plant.startupTicks)
      }
      for (let gone = ready + starting.length; gone > wanted; gone--) {
        if (starting.length > 0) starting.pop()
        else ready -= 1
      }
      sizes.push(wanted)
    }
    return { sizes, queue }
  }).pipe(Effect.provide(Layer.orDie(layer(given)), { local: true }))

/** Directions of the changes, equal ones in a row once. */
const directions = (sizes: ReadonlyArray<number>): ReadonlyArray<number> => {
  const signs = sizes
    .slice(1)
    .map((size, index) => Math.sign(size - sizes[index]!))
    .filter((sign) => sign !== 0)
  return signs.filter((sign, index) => sign !== signs[index - 1])
}

/** `tick:size` of each change. */
const shown = (sizes: ReadonlyArray<number>): string =>
  sizes.flatMap((size, tick) => (size === sizes[tick - 1] ? [] : [`${tick}:${size}`])).join(" ")

const SomePlant = Schema.Struct({
  perWorker: Schema.Literals([0.5, 2, 10, 33]),
  bend: Schema.Literals([0, 0.5, 0.8, 0.95]),
  startupTicks: Schema.Literals([0, 1, 6, 20]),
  start: Schema.Literals([1, 2, 7, 20]),
  /** Load in workers' worth before and after the step. */
  before: Schema.Literals([0.05, 0.6, 1.9, 3.3, 7.7]),
  after: Schema.Literals([0.05, 0.7, 2.2, 5.1, 9.9]),
  windowS: Schema.Literals([10, 60, 120]),
  maxStepDown: Schema.Literals([1, 3])
})

describe("target-utilisation", () => {
  it.effect.prop(
    "settles under a constant load, and converges after a step of it",
    [Arbitrary.schema(SomePlant)],
    ([some]) =>
      Effect.gen(function* () {
        const { after, before, maxStepDown, start, windowS, ...plant } = some
        const stepAt = 1200
        const load = (tick: number): number => (tick <= stepAt ? before : after) * plant.perWorker
        const { queue, sizes } = yield* sizesUnder(
          { ...plant, load, ticks: 2 * stepAt },
          { windowS, maxStepDown },
          start
        )
        for (const [half, demand] of [
          [sizes.slice(0, stepAt), before],
          [sizes.slice(stepAt), after]
        ] as const) {
          const settled = half.at(-1)!
          assert.deepStrictEqual(
            half.slice(-250),
            Array.from({ length: 250 }, () => settled),
            `still changes: ${shown(half)}`
          )
          // Up, down and up once more; again where a size proves too small that looked large enough.
          assert.isAtMost(
            directions(half).length,
            maxStepDown === 1 && some.bend < 0.9 ? 5 : 7,
            `flips: ${shown(half)}`
          )
          assert.isAtLeast(settled, demand, "cannot serve the load")
          assert.isAtMost(settled, Math.ceil(demand / 0.7) + 1, "more than the target needs")
        }
        assert.isBelow(queue, 1e-6)
      }),
    { arbitrary: { runs: 40 } }
  )
})

describe("target-utilisation within its limits", () => {
  const calm: Plant = { perWorker: 10, bend: 0, startupTicks: 0, ticks: 120, load: () => 60 }

  it.effect("keeps request rates, steps, limits of workers and a budget of GPUs", () =>
    Effect.gen(function* () {
      const byRate = { kvUse: null, queuedRequests: null, requestsPerSecond: 10 }
      assert.strictEqual((yield* sizesUnder(calm, byRate, 1)).sizes.at(-1), 6)
      assert.deepStrictEqual(
        (yield* sizesUnder(calm, { ...byRate, maxStepUp: 2 }, 1)).sizes.slice(0, 7),
        [3, 3, 3, 5, 5, 5, 6]
      )
      assert.strictEqual((yield* sizesUnder(calm, { ...byRate, maxWorkers: 4 }, 1)).sizes.at(-1), 4)
      assert.strictEqual((yield* sizesUnder(calm, { ...byRate, minWorkers: 8 }, 8)).sizes.at(-1), 8)
      // Two GPUs each.
      assert.strictEqual((yield* sizesUnder(calm, { ...byRate, maxGpus: 7 }, 1)).sizes.at(-1), 3)
    })
  )

  it.effect("keeps the computing time of prefill workers, and settings of one pool", () =>
    Effect.gen(function* () {
      // Every worker of the plant computes all the time.
      const { sizes } = yield* sizesUnder(calm, { queuedRequests: null, prefill: { maxWorkers: 9 } }, 1, "prefill")
      assert.strictEqual(sizes.at(-1), 9)
    })
  )

  it.effect("waits for a queue that shrinks", () =>
    Effect.gen(function* () {
      const burst = { ...calm, load: (tick: number) => (tick <= 2 ? 100 : 15) }
      const { sizes } = yield* sizesUnder(burst, { kvUse: null, upCooldownS: 0 }, 2)
      assert.strictEqual(Math.max(...sizes), sizes[2])
    })
  )

  it("cuts growth where most was asked for, and nobody who is there", () => {
    const pool = (gpusPerWorker: number, current: number, wanted: number) => ({
      gpus: gpusPerWorker * current,
      gpusPerWorker,
      current,
      wanted
    })
    assert.deepStrictEqual(withinGpus([pool(1, 2, 4), pool(4, 1, 2)], 10), [4, 1])
    assert.deepStrictEqual(withinGpus([pool(1, 2, 8), pool(4, 1, 2)], 12), [8, 1])
    assert.deepStrictEqual(withinGpus([pool(1, 8, 8), pool(4, 2, 1)], 4), [8, 1])
    assert.deepStrictEqual(withinGpus([pool(2, 1, 3)], Infinity), [3])
  })

  it("ranks by weight", () => {
    const samples = [3, 1, 2].map((value) => ({ value, weight: value }))
    assert.strictEqual(percentile([], 95), undefined)
    assert.strictEqual(percentile(samples, 10), 1)
    assert.strictEqual(percentile(samples, 50), 2)
    assert.strictEqual(percentile(samples, 51), 3)
    assert.strictEqual(percentile(samples, 100), 3)
  })
})

const lifeOf = ({ firstTokenMs, id, lastTokenMs, workerIndex }: RequestRecord) => ({
  id,
  workerIndex,
  firstTokenMs,
  lastTokenMs
})

describe("target-utilisation in a run", () => {
  const args = { numGpuBlocks: 512, blockTokens: 16, maxNumSeqs: 32, startupTimeS: 2 }
  /** Three times as much between the seconds 20 and 60. */
  const rows = Array.from({ length: 1000 }, (_, index) => {
    const second = index < 100 ? index / 5 : index < 700 ? 20 + (index - 100) / 15 : 60 + (index - 700) / 5
    return row(
      {
        timestampMs: second * 1000,
        promptTokens: 400,
        outputTokens: 60,
        hashIds: Array.from({ length: 25 }, (_, block) => index * 25 + block)
      },
      index + 1
    )
  })
  const workload = PlainWorkload.layer({ rows, traceBlockTokens: 16, concurrency: undefined, chunkRows: 100 })
  const given: GivenUtilisation = {
    intervalS: 1,
    windowS: 3,
    upCooldownS: 2,
    downCooldownS: 10,
    maxGpus: 12,
    ttftMs: 300,
    itlMs: 40,
    goodShare: 0.9
  }
  const run = (pools: typeof aggregated) =>
    replay(pools, workload, { check: true }).pipe(Effect.provide(Layer.orDie(layer(given)), { local: true }))
  const aggregated = multiTopology(engineArgs(args), 1)

  for (const [name, pools] of [
    ["an aggregated", aggregated],
    ["a disaggregated", disaggregatedTopology(engineArgs(args), { prefillWorkers: 1, decodeWorkers: 1 })]
  ] as const) {
    it.effect(`follows ${name} load up and down, the same way every time`, () =>
      Effect.gen(function* () {
        const { records, summary } = yield* run(pools)
        const { events = [] } = summary.scaling ?? {}
        assert.strictEqual(records.filter(({ status }) => status === "completed").length, rows.length)
        const peak = events.find(({ from, timeMs, to }) => to > from && timeMs > 20_000 && timeMs < 60_000)
        assert.isDefined(peak, "nobody is added at the peak")
        assert.isTrue(
          events.some(({ from, timeMs, to }) => to < from && timeMs > 60_000),
          "nobody goes after it"
        )
        assert.match(peak!.reason, /^(kv_use|busy_share|queued_requests|good_share) [\d.]+ for [\d.]+$/)
        const again = yield* run(pools)
        assert.deepStrictEqual(again.summary.scaling, summary.scaling)
        assert.deepStrictEqual(again.records.map(lifeOf), records.map(lifeOf))
      })
    )
  }
})

/** Objectives kept by the engine's own timing model. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Autoscaler from "../../src/autoscaler/Autoscaler.ts"
import { layer as slaLayer } from "../../src/autoscaler/sla/SlaAutoscaler.ts"
import type { GivenSla } from "../../src/autoscaler/sla/SlaSettings.ts"
import { layer as plannerLayer } from "../../src/autoscaler/reference/ReferencePlanner.ts"
import { plannerConfigOf, slaSettings } from "../../src/autoscaler/sla/SlaSettings.ts"
import { complete } from "../../src/settings/Decode.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, multiTopology, replay } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

const args = { numGpuBlocks: 512, blockTokens: 16, maxNumSeqs: 32, startupTimeS: 1 }

/** Rows at so many per second. */
const rowsAt = (perSecond: number, seconds: number) =>
  Array.from({ length: perSecond * seconds }, (_, index) =>
    row(
      {
        timestampMs: (index * 1000) / perSecond,
        promptTokens: 400,
        outputTokens: 60,
        hashIds: Array.from({ length: 25 }, (_, block) => index * 25 + block)
      },
      index + 1
    )
  )

const workload = (perSecond: number, seconds: number) =>
  PlainWorkload.layer({
    rows: rowsAt(perSecond, seconds),
    traceBlockTokens: 16,
    concurrency: undefined,
    chunkRows: 100
  })

const objectives: GivenSla = { ttftMs: 300, itlMs: 40, intervalS: 1, predictIntervalS: 5 }

describe("the pass estimator of an engine", () => {
  it.effect("tells what its passes take", () =>
    Effect.gen(function* () {
      const seen: Array<readonly [estimate: number, pass: Autoscaler.PassObservation]> = []
      const watch = Autoscaler.layer("watch", (pools) => {
        const estimate = pools[0]!.passEstimator!()
        return {
          firstTickMs: 500,
          watchesPasses: true,
          decide: ({ nowMs, pools: [pool] }) =>
            Effect.sync(() => {
              for (const pass of pool!.passes) seen.push([estimate(pass), pass])
              return { targets: {}, nextTickMs: nowMs + 500 }
            })
        }
      })
      yield* replay(multiTopology(engineArgs(args), 2), workload(4, 10)).pipe(Effect.provide(watch, { local: true }))
      const working = seen.filter(([, { decodeRequests, prefillTokens }]) => decodeRequests + prefillTokens > 0)
      assert.isAbove(working.length, 200)
      for (const [estimate, { endMs, startMs }] of working) {
        // Blocks that requests fill in part are not known from tokens alone.
        assert.closeTo(estimate / (endMs - startMs), 1, 0.02)
      }
    })
  )
})

describe("--autoscale sla", () => {
  for (const [name, pools] of [
    ["an aggregated", multiTopology(engineArgs(args), 1)],
    ["a disaggregated", disaggregatedTopology(engineArgs(args), { prefillWorkers: 1, decodeWorkers: 1 })]
  ] as const) {
    it.effect(`scales ${name} run before its first prediction, within its GPUs`, () =>
      Effect.gen(function* () {
        const { records, summary } = yield* replay(pools, workload(30, 20), { check: true }).pipe(
          Effect.provide(Layer.orDie(slaLayer({ ...objectives, maxGpus: 5 })), { local: true })
        )
        const { events = [], sizes = [] } = summary.scaling ?? {}
        assert.strictEqual(records.filter(({ status }) => status === "completed").length, 600)
        assert.isBelow(events[0]!.timeMs, 5000)
        assert.isAbove(events[0]!.to, events[0]!.from)
        const largest = new Map(sizes.map(({ pool }) => [pool, 0]))
        for (const { pool, ready, starting } of sizes) largest.set(pool, Math.max(largest.get(pool)!, ready + starting))
        assert.isAtMost(
          [...largest.values()].reduce((sum, workers) => sum + workers, 0),
          5
        )
      })
    )
  }

  it.effect("says so where an engine cannot tell how long passes take", () =>
    Effect.gen(function* () {
      const config = plannerConfigOf(complete(slaSettings, {}))
      const { make } = yield* Effect.provide(Autoscaler.Autoscaler, plannerLayer(config))
      const decider = make([
        {
          role: "aggregated",
          workers: 1,
          gpus: 1,
          gpusPerWorker: 1,
          maxNumBatchedTokens: 1,
          maxNumSeqs: 1,
          kvTokens: 1,
          blockTokens: 1,
          routedByCache: false
        }
      ])!
      const nothing: Autoscaler.TrafficWindow = {
        durationS: 1,
        arrivals: 0,
        meanArrivedTokens: 0,
        requests: 0,
        meanPromptTokens: 0,
        meanOutputTokens: 0,
        meanTtftMs: 0,
        meanItlMs: 0,
        meanAcceptLength: undefined,
        decodeSteps: 0,
        emittedTokens: 0,
        meanHitRate: 0,
        routedRequests: 0,
        ttftsMs: [],
        served: []
      }
      const error = yield* Effect.flip(decider.decide({ nowMs: 0, pools: [], traffic: nothing }))
      assert.match(error.message, /aggregated pool cannot tell how long a pass would take/)
    })
  )
})

/** The policy of own-autoscaler.ts tested as a program tests its own: no simulation, the observation is made up. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Autoscaler } from "dynosim"
import { keepTtft, Objective } from "./own-autoscaler.ts"

const seen = (nowMs: number, meanTtftMs: number, ready: number): Autoscaler.Observation => ({
  nowMs,
  pools: [{ role: "aggregated", ready, starting: 0, draining: 0, parked: 0, gpus: ready, passes: [] }],
  traffic: {
    durationS: 0.5,
    arrivals: 10,
    meanArrivedTokens: 100,
    requests: 10,
    meanPromptTokens: 100,
    meanOutputTokens: 10,
    meanTtftMs,
    meanItlMs: 10,
    meanAcceptLength: undefined,
    decodeSteps: 0,
    emittedTokens: 0,
    meanHitRate: 0,
    routedRequests: 0,
    ttftsMs: [],
    served: []
  }
})

describe("keep-ttft", () => {
  it.effect("adds a worker at once, and takes one away after three calm ticks", () =>
    Effect.gen(function* () {
      const { make } = yield* Autoscaler.Autoscaler
      const decider = make([])!
      const wanted = (nowMs: number, ttftMs: number, ready: number) =>
        Effect.map(decider.decide(seen(nowMs, ttftMs, ready)), ({ targets }) => targets.aggregated)
      assert.strictEqual(yield* wanted(500, 900, 2), 3)
      assert.strictEqual(yield* wanted(1000, 100, 3), 3)
      assert.strictEqual(yield* wanted(1500, 100, 3), 3)
      assert.strictEqual(yield* wanted(2000, 100, 3), 2)
    }).pipe(Effect.provide(keepTtft.pipe(Layer.provide(Layer.succeed(Objective, { ttftMs: 200 })))))
  )
})

/**
 * A run inside `@effect/vitest`: `it.effect` installs a TestClock, and the run has a virtual clock of its own, so neither waits for real
 * time nor moves the other.
 *
 *     node node_modules/vitest/vitest.mjs run examples/in-a-test.test.ts
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { EngineArgs, PolynomialTiming, Replay, Report, Topology, VirtualClock, VllmEngine, Workload } from "dynosim"

/** An hour of load at one request a second. */
const deployment = Topology.layerSingle.pipe(
  Layer.provide(VllmEngine.layer(EngineArgs.defaultEngineArgs)),
  Layer.provide(PolynomialTiming.layer),
  Layer.merge(
    Workload.layerSynthetic({
      inputTokens: 512,
      outputTokens: 8,
      requestCount: 3600,
      blockTokens: 64,
      arrivalIntervalMs: 1000
    })
  ),
  Layer.merge(VirtualClock.layer)
)

describe("a service level", () => {
  it.effect("holds for an hour of load, and takes no time of the test's clock", () =>
    Effect.gen(function* () {
      const report = yield* Stream.run(Replay.run(), Report.sink()).pipe(Effect.provide(deployment))
      assert.strictEqual(report.completed_requests, 3600)
      assert.isBelow(report.p99_ttft_ms, 1000)
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    })
  )

  it.effect("is looked at every simulated minute, while the test's clock moves only when the test moves it", () =>
    Effect.gen(function* () {
      const simulatedMs: Array<number> = []
      const everyMinute = Effect.forever(
        Effect.gen(function* () {
          yield* Effect.sleep("1 minute")
          simulatedMs.push(yield* Clock.currentTimeMillis)
        })
      )
      const timer = yield* Effect.forkChild(Effect.sleep("1 second"))
      yield* Stream.runDrain(Replay.run({ policies: [everyMinute] })).pipe(Effect.provide(deployment))
      assert.strictEqual(simulatedMs.length, 59)
      assert.strictEqual(simulatedMs[1], 120_000)
      assert.isUndefined(timer.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(timer)
    })
  )
})

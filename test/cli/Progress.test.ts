import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { ProgressTerminal, progressText, showProgress } from "../../src/cli/Progress.ts"
import { SimulationView } from "../../src/simulation/SimulationView.ts"

const view = (nowMs: number, finished: number): SimulationView["Service"] =>
  SimulationView.of({
    nowMs: () => nowMs,
    workers: () => [],
    arrivedRequests: () => finished,
    finishedRequests: () => finished,
    parkedRequests: () => 0
  })

describe("progress", () => {
  it("says how far the run is", () => {
    assert.strictEqual(progressText(view(1_234_999, 5678), 12_031), "1,234 s simulated, 5,678 of 12,031 requests done")
    assert.strictEqual(progressText(view(0, 0), undefined), "0 s simulated, 0 requests done")
  })

  it.effect("redraws one line ten times a second and wipes it at the end", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          const progress = yield* showProgress(10, false)
          yield* TestClock.adjust("150 millis")
          assert.deepStrictEqual(written, [])
          progress.monitor(view(2500, 3))
          yield* TestClock.adjust("250 millis")
        })
      ).pipe(Effect.provideService(ProgressTerminal, (text) => void written.push(text)))
      const line = "\r\u001b[2K2 s simulated, 3 of 10 requests done"
      assert.deepStrictEqual(written, [line, line, line, "\r\u001b[2K"])
    })
  )

  it.effect("stays silent when told so, and where nobody looks", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const show = (quiet: boolean) =>
        Effect.scoped(Effect.andThen(showProgress(1, quiet), TestClock.adjust("1 second")))
      yield* Effect.provideService(show(true), ProgressTerminal, (text) => void written.push(text))
      yield* show(false)
      assert.deepStrictEqual(written, [])
    })
  )
})

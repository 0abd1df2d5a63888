import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { exitCodeOf } from "../../src/cli/ExitCode.ts"
import { untilInterrupted } from "../../src/cli/UntilInterrupted.ts"
import { usageError } from "../../src/settings/SettingsError.ts"
import { OutputError } from "../../src/report/ReportError.ts"
import { ReplayError } from "../../src/simulation/ReplayError.ts"

describe("untilInterrupted", () => {
  it.effect("gives the result of work that nobody interrupts", () =>
    Effect.gen(function* () {
      const result = yield* untilInterrupted(
        () => Effect.succeed(20),
        (value) => Effect.succeed(value + 1)
      )
      assert.strictEqual(result, 21)
    })
  )

  it.effect("lets interrupted work end and be finished, and is interrupted then", () =>
    Effect.gen(function* () {
      const steps: Array<string> = []
      const started = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        untilInterrupted(
          (stop) =>
            Effect.gen(function* () {
              yield* Deferred.succeed(started, undefined)
              yield* stop
              steps.push("asked to stop")
              return "partial"
            }),
          (result) =>
            Effect.gen(function* () {
              yield* Effect.yieldNow
              steps.push(`finished with ${result}`)
            })
        )
      )
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      assert.deepStrictEqual(steps, ["asked to stop", "finished with partial"])
      assert.strictEqual(exitCodeOf(exit), 130)
    })
  )

  it.effect("fails as the work fails, and does not finish then", () =>
    Effect.gen(function* () {
      let finished = false
      const exit = yield* Effect.exit(
        untilInterrupted(
          () => Effect.fail("broken"),
          () => Effect.sync(() => void (finished = true))
        )
      )
      assert.deepStrictEqual(exit, Exit.fail("broken"))
      assert.isFalse(finished)
    })
  )
})

describe("exitCodeOf", () => {
  it("tells mistakes of the user from failures of the run", () => {
    assert.strictEqual(exitCodeOf(Exit.void), 0)
    assert.strictEqual(exitCodeOf(Exit.fail(usageError("--seed", "is odd"))), 2)
    assert.strictEqual(exitCodeOf(Exit.fail(new ReplayError({ reason: "dead-end", problem: "stuck", timeMs: 0 }))), 1)
    assert.strictEqual(exitCodeOf(Exit.fail(new OutputError({ path: "r", problem: "full" }))), 1)
    assert.strictEqual(exitCodeOf(Exit.die(new Error("bug"))), 1)
    assert.strictEqual(exitCodeOf(Exit.interrupt()), 130)
  })
})

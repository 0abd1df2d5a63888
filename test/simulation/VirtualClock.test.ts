import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { VirtualTime } from "../../src/simulation/VirtualClock.ts"

/** Starts an effect as a policy of this clock. */
const start = <A>(time: VirtualTime, effect: Effect.Effect<A>): Fiber.Fiber<A> => {
  const fiber = Effect.runFork(Effect.provideService(effect, Clock.Clock, time.clock), { scheduler: time.scheduler })
  time.flush()
  return fiber
}

describe("VirtualTime", () => {
  it("wakes sleepers in the order of their times, then of their ranks, then of lying down", () => {
    const time = new VirtualTime()
    const woken: Array<string> = []
    const sleeper = (name: string, untilMs: number, rank = 0): void => {
      start(
        time,
        Effect.andThen(
          time.sleepUntil(untilMs, rank),
          Effect.sync(() => woken.push(`${name} ${time.nowMs}`))
        )
      )
    }
    sleeper("late", 30)
    sleeper("second", 10, 300)
    sleeper("first", 10, 1)
    sleeper("third", 10, 300)
    sleeper("never", 31)
    time.advanceTo(30, true)
    assert.deepStrictEqual(woken, ["first 10", "second 10", "third 10", "late 30"])
    assert.strictEqual(time.nextTimerMs, 31)
  })

  it("leaves those at the very instant asleep unless asked", () => {
    const time = new VirtualTime()
    let woken = 0
    start(
      time,
      Effect.andThen(
        time.sleepUntil(10),
        Effect.sync(() => woken++)
      )
    )
    time.advanceTo(10, false)
    assert.deepStrictEqual([time.nowMs, woken], [10, 0])
    time.advanceTo(10, true)
    assert.strictEqual(woken, 1)
  })

  it("lets everybody come to rest before time moves on", () => {
    const time = new VirtualTime()
    const log: Array<string> = []
    const ticker = (name: string, everyMs: number): Effect.Effect<never> =>
      Effect.forever(
        Effect.gen(function* () {
          yield* Effect.sleep(everyMs)
          const child = yield* Effect.forkChild(Effect.sync(() => void log.push(`${name} ${time.nowMs}`)))
          yield* Fiber.join(child)
          yield* Effect.yieldNow
        })
      )
    start(time, ticker("a", 10))
    start(time, ticker("b", 15))
    time.advanceTo(100, true)
    const expected = []
    for (let ms = 1; ms <= 100; ms++) {
      // At 30, 60 and 90 b lay down before a did.
      if (ms % 15 === 0) expected.push(`b ${ms}`)
      if (ms % 10 === 0) expected.push(`a ${ms}`)
    }
    assert.deepStrictEqual(log, expected)
  })

  it("keeps a time to the last bit", () => {
    const time = new VirtualTime()
    const exact = 1234.567890123456
    const seen: Array<number> = []
    start(
      time,
      Effect.andThen(
        time.sleepUntil(exact),
        Effect.sync(() => seen.push(time.nowMs))
      )
    )
    time.advanceTo(1e9, true)
    assert.deepStrictEqual(seen, [exact])
    // Effect.sleep takes a Duration, which knows whole nanoseconds.
    start(
      time,
      Effect.andThen(
        Effect.sleep(0.123456789),
        Effect.sync(() => seen.push(time.nowMs))
      )
    )
    time.advanceTo(2e9, true)
    assert.approximately(seen[1]!, 1e9 + 0.123457, 1e-6)
  })

  it("does not turn back for somebody who sleeps until a time gone by", () => {
    const time = new VirtualTime()
    time.advanceTo(10, false)
    const seen: Array<number> = []
    start(
      time,
      Effect.andThen(
        time.sleepUntil(5),
        Effect.sync(() => seen.push(time.nowMs))
      )
    )
    time.advanceTo(20, false)
    assert.deepStrictEqual(seen, [10])
  })

  it("forgets a sleeper that was interrupted", () => {
    const time = new VirtualTime()
    let woken = false
    const fiber = start(
      time,
      Effect.andThen(
        time.sleepUntil(10),
        Effect.sync(() => void (woken = true))
      )
    )
    fiber.interruptUnsafe()
    time.flush()
    time.advanceTo(20, true)
    assert.isFalse(woken)
    assert.strictEqual(time.nextTimerMs, Number.POSITIVE_INFINITY)
  })

  it("tells the time as Effect's clock", () => {
    const time = new VirtualTime()
    time.advanceTo(1.5, false)
    assert.strictEqual(
      Effect.runSync(Clock.currentTimeMillis.pipe(Effect.provideService(Clock.Clock, time.clock))),
      1.5
    )
    assert.strictEqual(time.clock.currentTimeNanosUnsafe(), 1_500_000n)
    assert.strictEqual(Effect.runSync(time.clock.currentTimeNanos), 1_500_000n)
    assert.strictEqual(Effect.runSync(time.clock.monotonicTimeNanos), 1_500_000n)
  })

  it("belongs to one run for good", () => {
    const time = new VirtualTime()
    time.advanceTo(7, false)
    assert.isTrue(time.claim())
    assert.strictEqual(time.nowMs, 0)
    assert.isFalse(time.claim())
  })
})

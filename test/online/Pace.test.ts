import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LagMeter } from "../../src/online/LagMeter.ts"
import { Pace, Turn } from "../../src/online/Pace.ts"
import * as VirtualPace from "../../src/online/VirtualPace.ts"

describe("Pace", () => {
  it.live("never wakes before the time, on the live clock", () =>
    Effect.gen(function* () {
      const time = yield* (yield* Pace).start
      assert.isBelow(time.nowMs(), 50)
      for (const ms of [0.2, 1.7, 5.3]) {
        const untilMs = time.nowMs() + ms
        yield* time.sleepUntil(untilMs, Turn.passEnd)
        assert.isAtLeast(time.nowMs(), untilMs)
      }
    }).pipe(Effect.provide(Pace.layerLive))
  )

  it.live("lets others run when the time has passed", () =>
    Effect.gen(function* () {
      const time = yield* (yield* Pace).start
      const order: Array<string> = []
      yield* Effect.forkChild(Effect.sync(() => order.push("other")))
      yield* time.sleepUntil(0, Turn.passEnd)
      order.push("sleeper")
      assert.deepStrictEqual(order, ["other", "sleeper"])
    }).pipe(Effect.provide(Pace.layerLive))
  )

  it.effect("wakes the sleepers of one instant by turn in virtual time, exactly then", () =>
    VirtualPace.run(
      Effect.gen(function* () {
        const time = yield* (yield* Pace).start
        const order: Array<readonly [string, number]> = []
        const sleeper = (name: string, turn: number) =>
          Effect.map(time.sleepUntil(1.234567890123, turn), () => order.push([name, time.nowMs()]))
        yield* Effect.all(
          [
            sleeper("second start", Turn.start + 1),
            sleeper("start", Turn.start),
            sleeper("arrival", Turn.arrival),
            sleeper("settle", Turn.settle),
            sleeper("pass end", Turn.passEnd)
          ],
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          order.map(([name]) => name),
          ["pass end", "settle", "arrival", "start", "second start"]
        )
        assert.isTrue(order.every(([, ms]) => ms === 1.234567890123))
      })
    )
  )

  it.effect("names a program in virtual time that waits for something else", () =>
    Effect.gen(function* () {
      const defect = yield* Effect.sandbox(VirtualPace.run(Effect.never)).pipe(Effect.flip)
      assert.match(String(defect), /waits for something other than time/)
    })
  )
})

describe("LagMeter", () => {
  it("tells mean, maximum and slips apart", () => {
    const lag = new LagMeter()
    assert.strictEqual(lag.meanMs, 0)
    lag.passEnded(10, 12)
    lag.passEnded(20, 20)
    lag.passEnded(30, 29.9)
    lag.slipped(25)
    assert.deepStrictEqual([lag.passes, lag.meanMs, lag.maxMs, lag.slippedMs], [3, 2 / 3, 2, 25])
    assert.match(
      lag.describe(),
      /^on the live clock 3 passes ended 0\.667 ms late on average and 2\.000 ms at most; .* 25\.000 ms/
    )
  })
})

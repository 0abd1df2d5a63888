/**
 * Runs an online program in virtual time: time moves on when every fiber waits for it.
 *
 * The program must wait through its Pace alone. Real I/O does not hold virtual time back, so rows have to come from memory.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { VirtualTime } from "../simulation/VirtualClock.ts"
import { Pace } from "./Pace.ts"

const timelineOf = (time: VirtualTime): Pace["Service"] => ({
  start: Effect.sync(() => ({
    nowMs: () => time.nowMs,
    sleepUntil: (timeMs, turn) => Effect.suspend(() => time.sleepUntil(Math.max(timeMs, time.nowMs), turn))
  }))
})

/** Runs the program to its end on a clock of its own; dies if it waits for something that no time can bring. */
export const run = <A, E, R>(program: Effect.Effect<A, E, R | Pace>): Effect.Effect<A, E, Exclude<R, Pace>> =>
  Effect.contextWith((context) =>
    Effect.suspend(() => {
      const time = new VirtualTime()
      const fiber = Effect.runForkWith(context)(Effect.provideService(program, Pace, timelineOf(time)), {
        scheduler: time.scheduler
      })
      time.flush()
      while (fiber.pollUnsafe() === undefined && time.nextTimerMs < Number.POSITIVE_INFINITY) {
        time.advanceTo(time.nextTimerMs, true)
      }
      return fiber.pollUnsafe() === undefined
        ? Effect.die(new Error(`at ${time.nowMs} ms every fiber waits for something other than time`))
        : Fiber.join(fiber)
    })
  )

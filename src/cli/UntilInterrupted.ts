/**
 * Work that ends early but properly when the user interrupts it: the first interruption asks it to stop, and its result is
 * still used.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { explain } from "./Explain.ts"

/**
 * Runs `work`, which is expected to end soon after `stop` completes, and then `finish` with its result. An interruption
 * completes `stop` instead of ending the work; it takes effect when `finish` is done, in place of any failure, which is told before.
 */
export const untilInterrupted = <A, E, R, B, E2, R2>(
  work: (stop: Effect.Effect<void>) => Effect.Effect<A, E, R>,
  finish: (result: A) => Effect.Effect<B, E2, R2>
): Effect.Effect<B, E | E2, R | R2> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const stop = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(Effect.interruptible(work(Deferred.await(stop))))
      const waited = yield* Effect.exit(restore(Fiber.await(fiber)))
      const ended = Effect.flatMap(Fiber.join(fiber), finish)
      if (Exit.isSuccess(waited)) return yield* ended
      yield* Deferred.succeed(stop, undefined)
      return yield* Effect.tapCause(ended, explain)
    })
  )

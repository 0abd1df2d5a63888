/**
 * The time that an online run lives in.
 *
 * Everything online waits through a {@link Timeline}: on the live clock it is real time, on a virtual one (VirtualPace.ts)
 * it moves as fast as the program allows. Times are `number` milliseconds since the run began; they never pass
 * through `Duration` in virtual time, so the same program gives the offline result to the last digit.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * Who goes first among those due at the same instant: copies between KV tiers end, passes end, then the deployment digests what they gave, then
 * requests arrive, then new passes start by ascending worker (`Turn.start + workerIndex`). What passes without duration set off waits
 * until all have started. It is the offline order.
 */
export const Turn = { copyEnd: 0, passEnd: 1, settle: 2, arrival: 3, start: 4, roundEnd: 65_535 } as const

/** The time of one run, from 0. */
export interface Timeline {
  readonly nowMs: () => number
  /**
   * Waits until `timeMs` and never wakes before it. Other fibers get their turn in any case, also when that time has
   * passed. Only virtual time has instants that several sleepers share; the live clock has no use for `turn`.
   */
  readonly sleepUntil: (timeMs: number, turn: number) => Effect.Effect<void>
}

const nanosPerMilli = 1e6

/** Monotonic time of Effect's Clock, which system clock corrections do not touch. */
class LiveTimeline implements Timeline {
  private readonly clock: Clock.Clock
  private readonly originNanos: bigint

  constructor(clock: Clock.Clock) {
    this.clock = clock
    this.originNanos = clock.monotonicTimeNanosUnsafe()
  }

  readonly nowMs = (): number => Number(this.clock.monotonicTimeNanosUnsafe() - this.originNanos) / nanosPerMilli

  readonly sleepUntil = (timeMs: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const leftMs = timeMs - this.nowMs()
      return leftMs > 0
        ? // Timers may fire a fraction of a millisecond early: look again.
          Effect.andThen(this.clock.sleep(Duration.millis(leftMs)), this.untilDue(timeMs))
        : Effect.yieldNow
    })

  private untilDue(timeMs: number): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.nowMs() < timeMs ? Effect.andThen(Effect.yieldNow, this.untilDue(timeMs)) : Effect.void
    )
  }
}

/** Which time an online run lives in: real, or virtual. */
export class Pace extends Context.Service<
  Pace,
  {
    /** Starts the time of one run. */
    readonly start: Effect.Effect<Timeline>
  }
>()("dynosim/online/Pace") {
  /** Real time. */
  static readonly layerLive: Layer.Layer<Pace> = Layer.succeed(Pace, {
    start: Clock.clockWith((clock) => Effect.sync(() => new LiveTimeline(clock)))
  })
}

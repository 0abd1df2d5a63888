/**
 * Simulated time as Effect's Clock.
 *
 * The layer replaces the Clock, so `Effect.sleep`, `Clock.currentTimeMillis`, schedules and timeouts of whatever runs under it
 * follow the simulation: {@link VirtualTime} keeps the sleepers, the simulation moves it forward. Policies given to a run are
 * also scheduled by it ({@link VirtualTime.scheduler}), so they come to rest before time moves on: fully deterministic.
 *
 * Gotchas: `Duration` is whole nanoseconds, so the simulation itself never takes a time from here. Policies must not wait for
 * real I/O: simulated time does not stop for it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scheduler from "effect/Scheduler"
import { EventQueue } from "./EventQueue.ts"

const nanosPerMilli = 1_000_000

/** The time itself, ms from 0, and who sleeps until when. For one run only. */
export class VirtualTime {
  nowMs = 0
  private claimed = false
  private readonly timers = new EventQueue()
  private readonly sleepers = new Map<number, () => void>()
  private nextTimer = 0
  private tasks: Array<() => void> = []

  readonly clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => this.nowMs,
    currentTimeMillis: Effect.sync(() => this.nowMs),
    currentTimeNanosUnsafe: () => this.nowNanos(),
    currentTimeNanos: Effect.sync(() => this.nowNanos()),
    monotonicTimeNanosUnsafe: () => this.nowNanos(),
    monotonicTimeNanos: Effect.sync(() => this.nowNanos()),
    sleep: (duration) => Effect.suspend(() => this.sleepUntil(this.nowMs + Duration.toMillis(duration)))
  }

  /** Runs the fibers of policies; the simulation flushes it after every timer. */
  readonly scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: () => false,
    makeDispatcher: () => ({
      scheduleTask: (task) => void this.tasks.push(task),
      flush: () => this.flush()
    })
  }

  /** When the next sleeper wakes; `Infinity` when nobody sleeps. */
  get nextTimerMs(): number {
    return this.timers.headMs
  }

  /**
   * Sleeps until a simulated time in ms, without the rounding of `Duration`. Sleepers of one time wake by ascending
   * `rank` (0 … 65535), then in the order in which they lay down.
   */
  sleepUntil(timeMs: number, rank = 0): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const timer = this.nextTimer++
      this.sleepers.set(timer, () => resume(Effect.void))
      this.timers.push(timeMs, rank, timer)
      return Effect.sync(() => void this.sleepers.delete(timer))
    })
  }

  /** Wakes everybody who sleeps until before `timeMs` (or until then, if `inclusive`), in order, then moves to it. */
  advanceTo(timeMs: number, inclusive: boolean): void {
    while (this.timers.length > 0) {
      const timerMs = this.timers.headMs
      if (inclusive ? timerMs > timeMs : timerMs >= timeMs) break
      const timer = this.timers.headPayload
      this.timers.pop()
      const wake = this.sleepers.get(timer)
      if (wake === undefined) continue
      this.sleepers.delete(timer)
      this.nowMs = Math.max(this.nowMs, timerMs)
      wake()
      this.flush()
    }
    this.nowMs = timeMs
  }

  /** Lets scheduled fibers run until all of them wait. */
  flush(): void {
    while (this.tasks.length > 0) {
      const batch = this.tasks
      this.tasks = []
      for (const task of batch) task()
    }
  }

  /** Claims the clock for one run, for good, starting at 0; false when another run has claimed it, ended or not. */
  claim(): boolean {
    if (this.claimed) return false
    this.claimed = true
    this.nowMs = 0
    return true
  }

  private nowNanos(): bigint {
    return BigInt(Math.round(this.nowMs * nanosPerMilli))
  }
}

/** Simulated time of one run; its layer replaces Effect's Clock as well. */
export class VirtualClock extends Context.Service<VirtualClock, VirtualTime>()("dynosim/simulation/VirtualClock") {
  /** A clock for one run; provide it per run (`Effect.provide(layer, { local: true })` inside an outer provide). */
  static readonly layer: Layer.Layer<VirtualClock> = Layer.unwrap(
    Effect.sync(() => {
      const time = new VirtualTime()
      return Layer.merge(Layer.succeed(VirtualClock, time), Layer.succeed(Clock.Clock, time.clock))
    })
  )
}

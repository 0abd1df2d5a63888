/**
 * Rings when copies between KV tiers end, which happens beside passes: whoever waits for one would otherwise sleep for ever. Nothing of
 * it is reached where workers have no tiers.
 */
import * as Effect from "effect/Effect"
import { type Timeline, Turn } from "./Pace.ts"

export interface CopyAlarmOptions {
  readonly time: Timeline
  /** When the next copy ends; `Infinity` when none is under way. */
  readonly deadlineMs: () => number
  /** May leave what has ended to somebody who runs later, and then sets the alarm again. */
  readonly ring: Effect.Effect<void>
}

export class CopyAlarm {
  private readonly options: CopyAlarmOptions
  /** When it rings next. */
  private dueMs = Number.POSITIVE_INFINITY

  constructor(options: CopyAlarmOptions) {
    this.options = options
  }

  /** Sets it for copies that may have started, as a child of the fiber that runs this. */
  readonly set: Effect.Effect<void> = Effect.suspend(() => {
    const deadlineMs = this.options.deadlineMs()
    if (deadlineMs >= this.dueMs) return Effect.void
    this.dueMs = deadlineMs
    return Effect.asVoid(Effect.forkChild(this.sleep(deadlineMs)))
  })

  private readonly sleep = Effect.fnUntraced(function* (this: CopyAlarm, firstMs: number) {
    const { deadlineMs, ring, time } = this.options
    let wakeMs = firstMs
    while (wakeMs < Number.POSITIVE_INFINITY) {
      yield* time.sleepUntil(wakeMs, Turn.copyEnd)
      // It was set to ring earlier meanwhile: somebody else sleeps until then.
      if (this.dueMs !== wakeMs) return
      yield* ring
      const nextMs = deadlineMs()
      wakeMs = nextMs > time.nowMs() ? nextMs : Number.POSITIVE_INFINITY
      this.dueMs = wakeMs
    }
  })
}

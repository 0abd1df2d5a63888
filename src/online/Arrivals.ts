/**
 * The load of an online run: feeds a workload core with rows as it asks for them, and submits its requests when they are
 * ready, by time or because another one has ended.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import type { SimRequest } from "../request/SimRequest.ts"
import { failureOf } from "../simulation/CoreFailure.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import type { WorkloadCore } from "../workload/Workload.ts"
import { type Timeline, Turn } from "./Pace.ts"

export interface ArrivalsOptions {
  readonly workload: WorkloadCore
  readonly rows: Stream.Stream<TraceRow, TraceError>
  readonly time: Timeline
  /** Requests arrived and not ended. */
  readonly inFlight: () => number
  readonly submit: (request: SimRequest) => void
  /** Asked before waiting for nothing but ends of requests: fails if none can come. */
  readonly checkProgress: Effect.Effect<void, ReplayError>
}

export class Arrivals {
  private readonly options: ArrivalsOptions
  /** Opened when a request has ended or a worker rests. */
  private readonly changed = Latch.makeUnsafe()

  constructor(options: ArrivalsOptions) {
    this.options = options
  }

  /** Wakes the arrivals up: something they may wait for has happened. */
  readonly wake: Effect.Effect<void> = Effect.asVoid(this.changed.open)

  /** Ends when all requests have arrived and ended. */
  readonly run: Effect.Effect<void, TraceError | ReplayError> = Effect.suspend(() => {
    const { inFlight, rows, workload } = this.options
    return Stream.runForEachArray(rows, (chunk) => {
      workload.pushRows(chunk)
      return this.until(() => workload.needsRows)
    }).pipe(
      Effect.tap(() => Effect.sync(() => workload.endRows())),
      // An open loop may need no rows any more long before its last request has ended.
      Effect.andThen(this.until(() => workload.drained && inFlight() === 0))
    )
  })

  /** Submits what is ready now. */
  submitReady(): Effect.Effect<void, ReplayError> {
    const { inFlight, submit, time, workload } = this.options
    const nowMs = time.nowMs()
    try {
      for (;;) {
        const request = workload.popReady(nowMs, inFlight())
        if (request === undefined) return Effect.void
        submit(request)
      }
    } catch (error) {
      return failureOf(error, nowMs)
    }
  }

  private readonly until = Effect.fnUntraced(function* (this: Arrivals, done: () => boolean) {
    const { checkProgress, time, workload } = this.options
    for (let due = true; ;) {
      // Whoever wakes the arrivals has submitted what is ready, at the right moment.
      if (due) yield* this.submitReady()
      if (done()) return
      const nextMs = workload.nextReadyMs()
      this.changed.closeUnsafe()
      if (nextMs === Number.POSITIVE_INFINITY) {
        yield* checkProgress
        due = yield* Effect.as(this.changed.await, false)
      } else {
        due = yield* Effect.raceFirst(
          Effect.as(time.sleepUntil(nextMs, Turn.arrival), true),
          Effect.as(this.changed.await, false)
        )
      }
    }
  })
}

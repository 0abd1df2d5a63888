/**
 * What the program that embeds a run sees of it in its own traces and metrics: one span per run, and counters of requests and passes.
 *
 * Counters move once per chunk of events, never per event.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import type { ReplayEvent, RunSummary } from "../report/ReplayEvent.ts"
import type { RequestStatus } from "../request/SimRequest.ts"

/** Name of the span that covers a run from its preparation to its last event. */
export const runSpan = "dynosim.run"

/** Requests that left a run; attribute `status`: completed, rejected, failed, or in_flight for those cut off. */
export const requests = Metric.counter("dynosim.requests", {
  description: "Requests that left a simulation, by how they ended",
  incremental: true
})

/** Scheduler passes of all workers. */
export const passes = Metric.counter("dynosim.passes", {
  description: "Scheduler passes that simulated workers computed",
  incremental: true
})

const statuses: ReadonlyArray<RequestStatus> = ["completed", "rejected", "failed", "in_flight"]
const requestsBy = statuses.map((status) => ({ status, counter: Metric.withAttributes(requests, { status }) }))

type Chunk = NonEmptyReadonlyArray<ReplayEvent>

const byStatus = (events: Chunk): Record<RequestStatus, number> => {
  const counts = { completed: 0, rejected: 0, failed: 0, in_flight: 0 }
  for (let index = 0; index < events.length; index++) {
    const event = events[index]!
    if (event._tag === "Request") counts[event.status] += 1
  }
  return counts
}

/** On the run's span: how it went out. */
const noteSummary = ({ arrivedRequests, endMs, ended }: RunSummary): Effect.Effect<void> =>
  Effect.annotateCurrentSpan({ "dynosim.requests": arrivedRequests, "dynosim.ended": ended, "dynosim.end_ms": endMs })

/** Counts what a run emits; `passesSoFar` is asked after every chunk. */
export const counted =
  (passesSoFar: () => number) =>
  <E, R>(self: Stream.Stream<ReplayEvent, E, R>): Stream.Stream<ReplayEvent, E, R> => {
    let countedPasses = 0
    const note = Effect.fnUntraced(function* (events: Chunk) {
      const ended = byStatus(events)
      for (const { counter, status } of requestsBy) {
        if (ended[status] > 0) yield* Metric.update(counter, ended[status])
      }
      const now = passesSoFar()
      if (now > countedPasses) yield* Metric.update(passes, now - countedPasses)
      countedPasses = now
      const last = events.at(-1)
      if (last?._tag === "Summary") yield* noteSummary(last)
      return events
    })
    return Stream.mapArrayEffect(self, note)
  }

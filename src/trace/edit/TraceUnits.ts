/**
 * What a slice or a sample keeps or drops as a whole: sessions, in graphs the requests that hang together, or single requests.
 *
 *     unit     place in the order of first appearance
 *     startMs  when its first request comes, in trace time
 *     row      as it stands for itself: that of a request cut out of its session has a time of its own
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { isAgenticRow } from "../AgenticMooncakeReader.ts"
import type { RequestGraph } from "../RequestGraph.ts"
import type { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSource } from "../TraceSource.ts"
import { refusal } from "./EditedTrace.ts"
import { OpenSessions } from "./OpenSessions.ts"
import { SessionClock } from "./SessionClock.ts"
import type { UnitKind } from "./UnitKind.ts"

export interface UnitRow {
  readonly unit: number
  /** `NaN` where the trace does not say. */
  readonly startMs: number
  readonly row: TraceRow
}

export interface TraceUnits {
  readonly count: number
  /** Made for one pass; call once per row, in order. */
  readonly make: () => (row: TraceRow) => UnitRow
}

const sessionUnits = ({ survey }: TraceSource): TraceUnits => ({
  count: survey.sessions,
  make: () => {
    const sessions = new OpenSessions(survey, ({ timestampMs = Number.NaN }, unit) => ({ unit, startMs: timestampMs }))
    return (row) => ({ ...sessions.of(row), row })
  }
})

/** A turn that is cut out comes at the time at which its session would get there; its session says nothing of waits any more. */
const requestUnits = ({ survey }: TraceSource): TraceUnits => ({
  count: survey.rows,
  make: () => {
    const clocks = new OpenSessions(survey, (row) => new SessionClock(row))
    let unit = 0
    return (row) => {
      const clock = clocks.of(row)
      clock.waitMs(row)
      const startMs = clock.nowMs
      return { unit: unit++, startMs, row: survey.multiTurn ? standing(row, startMs) : row }
    }
  }
})

const standing = (row: TraceRow, timestampMs: number): TraceRow => ({ ...row, timestampMs, delayMs: undefined })

/** The part of a graph that each request belongs to, named by its smallest member. */
const partsOf = ({ dependentEnds, dependents, requests }: RequestGraph): Int32Array => {
  const parents = Int32Array.from({ length: requests }, (_, request) => request)
  const root = (request: number): number => {
    let at = request
    while (parents[at] !== at) at = parents[at] = parents[parents[at]!]!
    return at
  }
  for (let request = 0, edge = 0; request < requests; request++) {
    for (; edge < dependentEnds[request]!; edge++) {
      const one = root(request)
      const other = root(dependents[edge]!)
      parents[Math.max(one, other)] = Math.min(one, other)
    }
  }
  for (let request = 0; request < requests; request++) parents[request] = root(request)
  return parents
}

/** A part starts with the first of its requests that wait for nothing, at the start of the trace where no time is given. */
const graphUnits = Effect.fnUntraced(function* (
  { rows, survey: { originMs = 0 } }: TraceSource,
  graph: RequestGraph
): Effect.fn.Return<TraceUnits, TraceError> {
  const units = partsOf(graph)
  let count = 0
  for (let request = 0; request < units.length; request++) {
    const first = units[request]!
    units[request] = first === request ? count++ : units[first]!
  }
  const startMs = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
  let read = 0
  yield* Stream.runForEachArray(rows, (chunk) =>
    Effect.sync(() => {
      for (const row of chunk) {
        const unit = units[read++]!
        if (isAgenticRow(row) && row.waitFor.length === 0) {
          startMs[unit] = Math.min(startMs[unit]!, row.timestampMs ?? originMs)
        }
      }
    })
  )
  return {
    count,
    make: () => {
      let request = 0
      return (row) => {
        const unit = units[request++]!
        return { unit, startMs: startMs[unit]!, row }
      }
    }
  }
})

/** The units of a trace, or why it cannot be cut into them. */
export const traceUnits = (trace: TraceSource, kind: UnitKind): Effect.Effect<TraceUnits, TraceError> => {
  const { accumulatesPrompts, graph, survey } = trace
  if (kind === "sessions") return graph === undefined ? Effect.succeed(sessionUnits(trace)) : graphUnits(trace, graph)
  const wholeOnly = (why: string): Effect.Effect<never, TraceError> =>
    Effect.fail(refusal(trace, `cannot be taken apart into single requests: ${why}; take whole sessions`))
  if (graph !== undefined) return wholeOnly("they wait for each other by name")
  if (accumulatesPrompts) return wholeOnly("prompts hold what the turns before said")
  if (survey.multiTurn && survey.openLoopProblem !== undefined) {
    return wholeOnly("its sessions have turns, and no times at which they start")
  }
  return Effect.succeed(requestUnits(trace))
}

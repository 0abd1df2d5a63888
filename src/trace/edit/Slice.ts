/** A part of a trace: what starts within some time, and of that so many sessions or requests. */
import * as Effect from "effect/Effect"
import type { TraceError } from "../TraceError.ts"
import type { TraceSource } from "../TraceSource.ts"
import { edited, type EditedTrace } from "./EditedTrace.ts"
import { traceUnits } from "./TraceUnits.ts"
import type { UnitKind } from "./UnitKind.ts"

/** Which part of a trace is kept. */
export interface SliceOptions {
  /** What is kept or left out as a whole. */
  readonly by: UnitKind
  /** Since the first arrival, ms; units that start then or later are kept. */
  readonly fromMs: number
  /** Since the first arrival, ms; only units that start before are kept. Infinite for the end. */
  readonly untilMs: number
  /** Units left out at the start of what is within that time, and units then kept. */
  readonly skip: number
  readonly count: number
}

/** Rows keep their order and their times; a session belongs to the time at which it starts. */
export const slice = Effect.fnUntraced(function* (
  trace: TraceSource,
  { by, count, fromMs, skip, untilMs }: SliceOptions
): Effect.fn.Return<EditedTrace, TraceError> {
  const { openLoopProblem, originMs = 0 } = trace.survey
  const needsTimes = fromMs > 0 || untilMs < Number.POSITIVE_INFINITY
  if (needsTimes && openLoopProblem !== undefined) return yield* openLoopProblem
  const units = yield* traceUnits(trace, by)
  return edited(trace, () => {
    const unitOf = units.make()
    const isKept = new Uint8Array(units.count)
    let seen = -1
    let within = 0
    const decide = (startMs: number): boolean => {
      const isWithin = !needsTimes || (startMs - originMs >= fromMs && startMs - originMs < untilMs)
      if (!isWithin) return false
      within += 1
      return within > skip && within - skip <= count
    }
    return {
      take: (read, emit) => {
        const { row, startMs, unit } = unitOf(read)
        if (unit > seen) {
          seen = unit
          if (decide(startMs)) isKept[unit] = 1
        }
        if (isKept[unit] === 1) emit(row)
        return undefined
      }
    }
  })
})

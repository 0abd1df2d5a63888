/** Some sessions or requests of a trace, drawn by a seed: every choice of so many is equally likely. */
import * as Effect from "effect/Effect"
import { Pcg32 } from "../../structures/Pcg32.ts"
import type { TraceError } from "../TraceError.ts"
import type { TraceSource } from "../TraceSource.ts"
import { edited, type EditedTrace, refusal } from "./EditedTrace.ts"
import { traceUnits } from "./TraceUnits.ts"
import type { UnitKind } from "./UnitKind.ts"
import { counted } from "../../settings/Counted.ts"

/** How much of a trace is kept. */
export interface SampleOptions {
  /** What is kept or left out as a whole. */
  readonly by: UnitKind
  /** How many are kept: a number, or a share of them, rounded, at least one. */
  readonly size: { readonly count: number } | { readonly share: number }
  readonly seed: number | bigint
}

/**
 * Rows keep their order and their times. Selection sampling (Knuth, TAOCP 3.4.2, algorithm S): a unit is kept with the probability
 * `still wanted / still to come`, so exactly as many are kept as were asked for.
 */
export const sample = Effect.fnUntraced(function* (
  trace: TraceSource,
  { by, seed, size }: SampleOptions
): Effect.fn.Return<EditedTrace, TraceError> {
  const units = yield* traceUnits(trace, by)
  const wanted = "count" in size ? size.count : Math.max(1, Math.round(size.share * units.count))
  if (wanted > units.count) {
    return yield* refusal(
      trace,
      `has ${counted(units.count, by === "sessions" ? "session" : "request")}, fewer than the ${wanted} asked for`
    )
  }
  return edited(trace, () => {
    const unitOf = units.make()
    const random = new Pcg32(seed)
    const isKept = new Uint8Array(units.count)
    let seen = 0
    let kept = 0
    return {
      take: (read, emit) => {
        const { row, unit } = unitOf(read)
        if (unit === seen) {
          seen += 1
          if (random.unit() * (units.count - unit) < wanted - kept) {
            isKept[unit] = 1
            kept += 1
          }
        }
        if (isKept[unit] === 1) emit(row)
        return undefined
      }
    }
  })
})

/**
 * Collectives among GPUs: latency over message elements, scaled where more GPUs take part than were measured.
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"
import { Curve } from "./Curve.ts"
import { Axis, type MeasuredRange } from "./MeasuredRange.ts"
import { column, type PerfTables } from "./PerfTables.ts"
import { allRows, rowsWhere, runsOf, valuesIn } from "./RowRange.ts"
import { collectiveBytesPerS, type SystemConstants } from "./SystemConstants.ts"

const maxElements = 2 ** 32 - 1

export class Collective {
  private readonly curve: Curve
  private readonly scale: number

  constructor(curve: Curve, scale: number) {
    this.curve = curve
    this.scale = scale
  }

  at(elements: number): number {
    return this.curve.at(Math.min(elements, maxElements)) * this.scale
  }
}

/** Cost among `gpus` relative to the same collective among `measured`: the ring's steps and its slowest link. */
const beyondMeasured = (system: SystemConstants, gpus: number, measured: number): number =>
  ((gpus - 1) / gpus)
  * (measured / Math.max(measured - 1, 1))
  * (collectiveBytesPerS(system, measured) / collectiveBytesPerS(system, gpus))

export type CollectiveKind = "all_reduce" | "all_gather" | "reduce_scatter"

/**
 * A collective among `gpus` GPUs. An all-reduce is measured within a node at most, the others up to the largest
 * group in their table.
 */
export const collective = Effect.fnUntraced(function* (
  tables: PerfTables,
  system: SystemConstants,
  range: MeasuredRange,
  kind: CollectiveKind,
  gpus: number
) {
  const table = yield* tables.section(kind)
  const groups = runsOf(column(table, "gpus"), allRows(table)).map(({ value }) => value)
  const limit = kind === "all_reduce" ? system.gpusPerNode : Math.max(...groups)
  const measured = Math.min(gpus, limit)
  const rows = rowsWhere(table, { gpus: measured })
  if (rows.from === rows.to) {
    return yield* new AicError({
      where: tables.label,
      problem: `'${kind}' was not measured among ${measured} GPUs`,
      advice: `measured: ${groups.join(", ")}`
    })
  }
  const curve = new Curve(
    valuesIn(column(table, "elements"), rows),
    valuesIn(table.latencyMs, rows),
    range,
    Axis.elements
  )
  return new Collective(curve, measured < gpus ? beyondMeasured(system, gpus, measured) : 1)
})

/**
 * Expert layers: latency over the tokens of a pass, measured for one expert shape and spread.
 *
 * Beyond the largest measurement the latency follows the hardware bound, scaled so that it meets the last point.
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"
import { Curve } from "./Curve.ts"
import { Axis, type MeasuredRange } from "./MeasuredRange.ts"
import type { MoeOp } from "./Op.ts"
import { column, type PerfTables, type RowTable } from "./PerfTables.ts"
import { weightFormat } from "./QuantMode.ts"
import { rowsWhere, runsOf, valuesIn } from "./RowRange.ts"
import type { SystemConstants } from "./SystemConstants.ts"

/** Matrices of a gated expert: gate, up and down. */
const matrices = 3

/** Lower bound of the latency of `tokens`, ms: arithmetic at peak, or moving activations and touched weights. */
export const moeFloorMs = (system: SystemConstants, op: MoeOp, tokens: number): number => {
  const { bytesPerElement, computeFactor } = weightFormat(op.quant)
  const pairs = tokens * op.topk
  const pairsPerGpu = Math.floor(pairs / op.moeEp)
  const flops = Math.floor(Math.floor((pairs * op.hidden * op.inter * matrices * 2) / op.moeEp) / op.moeTp)
  const elements =
    pairsPerGpu * op.hidden * 2
    + Math.floor((pairsPerGpu * op.inter * matrices) / op.moeTp)
    + Math.floor((op.hidden * op.inter * matrices) / op.moeTp)
      * Math.min(Math.floor(op.experts / op.moeEp), pairsPerGpu)
  return Math.max(
    (flops / (system.bfloat16Flops * computeFactor)) * 1000,
    ((bytesPerElement * elements) / system.memBandwidthBytesPerS) * 1000
  )
}

export class MoeCurve {
  private readonly measured: Curve
  private readonly range: MeasuredRange
  private readonly floorMs: (tokens: number) => number
  private readonly lastTokens: number
  /** Share of the hardware bound reached at the last measured point. */
  private readonly efficiency: number

  constructor(measured: Curve, range: MeasuredRange, floorMs: (tokens: number) => number) {
    this.measured = measured
    this.range = range
    this.floorMs = floorMs
    this.lastTokens = measured.last
    this.efficiency = Math.min(1, Math.max(1e-8, floorMs(this.lastTokens) / measured.at(this.lastTokens)))
  }

  at(tokens: number): number {
    if (tokens <= this.lastTokens) return this.measured.at(tokens)
    this.range.leave(Axis.tokens, tokens, this.lastTokens)
    return this.floorMs(tokens) / this.efficiency
  }
}

/** Latency in ms of one expert layer over the tokens of a pass. */
export const moeCurve = Effect.fnUntraced(function* (
  tables: PerfTables,
  system: SystemConstants,
  range: MeasuredRange,
  op: MoeOp
) {
  const section = `${op.distribution === "power_law_1.01" ? "moe_power_law_1.01" : "moe"}/${op.quant}`
  const table = yield* tables.section(section)
  const rows = rowsWhere(table, {
    topk: op.topk,
    experts: op.experts,
    hidden: op.hidden,
    inter: op.inter,
    moe_tp: op.moeTp,
    moe_ep: op.moeEp
  })
  if (rows.from === rows.to) {
    return yield* new AicError({
      where: tables.label,
      problem:
        `'${section}' has no rows for ${op.experts} experts, top ${op.topk}, hidden ${op.hidden}, `
        + `inter ${op.inter} on moe_tp ${op.moeTp} x moe_ep ${op.moeEp}`,
      advice: spreads(table, op)
    })
  }
  const measured = new Curve(valuesIn(column(table, "tokens"), rows), valuesIn(table.latencyMs, rows), range)
  return new MoeCurve(measured, range, (count) => moeFloorMs(system, op, count))
})

/** The spreads measured for this expert shape, for an error. */
const spreads = (table: RowTable, op: MoeOp): string => {
  const { experts, hidden, inter, topk } = op
  const known = runsOf(column(table, "moe_tp"), rowsWhere(table, { topk, experts, hidden, inter })).flatMap((moeTp) =>
    runsOf(column(table, "moe_ep"), moeTp).map((moeEp) => `${moeTp.value}x${moeEp.value}`)
  )
  return known.length === 0
    ? "no table has this expert shape; a bundle can bring one (--aic-bundle)"
    : `measured moe_tp x moe_ep: ${known.join(", ")}`
}

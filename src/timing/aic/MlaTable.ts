/**
 * Multi-head latent attention: whole modules, kernels, and the products that absorb the latent projections into queries
 * and outputs of a decode step.
 *
 * Prefill is measured over (sequence length, batch), decode over (batch, sequence length): which of the two is bracketed
 * first changes the result.
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"
import { Curve } from "./Curve.ts"
import { type GridRequest, headGrid } from "./HeadGrid.ts"
import { Axis, type MeasuredRange } from "./MeasuredRange.ts"
import type { MlaBmmOp } from "./Op.ts"
import { column, type PerfTables } from "./PerfTables.ts"
import { allRows, rowsWhere, valuesIn } from "./RowRange.ts"

type Phase = "prefill" | "decode"

const sequence = ["tokens", Axis.sequence] as const
const requests = ["batch", Axis.requests] as const

const axes: Readonly<Record<Phase, Pick<GridRequest, "outer" | "inner">>> = {
  prefill: { outer: sequence, inner: requests },
  decode: { outer: requests, inner: sequence }
}

/** The grid of a section for some heads: over (tokens, batch) in `prefill`, over (batch, tokens) in `decode`. */
export const latentGrid = Effect.fnUntraced(function* (
  tables: PerfTables,
  range: MeasuredRange,
  request: { readonly section: string; readonly heads: number; readonly phase: Phase }
) {
  const table = yield* tables.section(request.section)
  const grid = headGrid(table, allRows(table), range, { heads: request.heads, ...axes[request.phase] })
  const problem = `'${request.section}' has too few rows for ${request.heads} heads`
  return grid ?? (yield* new AicError({ where: tables.label, problem }))
})

/** Latency of an absorbing product over the requests of a step; formats that were not measured read bfloat16's. */
export const absorbCurve = Effect.fnUntraced(function* (tables: PerfTables, range: MeasuredRange, op: MlaBmmOp) {
  const own = `mla_bmm/${op.quant}/${op.stage}`
  const section = tables.sectionNames.includes(own) ? own : `mla_bmm/bfloat16/${op.stage}`
  const table = yield* tables.section(section)
  const rows = rowsWhere(table, { heads: op.heads })
  if (rows.from === rows.to) {
    return yield* new AicError({ where: tables.label, problem: `'${section}' has no rows for ${op.heads} heads` })
  }
  return new Curve(valuesIn(column(table, "tokens"), rows), valuesIn(table.latencyMs, rows), range, Axis.requests)
})

/** Attention kernels: latency over (sequence length, batch) for the heads of one GPU. */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"
import { type GridRequest, headGrid } from "./HeadGrid.ts"
import { Axis, type MeasuredRange } from "./MeasuredRange.ts"
import type { PerfTables } from "./PerfTables.ts"
import { rowsWhere } from "./RowRange.ts"

interface AttentionRequest extends Pick<GridRequest, "heads" | "floorMs" | "exactFirst" | "needsVariation"> {
  readonly section: string
  readonly kvHeads: number
  readonly headDim: number
  readonly window: number
}

const describe = ({ headDim, heads, kvHeads, section, window }: AttentionRequest): string =>
  `'${section}' has too few rows for ${heads} heads, ${kvHeads} KV heads, head size ${headDim}`
  + (window > 0 ? `, window ${window}` : "")

/** The grid over (tokens, batch) for an operation's heads. */
export const attentionGrid = Effect.fnUntraced(function* (
  tables: PerfTables,
  range: MeasuredRange,
  request: AttentionRequest
) {
  const table = yield* tables.section(request.section)
  const rows = rowsWhere(table, {
    kv_heads: request.heads === request.kvHeads ? 0 : request.kvHeads,
    head_dim: request.headDim,
    window: request.window
  })
  const grid = headGrid(table, rows, range, {
    ...request,
    needsHeadCounts: request.needsVariation === true && !tables.excerpt,
    outer: ["tokens", Axis.sequence],
    inner: ["batch", Axis.requests]
  })
  return grid ?? (yield* new AicError({ where: tables.label, problem: describe(request) }))
})

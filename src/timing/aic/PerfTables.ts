/**
 * Measured latencies as named sections of rows: integer keys in columns, one latency per row, sorted by keys.
 *
 * The sections are `gemm/<quant>`, `context_attention/<fmha>/<kv>`, `generation_attention/<kv>`, `moe/<quant>`,
 * `all_reduce`, `all_gather` and `reduce_scatter`; data/aic/README.md lists their columns.
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"

/** Rows of one section; every column has one integer per row. */
export interface RowTable {
  readonly rows: number
  readonly columns: Readonly<Record<string, Int32Array>>
  readonly latencyMs: Float64Array
}

export interface PerfTables {
  /** Names the tables in errors. */
  readonly label: string
  readonly sectionNames: ReadonlyArray<string>
  /** One section; fails on a name that is not there. */
  readonly section: (name: string) => Effect.Effect<RowTable, AicError>
}

/** The error for a section that the tables lack; lists its siblings. */
export const missingSection = (label: string, sectionNames: ReadonlyArray<string>, name: string): AicError => {
  const family = name.split("/")[0] ?? name
  const siblings = sectionNames.filter((other) => other.split("/")[0] === family)
  return new AicError({
    where: label,
    problem: `no performance data for '${name}'`,
    advice: `available: ${(siblings.length > 0 ? siblings : sectionNames).toSorted().join(", ")}`
  })
}

/** A column that the section's family is known to have. */
export const column = (table: RowTable, name: string): Int32Array => {
  const values = table.columns[name]
  if (values === undefined) throw new Error(`performance table without column '${name}'`)
  return values
}

/** Indices of the rows whose named columns hold the given values, in row order. */
export const rowsWhere = (table: RowTable, key: Readonly<Record<string, number>>): ReadonlyArray<number> => {
  const wanted = Object.entries(key).map(([name, value]) => [column(table, name), value] as const)
  const found: Array<number> = []
  for (let row = 0; row < table.rows; row++) {
    if (wanted.every(([values, value]) => values[row] === value)) found.push(row)
  }
  return found
}

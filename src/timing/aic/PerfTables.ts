/**
 * Measured latencies as named sections of rows: integer keys in columns, one latency per row, sorted by keys.
 *
 * A name is a family and what tells its sections apart, such as `gemm/<quant>` or `context_attention/<fmha>/<kv>`;
 * data/aic/README.md describes the families.
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"

const attentionColumns = ["kv_heads", "head_dim", "window", "heads", "tokens", "batch"]
const expertColumns = ["topk", "experts", "hidden", "inter", "moe_tp", "moe_ep", "tokens"]
const prefillMlaColumns = ["heads", "tokens", "batch"]
const decodeMlaColumns = ["heads", "batch", "tokens"]
const collectiveColumns = ["gpus", "elements"]

/** Key columns by family, in the order in which rows are sorted. */
const familyColumns: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["gemm", ["n", "k", "m"]],
  ["context_attention", attentionColumns],
  ["generation_attention", attentionColumns],
  ["moe", expertColumns],
  ["moe_power_law_1.01", expertColumns],
  ["mla_context_module", prefillMlaColumns],
  ["mla_generation_module", decodeMlaColumns],
  ["context_mla", prefillMlaColumns],
  ["generation_mla", decodeMlaColumns],
  ["mla_bmm", ["heads", "tokens"]],
  ["all_reduce", collectiveColumns],
  ["all_gather", collectiveColumns],
  ["reduce_scatter", collectiveColumns]
])

/** Family of a section: its name up to the first slash. */
export const sectionFamily = (name: string): string => name.split("/")[0] ?? name

/** Key columns of a section, in the order in which its rows are sorted; `undefined` for an unknown family. */
export const sectionColumns = (name: string): ReadonlyArray<string> | undefined =>
  familyColumns.get(sectionFamily(name))

/** No kernel takes eleven days; far above it a number is damaged, and its extrapolation would not end. */
export const maxLatencyMs = 1e9

/** Rows of one section, in ascending order of their keys, which differ; every column has one integer per row. */
export interface RowTable {
  readonly rows: number
  readonly columns: Readonly<Record<string, Int32Array>>
  readonly latencyMs: Float64Array
}

export interface PerfTables {
  /** Names the tables in errors. */
  readonly label: string
  readonly sectionNames: ReadonlyArray<string>
  /** Whether these are only the rows that one configuration looks up, as in a bundle, and not a whole measurement. */
  readonly excerpt: boolean
  /** One section; fails on a name that is not there. */
  readonly section: (name: string) => Effect.Effect<RowTable, AicError>
}

/** The error for a section that the tables lack; lists its siblings. */
export const missingSection = (label: string, sectionNames: ReadonlyArray<string>, name: string): AicError => {
  const family = sectionFamily(name)
  const siblings = sectionNames.filter((other) => sectionFamily(other) === family)
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

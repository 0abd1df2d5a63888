/**
 * Rows of a table that follow each other. Rows are sorted by their keys, so those that share their first keys do, and are found by
 * bisection:
 *
 *     n   k   m │
 *     64  64  1 │ ◀ from   rowsWhere(table, { n: 64, k: 64 })
 *     64  64  8 │
 *     64 128  1 │ ◀ to
 */
import { column, type RowTable } from "./PerfTables.ts"

export interface RowRange {
  readonly from: number
  /** The first row after them. */
  readonly to: number
}

/** Rows that share the value of a column. */
export interface Run extends RowRange {
  readonly value: number
}

export const allRows = ({ rows }: RowTable): RowRange => ({ from: 0, to: rows })

/** The first of some rows, in which `keys` ascend, whose key is at least `key`; the row after them if there is none. */
const firstAtLeast = (keys: Int32Array, { from, to }: RowRange, key: number): number => {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}

/** Those of some rows, in which `keys` ascend, whose key is `key`. */
const rowsWith = (keys: Int32Array, rows: RowRange, key: number): RowRange => {
  const from = firstAtLeast(keys, rows, key)
  return { from, to: firstAtLeast(keys, { from, to: rows.to }, key + 1) }
}

/** The rows whose first key columns hold the given values; `key` names them in order. */
export const rowsWhere = (table: RowTable, key: Readonly<Record<string, number>>): RowRange => {
  let rows = allRows(table)
  for (const name of Object.keys(key)) rows = rowsWith(column(table, name), rows, key[name]!)
  return rows
}

/** The row of some, in which `keys` ascend strictly, whose key is `key`; -1 if there is none. */
export const rowAt = (keys: Int32Array, rows: RowRange, key: number): number => {
  const row = firstAtLeast(keys, rows, key)
  return row < rows.to && keys[row] === key ? row : -1
}

/** Some rows, in which `keys` ascend, by their keys. */
export const runsOf = (keys: Int32Array, rows: RowRange): ReadonlyArray<Run> => {
  const runs: Array<Run> = []
  for (let { from } = rows; from < rows.to;) {
    const value = keys[from]!
    const to = firstAtLeast(keys, { from, to: rows.to }, value + 1)
    runs.push({ value, from, to })
    from = to
  }
  return runs
}

/** The run of some, which ascend, with the value `value`. */
export const runAt = (runs: ReadonlyArray<Run>, value: number): Run | undefined => {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (runs[middle]!.value < value) low = middle + 1
    else high = middle
  }
  const run = runs[low]
  return run?.value === value ? run : undefined
}

/** What a column holds in some rows. */
export const valuesIn = (values: Int32Array | Float64Array, { from, to }: RowRange): Float64Array =>
  new Float64Array(values.subarray(from, to))

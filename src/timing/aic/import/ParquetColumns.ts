/** Columns of a Parquet file of measurements, by name. The reader is loaded when the first file is read. */
import { maxInt32 } from "../../../structures/Int32.ts"
import { zstdDecompressSync } from "node:zlib"
import * as Effect from "effect/Effect"
import { AicError } from "../AicError.ts"
import { maxLatencyMs } from "../PerfTables.ts"

/** A number where the file holds an integer of any width or a double, a text where it holds a text, "" for nothing. */
type Cell = string | number

export interface ParquetColumns {
  /** As errors call the file. */
  readonly label: string
  readonly rows: number
  readonly columns: ReadonlyMap<string, ReadonlyArray<Cell>>
}

const cell = (value: unknown): Cell => {
  if (typeof value === "bigint") return Number(value)
  if (typeof value === "number" || typeof value === "string") return value
  return value === null || value === undefined ? "" : String(value)
}

const read = async (label: string, bytes: Uint8Array): Promise<ParquetColumns> => {
  const { parquetMetadata, parquetRead } = await import("hyparquet")
  const file = Uint8Array.from(bytes).buffer
  const metadata = parquetMetadata(file)
  const columns = new Map<string, Array<Cell>>()
  await parquetRead({
    file,
    metadata,
    compressors: { ZSTD: (packed) => zstdDecompressSync(packed) },
    onChunk: ({ columnData, columnName }) => {
      const column = columns.get(columnName) ?? []
      columns.set(columnName, column)
      for (const value of columnData) column.push(cell(value))
    }
  })
  return { label, rows: Number(metadata.num_rows), columns }
}

const lfsPointer = "version https://git-lfs"

/** Reads a Parquet file; `label` names it in errors. */
export const readParquet = (label: string, bytes: Uint8Array): Effect.Effect<ParquetColumns, AicError> => {
  if (new TextDecoder().decode(bytes.subarray(0, lfsPointer.length)) === lfsPointer) {
    return Effect.fail(
      new AicError({
        where: label,
        problem: "is a Git LFS pointer, not the file it stands for",
        advice: "run `git lfs pull` in the checkout, or give a wheel"
      })
    )
  }
  return Effect.tryPromise({
    try: () => read(label, bytes),
    catch: (cause) =>
      new AicError({
        where: label,
        problem: `cannot be read as Parquet: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })
}

const maxKey = maxInt32

const missingColumn = (table: ParquetColumns, name: string): AicError =>
  new AicError({
    where: table.label,
    problem: `has no column '${name}'`,
    advice: `columns: ${[...table.columns.keys()].join(", ")}`
  })

const badCell = (table: ParquetColumns, name: string, row: number, value: Cell, wanted: string): AicError =>
  new AicError({
    where: table.label,
    problem: `row ${row}, column '${name}': ${JSON.stringify(value)} is not ${wanted}`
  })

/** A column of texts; fails where it is missing. */
export const texts = (table: ParquetColumns, name: string): Effect.Effect<ReadonlyArray<string>, AicError> => {
  const values = table.columns.get(name)
  return values === undefined ? Effect.fail(missingColumn(table, name)) : Effect.succeed(values.map(String))
}

/** A column of texts, or blanks where there is none. */
export const optionalTexts = (table: ParquetColumns, name: string): ReadonlyArray<string> =>
  (table.columns.get(name) ?? Array.from({ length: table.rows }, () => "")).map(String)

/** A column of integers of 0 to 2^31 - 1; fails where it is missing or holds something else. */
export const integers = (table: ParquetColumns, name: string): Effect.Effect<Int32Array, AicError> => {
  const values = table.columns.get(name)
  if (values === undefined) return Effect.fail(missingColumn(table, name))
  const found = new Int32Array(values.length)
  for (let row = 0; row < found.length; row++) {
    const value = values[row]!
    found[row] = Number(value)
    // Neither a text, nor what 32 bits do not hold as it is.
    if (value === found[row] && value >= 0) continue
    return Effect.fail(badCell(table, name, row, value, `an integer of 0 to ${maxKey}`))
  }
  return Effect.succeed(found)
}

/** A column of integers, or zeros where there is none or a cell is blank. */
export const optionalIntegers = (table: ParquetColumns, name: string): Effect.Effect<Int32Array, AicError> => {
  const values = table.columns.get(name)
  if (values === undefined) return Effect.succeed(new Int32Array(table.rows))
  const filled = values.map((value) => (value === "" ? 0 : value))
  return integers({ ...table, columns: new Map([[name, filled]]) }, name)
}

/** A column of latencies, ms, in the bounds that tables keep. */
export const latencies = (table: ParquetColumns, name: string): Effect.Effect<Float64Array, AicError> => {
  const values = table.columns.get(name)
  if (values === undefined) return Effect.fail(missingColumn(table, name))
  const bad = values.findIndex((value) => typeof value !== "number" || !(value >= 0 && value <= maxLatencyMs))
  return bad < 0
    ? Effect.succeed(Float64Array.from(values, Number))
    : Effect.fail(badCell(table, name, bad, values[bad]!, `a latency of 0 to ${maxLatencyMs} ms`))
}

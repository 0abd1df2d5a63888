/** Rows as the bytes of a CSV, JSON-lines or Parquet file, made row by row: nothing is kept of a row but its values. */
import type { Column, ColumnHead } from "./Column.ts"
import type { TableFormat } from "./TableFormat.ts"

/** The values of one row, by column. */
export interface Cells {
  /** Of columns of numbers, finite or, where they are empty, `NaN`; `NaN` for columns of text. */
  readonly numbers: Float64Array
  /** Of columns of text, `null` where they are empty; `null` for columns of numbers. */
  readonly texts: Array<string | null>
}

export const emptyCells = (columns: ReadonlyArray<ColumnHead>): Cells => ({
  numbers: new Float64Array(columns.length).fill(Number.NaN),
  texts: columns.map(() => null)
})

/** Whether the cell of a column of numbers has one: only `NaN` differs from itself. `Number.isNaN` would have an object made of what it is asked. */
export const isNumber = (value: number): boolean => value === value

export interface TableWriter {
  /** Stays the same: a row is written here before it is added. */
  readonly cells: Cells
  readonly add: () => void
  /** What of the file can be written by now and has not been taken, in memory that the next row may overwrite. */
  readonly take: () => Uint8Array
  /** The same, when the last row has been added: the rest of the file. */
  readonly end: () => Uint8Array
}

/** The code of a format is loaded for those who write it. */
export const tableWriter = async (format: TableFormat, columns: ReadonlyArray<ColumnHead>): Promise<TableWriter> => {
  switch (format) {
    case "csv": {
      const { csvWriter } = await import("./TableText.ts")
      return csvWriter(columns)
    }
    case "jsonl": {
      const { jsonLinesWriter } = await import("./TableText.ts")
      return jsonLinesWriter(columns)
    }
    case "parquet": {
      const { parquetWriter } = await import("./parquet/ParquetTable.ts")
      return parquetWriter(columns)
    }
  }
}

/** Adds objects as rows. */
export const rowAdder = <Row>(
  { add, cells }: TableWriter,
  columns: ReadonlyArray<Column<Row>>
): ((row: Row) => void) => {
  const { numbers, texts } = cells
  return (row) => {
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!
      if (column.type === "text") texts[index] = column.of(row)
      else numbers[index] = finite(column.of(row))
    }
    add()
  }
}

const finite = (value: number | null): number => (value !== null && Number.isFinite(value) ? value : Number.NaN)

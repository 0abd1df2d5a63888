/** Rows as the bytes of a CSV, JSON-lines or Parquet file, made row by row: nothing is kept of a row but its values. */
import type { ParquetWriter } from "hyparquet-writer"
import { encoded, TextBytes } from "../structures/TextBytes.ts"
import type { Column, ColumnValue } from "./Column.ts"
import type { TableFormat } from "./TableFormat.ts"

export interface TableWriter<Row> {
  /** Adds a row; the object may be used for another one afterwards. */
  readonly add: (row: Row) => void
  /** What of the file can be written by now and has not been taken. */
  readonly take: () => Uint8Array
  /** The same, when the last row has been added: the rest of the file. */
  readonly end: () => Uint8Array
}

/** Parquet's code is loaded for those who write it. */
export const tableWriter = async <Row>(
  format: TableFormat,
  columns: ReadonlyArray<Column<Row>>
): Promise<TableWriter<Row>> => {
  switch (format) {
    case "csv":
      return csvWriter(columns)
    case "jsonl":
      return jsonLinesWriter(columns)
    case "parquet":
      return parquetWriter(columns)
  }
}

const textWriter = <Row>(bytes: TextBytes, add: (row: Row) => void): TableWriter<Row> => {
  const take = (): Uint8Array => bytes.take()
  return { add, take, end: take }
}

const comma = 44
const lineEnd = 10

/** RFC 4180, with the names of the columns as its first line; what is empty is an empty field. */
const csvWriter = <Row>(columns: ReadonlyArray<Column<Row>>): TableWriter<Row> => {
  const bytes = new TextBytes()
  bytes.text(`${columns.map(({ name }) => csvText(name)).join(",")}\n`)
  return textWriter(bytes, (row) => {
    for (let index = 0; index < columns.length; index++) {
      if (index > 0) bytes.character(comma)
      const value = columns[index]!.of(row)
      if (typeof value === "number") bytes.number(value)
      else if (value !== null) bytes.text(csvText(value))
    }
    bytes.character(lineEnd)
  })
}

const csvText = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)

const none = encoded("null")

const jsonLinesWriter = <Row>(columns: ReadonlyArray<Column<Row>>): TableWriter<Row> => {
  const bytes = new TextBytes()
  const keys = columns.map(({ name }, index) => encoded(`${index === 0 ? "{" : ","}${JSON.stringify(name)}:`))
  return textWriter(bytes, (row) => {
    for (let index = 0; index < columns.length; index++) {
      bytes.constant(keys[index]!)
      const value = columns[index]!.of(row)
      if (typeof value === "number" && Number.isFinite(value)) bytes.number(value)
      else if (value === null) bytes.constant(none)
      else bytes.text(JSON.stringify(value))
    }
    bytes.text("}\n")
  })
}

const rowsPerGroup = 50_000

const parquetTypes = { integer: "INT64", number: "DOUBLE", text: "STRING" } as const

/** Row groups are written as they fill, so that memory does not grow with the rows. */
const parquetWriter = async <Row>(columns: ReadonlyArray<Column<Row>>): Promise<TableWriter<Row>> => {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import("hyparquet-writer")
  const bytes = new ByteWriter()
  const specs = columns.map(({ name, type }) => ({ name, type: parquetTypes[type], nullable: true }))
  const schema = schemaFromColumnData({ columnData: specs.map((spec) => ({ ...spec, data: [] })) })
  const parquet: ParquetWriter = new ParquetWriter({ writer: bytes, schema, createdBy: "dynosim" })
  const held = columns.map((): Array<ColumnValue | bigint> => [])
  let heldRows = 0
  const writeGroup = (): void => {
    parquet.write({
      columnData: specs.map((spec, index) => ({ ...spec, data: held[index]! })),
      rowGroupSize: rowsPerGroup
    })
    for (const values of held) values.length = 0
    heldRows = 0
  }
  const take = (): Uint8Array => {
    const piece = bytes.getBytes().slice()
    bytes.index = 0
    return piece
  }
  return {
    add: (row) => {
      for (let index = 0; index < columns.length; index++) {
        const { of, type } = columns[index]!
        held[index]!.push(parquetValue(of(row), type))
      }
      heldRows += 1
      if (heldRows === rowsPerGroup) writeGroup()
    },
    take,
    end: () => {
      writeGroup()
      parquet.finish()
      return take()
    }
  }
}

const parquetValue = (value: ColumnValue, type: Column<unknown>["type"]): ColumnValue | bigint =>
  type === "integer" && typeof value === "number" ? (smallIntegers[value] ?? BigInt(value)) : value

/** Most counts are small, and every `BigInt` of its own is an object. */
const smallIntegers: ReadonlyArray<bigint> = Array.from({ length: 1024 }, (_, value) => BigInt(value))

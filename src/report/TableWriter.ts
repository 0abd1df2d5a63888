/** Rows as the bytes of a CSV, JSON-lines or Parquet file, made piece by piece as the rows come. */
import type { ParquetWriter } from "hyparquet-writer"
import type { Column, ColumnValue } from "./Column.ts"
import type { TableFormat } from "./TableFormat.ts"

export interface TableWriter<Row> {
  /** What stands before the first row. */
  readonly begin: () => string | Uint8Array
  /** These rows, or as many of those so far as the format can write by now. */
  readonly add: (rows: ReadonlyArray<Row>) => string | Uint8Array
  /** What stands after the last row. */
  readonly end: () => string | Uint8Array
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

/** RFC 4180, with the names of the columns as its first line; what is empty is an empty field. */
const csvWriter = <Row>(columns: ReadonlyArray<Column<Row>>): TableWriter<Row> => {
  const line = (row: Row): string => {
    let text = ""
    for (let index = 0; index < columns.length; index++) {
      text += index === 0 ? csvField(columns[index]!.of(row)) : `,${csvField(columns[index]!.of(row))}`
    }
    return `${text}\n`
  }
  return {
    begin: () => `${columns.map(({ name }) => csvField(name)).join(",")}\n`,
    add: (rows) => rows.map(line).join(""),
    end: () => ""
  }
}

const csvField = (value: ColumnValue): string => {
  if (value === null) return ""
  if (typeof value === "number") return String(value)
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

const jsonLinesWriter = <Row>(columns: ReadonlyArray<Column<Row>>): TableWriter<Row> => ({
  begin: () => "",
  add: (rows) =>
    rows
      .map(
        (row) => `{${columns.map(({ name, of }) => `${JSON.stringify(name)}:${JSON.stringify(of(row))}`).join(",")}}\n`
      )
      .join(""),
  end: () => ""
})

const rowsPerGroup = 50_000

const parquetTypes = { integer: "INT64", number: "DOUBLE", text: "STRING" } as const

/** Row groups are written as they fill, so that memory does not grow with the rows. */
const parquetWriter = async <Row>(columns: ReadonlyArray<Column<Row>>): Promise<TableWriter<Row>> => {
  const { ByteWriter, ParquetWriter, schemaFromColumnData } = await import("hyparquet-writer")
  const bytes = new ByteWriter()
  const specs = columns.map(({ name, type }) => ({ name, type: parquetTypes[type], nullable: true }))
  const schema = schemaFromColumnData({ columnData: specs.map((spec) => ({ ...spec, data: [] })) })
  let parquet: ParquetWriter | undefined
  let held: Array<Row> = []
  const written = (): Uint8Array => {
    const piece = bytes.getBytes().slice()
    bytes.index = 0
    return piece
  }
  const writeGroup = (writer: ParquetWriter, rows: ReadonlyArray<Row>): void => {
    const columnData = specs.map((spec, index) => {
      const { of, type } = columns[index]!
      return { ...spec, data: rows.map((row) => parquetValue(of(row), type)) }
    })
    writer.write({ columnData, rowGroupSize: rowsPerGroup })
  }
  const started = (): ParquetWriter => (parquet ??= new ParquetWriter({ writer: bytes, schema, createdBy: "dynosim" }))
  return {
    begin: () => {
      started()
      return written()
    },
    add: (rows) => {
      for (const row of rows) held.push(row)
      if (held.length < rowsPerGroup) return ""
      writeGroup(started(), held)
      held = []
      return written()
    },
    end: () => {
      const writer = started()
      writeGroup(writer, held)
      writer.finish()
      return written()
    }
  }
}

const parquetValue = (value: ColumnValue, type: Column<unknown>["type"]): ColumnValue | bigint =>
  type === "integer" && typeof value === "number" ? BigInt(value) : value

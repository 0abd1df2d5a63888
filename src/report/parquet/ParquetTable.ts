/**
 * A table as a Parquet file. Row groups are written as they fill, so that memory does not grow with the rows.
 *
 * hyparquet-writer knows the format; what it asks for is an array of all values of a column, integers as `BigInt`s, which costs more than most
 * runs. So columns are encoded here while rows come, and it writes their parts.
 */
import type { RowGroup, SchemaElement } from "hyparquet"
import { ByteWriter } from "hyparquet-writer"
import { writeMetadata } from "hyparquet-writer/src/metadata.js"
import type { ColumnHead } from "../Column.ts"
import { emptyCells, type TableWriter } from "../TableWriter.ts"
import { chunkBytes, chunkMemory, writeChunk } from "./ColumnChunk.ts"
import { mostRows, NumberColumn, TextColumn } from "./DictionaryColumn.ts"

/** Rows that are encoded together, one column after the other: their tables then stay in the processor's cache. */
const rowsPerBlock = 500

/** "PAR1", the first and the last four bytes of a file. */
const magic = 0x31524150

const numberTypes = { integer: "INT64", number: "DOUBLE" } as const

const schemaElement = ({ name, type }: ColumnHead): SchemaElement =>
  type === "text"
    ? { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }
    : { name, type: numberTypes[type], repetition_type: "OPTIONAL" }

export const parquetWriter = (columns: ReadonlyArray<ColumnHead>): TableWriter => {
  const bytes = new ByteWriter()
  const cells = emptyCells(columns)
  const { numbers, texts } = cells
  const numberColumns = columns.flatMap(({ name, type }, index) =>
    type === "text" ? [] : [{ index, name, column: new NumberColumn(numberTypes[type]) }]
  )
  const textColumns = columns.flatMap(({ name, type }, index) =>
    type === "text" ? [{ index, name, column: new TextColumn() }] : []
  )
  const allColumns = [...numberColumns, ...textColumns].toSorted((one, other) => one.index - other.index)
  /** Rows that are to be encoded, one after the other. */
  const { length: width } = columns
  const blockNumbers = new Float64Array(width * rowsPerBlock)
  const blockTexts = new Array<string | null>(width * rowsPerBlock).fill(null)
  const memory = chunkMemory()
  const groups: Array<RowGroup> = []
  /** Of the block, of the row group beside it, and of all groups before. */
  let blockRows = 0
  let heldRows = 0
  let rows = 0

  const encodeBlock = (): void => {
    for (const { column } of allColumns) column.makeRoom(blockRows)
    for (const { column, index } of numberColumns) column.add(blockNumbers, index, width, blockRows)
    for (const { column, index } of textColumns) column.add(blockTexts, index, width, blockRows)
    heldRows += blockRows
    blockRows = 0
  }
  const writeGroup = (): void => {
    // At once: growing, it would be copied several times.
    bytes.ensure(allColumns.reduce((sum, { column }) => sum + chunkBytes(column), 0))
    const start = bytes.offset
    const chunks = allColumns.map(({ column, name }) => writeChunk(bytes, name, column, memory))
    for (const { column } of allColumns) column.clear()
    groups.push({
      columns: chunks.map(({ chunk }) => chunk),
      total_byte_size: BigInt(chunks.reduce((sum, { plainBytes }) => sum + plainBytes, 0)),
      total_compressed_size: BigInt(bytes.offset - start),
      num_rows: BigInt(heldRows)
    })
    rows += heldRows
    heldRows = 0
  }
  const add = (): void => {
    const start = width * blockRows
    blockNumbers.set(numbers, start)
    for (let at = 0; at < textColumns.length; at++) {
      const { index } = textColumns[at]!
      blockTexts[start + index] = texts[index]!
    }
    blockRows += 1
    if (blockRows === rowsPerBlock) encodeBlock()
    if (heldRows === mostRows) writeGroup()
  }
  const take = (): Uint8Array => {
    const piece = bytes.getBytes()
    bytes.index = 0
    return piece
  }
  const end = (): Uint8Array => {
    encodeBlock()
    if (heldRows > 0) writeGroup()
    writeMetadata(bytes, {
      version: 2,
      created_by: "dynosim",
      schema: [{ name: "root", num_children: columns.length }, ...columns.map(schemaElement)],
      num_rows: BigInt(rows),
      row_groups: groups,
      metadata_length: 0
    })
    bytes.appendUint32(magic)
    return take()
  }
  bytes.appendUint32(magic)
  return { cells, add, take, end }
}

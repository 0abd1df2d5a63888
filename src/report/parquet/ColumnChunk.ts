/** A column of a row group as it stands in the file: a page of its distinct values, where that makes it smaller, and one of its rows. */
import type { ColumnChunk, Encoding } from "hyparquet"
import { ByteWriter } from "hyparquet-writer"
import { writePageHeader } from "hyparquet-writer/src/datapage.js"
import { snappyCompress } from "hyparquet-writer/src/snappy.js"
import type { DictionaryColumn } from "./DictionaryColumn.ts"
import { packedIntegers } from "./PackedIntegers.ts"

export interface WrittenChunk {
  /** What the end of the file has to say of it. */
  readonly chunk: ColumnChunk
  /** Its size, had it not been compressed. */
  readonly plainBytes: number
}

/** Writes what a column holds; `memory` is overwritten, and has room for each of its rows. */
export const writeChunk = (
  file: ByteWriter,
  name: string,
  column: DictionaryColumn,
  memory: Int32Array
): WrittenChunk => {
  const start = file.offset
  const indexes = column.presentIndexes(memory)
  const width = bitWidth(column.distinct)
  const isDictionary = column.distinctBytes + (indexes.length * width) / 8 < column.rowBytes
  // In this order: each of them needs the memory.
  const content = isDictionary ? packedIndexes(indexes, width) : column.plainValues(indexes)
  const levels = definitionLevels(column, memory)
  const dictionaryBytes = isDictionary ? writeDictionaryPage(file, column, memory) : 0
  const dataStart = file.offset
  const dataBytes = writeDataPage(file, column, isDictionary ? "RLE_DICTIONARY" : "PLAIN", levels, content)
  const plainBytes = dictionaryBytes + dataBytes
  const encodings: Array<Encoding> = isDictionary ? ["PLAIN", "RLE_DICTIONARY"] : ["PLAIN"]
  return {
    chunk: {
      file_offset: BigInt(start),
      meta_data: {
        type: column.type,
        encodings,
        path_in_schema: [name],
        codec: codecOf(column),
        num_values: BigInt(column.rows),
        total_compressed_size: BigInt(file.offset - start),
        total_uncompressed_size: BigInt(plainBytes),
        data_page_offset: BigInt(dataStart),
        ...(isDictionary ? { dictionary_page_offset: BigInt(start) } : {}),
        statistics: { ...column.bounds(), null_count: BigInt(column.nulls) }
      }
    },
    plainBytes
  }
}

/** Of the indexes of so many values. */
const bitWidth = (values: number): number => (values < 2 ? 0 : Math.ceil(Math.log2(values)))

/** Digits of measured times hardly repeat: compressing them takes longer than all other columns together, and saves a tenth. */
const codecOf = ({ type }: DictionaryColumn): "SNAPPY" | "UNCOMPRESSED" =>
  type === "DOUBLE" ? "UNCOMPRESSED" : "SNAPPY"

const packed = (column: DictionaryColumn, content: Uint8Array): Uint8Array =>
  codecOf(column) === "SNAPPY" ? snappyCompress(content) : content

const writeDictionaryPage = (file: ByteWriter, column: DictionaryColumn, memory: Int32Array): number => {
  for (let index = 0; index < column.distinct; index++) memory[index] = index
  const content = column.plainValues(memory.subarray(0, column.distinct))
  const bytes = packed(column, content)
  const start = file.offset
  writePageHeader(file, {
    type: "DICTIONARY_PAGE",
    uncompressed_page_size: content.length,
    compressed_page_size: bytes.length,
    dictionary_page_header: { num_values: column.distinct, encoding: "PLAIN" }
  })
  const headerBytes = file.offset - start
  file.appendBytes(bytes)
  return headerBytes + content.length
}

const writeDataPage = (
  file: ByteWriter,
  column: DictionaryColumn,
  encoding: Encoding,
  levels: Uint8Array,
  content: Uint8Array
): number => {
  const levelBytes = levels.length
  const bytes = packed(column, content)
  const start = file.offset
  writePageHeader(file, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: levelBytes + content.length,
    compressed_page_size: levelBytes + bytes.length,
    data_page_header_v2: {
      num_values: column.rows,
      num_nulls: column.nulls,
      num_rows: column.rows,
      encoding,
      definition_levels_byte_length: levelBytes,
      repetition_levels_byte_length: 0,
      is_compressed: codecOf(column) === "SNAPPY"
    }
  })
  const headerBytes = file.offset - start
  file.appendBytes(levels)
  file.appendBytes(bytes)
  return headerBytes + levelBytes + content.length
}

/** From so many equal values on they are told by their number. */
const shortestRun = 8

/** Which rows have a value. */
const definitionLevels = (column: DictionaryColumn, memory: Int32Array): Uint8Array => {
  const { nulls, rows } = column
  if (rows < shortestRun || (nulls > 0 && nulls < rows)) return packedIntegers(column.presence(memory), 1)
  const levels = new ByteWriter()
  levels.appendVarInt(rows << 1)
  levels.appendUint8(nulls === 0 ? 1 : 0)
  return levels.getBytes()
}

const packedIndexes = (indexes: Int32Array, width: number): Uint8Array => {
  const content = new ByteWriter()
  content.appendUint8(width)
  // Where all are the same, their number is enough.
  if (width === 0 && indexes.length >= shortestRun) content.appendVarInt(indexes.length << 1)
  else content.appendBytes(packedIntegers(indexes, width))
  return content.getBytes()
}

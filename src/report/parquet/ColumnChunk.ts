/** A column of a row group as it stands in the file: a page of its distinct values, where that makes it smaller, and one of its rows. */
import type { ColumnChunk, Encoding } from "hyparquet"
import type { ByteWriter } from "hyparquet-writer"
import { writePageHeader } from "hyparquet-writer/src/datapage.js"
import { snappyCompress } from "hyparquet-writer/src/snappy.js"
import { type DictionaryColumn, mostRows, none, newIndexes } from "./DictionaryColumn.ts"
import { mostPackedBytes, packIntegers, packRun } from "./PackedIntegers.ts"

/** For what is needed of one column at a time, and overwritten by the next. */
export const chunkMemory = () => ({
  indexes: newIndexes(),
  levels: new Uint8Array(mostPackedBytes(mostRows, 1)),
  content: new Uint8Array(1 + mostPackedBytes(mostRows, 16))
})

type ChunkMemory = ReturnType<typeof chunkMemory>

export interface WrittenChunk {
  /** What the end of the file has to say of it. */
  readonly chunk: ColumnChunk
  /** Its size, had it not been compressed. */
  readonly plainBytes: number
}

/** Writes what a column holds. */
export const writeChunk = (
  file: ByteWriter,
  name: string,
  column: DictionaryColumn,
  memory: ChunkMemory
): WrittenChunk => {
  const start = file.offset
  const { distinct, nulls, repeats, rows, type } = column
  const codec = codecOf(column)
  const levels = packedPresence(column, memory)
  const indexes = presentIndexes(column, memory)
  const dictionaryBytes = repeats ? writeDictionaryPage(file, distinct, column.plainDictionary(), codec) : 0
  const dataStart = file.offset
  const content = repeats ? packedIndexes(column, indexes, memory) : column.plainValues(indexes)
  const dataBytes = writeDataPage(file, column, repeats ? "RLE_DICTIONARY" : "PLAIN", levels, content, codec)
  const plainBytes = dictionaryBytes + dataBytes
  const encodings: Array<Encoding> = repeats ? ["PLAIN", "RLE_DICTIONARY"] : ["PLAIN"]
  return {
    chunk: {
      file_offset: BigInt(start),
      meta_data: {
        type,
        encodings,
        path_in_schema: [name],
        codec,
        num_values: BigInt(rows),
        total_compressed_size: BigInt(file.offset - start),
        total_uncompressed_size: BigInt(plainBytes),
        data_page_offset: BigInt(dataStart),
        ...(repeats ? { dictionary_page_offset: BigInt(start) } : {}),
        statistics: { ...column.bounds(), null_count: BigInt(nulls) }
      }
    },
    plainBytes
  }
}

type Codec = "SNAPPY" | "UNCOMPRESSED"

/** Indexes of so few values come in patterns, as those of workers do. */
const mostPatternBits = 3

/** With numbers and wide indexes Snappy takes longer than all the rest, and saves a tenth. */
const codecOf = ({ bitWidth, repeats, type }: DictionaryColumn): Codec =>
  type === "BYTE_ARRAY" || (repeats && bitWidth > 0 && bitWidth <= mostPatternBits) ? "SNAPPY" : "UNCOMPRESSED"

const packed = (content: Uint8Array, codec: Codec): Uint8Array =>
  codec === "SNAPPY" ? snappyCompress(content) : content

/** Returns the size of the page, had it not been compressed. */
const writeDictionaryPage = (file: ByteWriter, values: number, content: Uint8Array, codec: Codec): number => {
  const bytes = packed(content, codec)
  const start = file.offset
  writePageHeader(file, {
    type: "DICTIONARY_PAGE",
    uncompressed_page_size: content.length,
    compressed_page_size: bytes.length,
    dictionary_page_header: { num_values: values, encoding: "PLAIN" }
  })
  const headerBytes = file.offset - start
  file.appendBytes(bytes)
  return headerBytes + content.length
}

/** Likewise. */
const writeDataPage = (
  file: ByteWriter,
  { nulls, rows }: DictionaryColumn,
  encoding: Encoding,
  levels: Uint8Array,
  content: Uint8Array,
  codec: Codec
): number => {
  const bytes = packed(content, codec)
  const start = file.offset
  writePageHeader(file, {
    type: "DATA_PAGE_V2",
    uncompressed_page_size: levels.length + content.length,
    compressed_page_size: levels.length + bytes.length,
    data_page_header_v2: {
      num_values: rows,
      num_nulls: nulls,
      num_rows: rows,
      encoding,
      definition_levels_byte_length: levels.length,
      repetition_levels_byte_length: 0,
      is_compressed: codec === "SNAPPY"
    }
  })
  const headerBytes = file.offset - start
  file.appendBytes(levels)
  file.appendBytes(bytes)
  return headerBytes + levels.length + content.length
}

/** Whether each row has a value, 1 or 0. */
const packedPresence = ({ indexes, nulls, rows }: DictionaryColumn, memory: ChunkMemory): Uint8Array => {
  const { indexes: presence, levels } = memory
  if (nulls === 0 || nulls === rows) return levels.subarray(0, packRun(levels, 0, rows, nulls === 0 ? 1 : 0, 1))
  for (let row = 0; row < rows; row++) presence[row] = indexes[row] === none ? 0 : 1
  return levels.subarray(0, packIntegers(levels, 0, presence.subarray(0, rows), 1))
}

/** The indexes of rows that have a value. */
const presentIndexes = ({ indexes, nulls, rows }: DictionaryColumn, { indexes: memory }: ChunkMemory): Uint16Array => {
  if (nulls === 0) return indexes.subarray(0, rows)
  let count = 0
  for (let row = 0; row < rows; row++) {
    const index = indexes[row]!
    if (index !== none) memory[count++] = index
  }
  return memory.subarray(0, count)
}

const packedIndexes = (
  { bitWidth, distinct }: DictionaryColumn,
  indexes: Uint16Array,
  { content }: ChunkMemory
): Uint8Array => {
  content[0] = bitWidth
  const { length } = indexes
  const end = distinct === 1 ? packRun(content, 1, length, 0, bitWidth) : packIntegers(content, 1, indexes, bitWidth)
  return content.subarray(0, end)
}

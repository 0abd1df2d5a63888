/** A column of a row group as it stands in the file: a page of its distinct values, where that makes it smaller, and one of its rows. */
import type { ColumnChunk, Encoding } from "hyparquet"
import type { ByteWriter } from "hyparquet-writer"
import { writePageHeader } from "hyparquet-writer/src/datapage.js"
import { snappyCompress } from "hyparquet-writer/src/snappy.js"
import { columnMemory, type ColumnMemory, type DictionaryColumn, mostRows } from "./DictionaryColumn.ts"
import { groupsOf, IntegerPacker, mostPackedBytes } from "./PackedIntegers.ts"

/** What the heads of pages of a column take, and what tells in one of them how many values follow, rather more. */
const headBytes = 200
const countBytes = 5

/** For what is needed of one column at a time, and overwritten by the next. */
export const chunkMemory = () => ({
  levels: new Uint8Array(countBytes + groupsOf(mostRows)),
  content: columnMemory()
})

type ChunkMemory = ReturnType<typeof chunkMemory>

export interface WrittenChunk {
  /** What the end of the file has to say of it. */
  readonly chunk: ColumnChunk
  /** Its size, had it not been compressed. */
  readonly plainBytes: number
}

/** What a column takes in the file, rather more. */
export const chunkBytes = ({ bitWidth, distinctBytes, present, repeats, rowBytes, rows }: DictionaryColumn): number =>
  headBytes + groupsOf(rows) + (repeats ? distinctBytes + mostPackedBytes(present, bitWidth) : rowBytes)

/** Writes what a column holds. */
export const writeChunk = (
  file: ByteWriter,
  name: string,
  column: DictionaryColumn,
  { content, levels }: ChunkMemory
): WrittenChunk => {
  const start = file.offset
  const { distinct, present, repeats, rows, type } = column
  const codec = codecOf(column)
  const dictionaryBytes = repeats ? writeDictionaryPage(file, distinct, column.plainDictionary(content), codec) : 0
  const dataStart = file.offset
  const values = repeats ? packedIndexes(column, content) : column.plainValues(content)
  const encoding = repeats ? "RLE_DICTIONARY" : "PLAIN"
  const dataBytes = writeDataPage(file, column, encoding, packedPresence(column, levels), values, codec)
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
        statistics: { ...column.bounds(), null_count: BigInt(rows - present) }
      }
    },
    plainBytes
  }
}

type Codec = "SNAPPY" | "UNCOMPRESSED"

/** Below, texts are not worth what compressing them takes. */
const fewTextBytes = 1024

/** With numbers Snappy takes longer than all the rest, and saves a tenth. */
const codecOf = ({ distinctBytes, type }: DictionaryColumn): Codec =>
  type === "BYTE_ARRAY" && distinctBytes > fewTextBytes ? "SNAPPY" : "UNCOMPRESSED"

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
  { present, rows }: DictionaryColumn,
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
      num_nulls: rows - present,
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
const packedPresence = ({ presence, present, rows }: DictionaryColumn, levels: Uint8Array): Uint8Array => {
  const packer = new IntegerPacker(levels, 0, 1)
  if (present === 0 || present === rows) packer.run(rows, present === 0 ? 0 : 1)
  else packer.bits(presence, rows)
  return levels.subarray(0, packer.end)
}

const packedIndexes = (
  { bitWidth, distinct, indexes, present }: DictionaryColumn,
  { bytes }: ColumnMemory
): Uint8Array => {
  bytes[0] = bitWidth
  const packer = new IntegerPacker(bytes, 1, bitWidth)
  if (distinct === 1) packer.run(present, 0)
  else packer.pack(indexes.subarray(0, present))
  return bytes.subarray(0, packer.end)
}

/**
 * A column of the row group that is filling, in Parquet's dictionary encoding: its values, and which of them each row has.
 *
 * Most columns repeat few values, and most rows the one of the row before.
 */
import type { Statistics } from "hyparquet"
import { ByteWriter } from "hyparquet-writer"
import { hashFactor } from "../../structures/Hash.ts"
import { UncountedMemory } from "../../structures/UncountedMemory.ts"
import { isNumber } from "../TableWriter.ts"
import { groupsOf, stretchLength } from "./PackedIntegers.ts"

/** Most rows of a row group, so few that 16 bits tell which of the values they have. */
export const mostRows = 50_000

/** Stands for no value. */
const none = 0xffff

/** Room for the indexes of rows that many tables do not have more of. */
const firstRows = 1024

/** Those of rows, values or places. */
const newIndexes = (length: number): Uint16Array => new Uint16Array(new UncountedMemory(2 * length))

const newValues = (length: number): Float64Array => new Float64Array(new UncountedMemory(8 * length))

/** Room for what is needed of one column at a time, and overwritten by the next: the same memory as bytes, as 32 bits each and as doubles. */
export const columnMemory = () => {
  const memory = new UncountedMemory(8 * mostRows)
  return { bytes: new Uint8Array(memory), words: new Int32Array(memory), doubles: new Float64Array(memory) }
}

export type ColumnMemory = ReturnType<typeof columnMemory>

export abstract class DictionaryColumn {
  /** Parquet's physical type. */
  abstract readonly type: "INT64" | "DOUBLE" | "BYTE_ARRAY"
  rows = 0
  /** How many of them have a value. */
  present = 0
  /** A bit of each row: whether it has one. */
  readonly presence = new Uint8Array(new UncountedMemory(groupsOf(mostRows))).fill(0xff)
  /** Which of the values each row has that has one. */
  indexes = newIndexes(0)

  /** How many values there are. */
  abstract readonly distinct: number

  /** The values in Parquet's plain encoding. */
  abstract plainDictionary(memory: ColumnMemory): Uint8Array

  /** Those of the rows. */
  abstract plainValues(memory: ColumnMemory): Uint8Array

  /** Sizes of both, about. */
  abstract readonly distinctBytes: number
  abstract readonly rowBytes: number

  /** Smallest and largest value, where they are known. */
  abstract bounds(): Pick<Statistics, "min_value" | "max_value">

  /** Bits of an index. */
  get bitWidth(): number {
    return 32 - Math.clz32(Math.max(0, this.distinct - 1))
  }

  /** Whether the column is smaller with a dictionary. */
  get repeats(): boolean {
    return this.distinctBytes + (this.present * this.bitWidth) / 8 < this.rowBytes
  }

  /** For a value of each of so many rows more: nothing grows while they are added. */
  makeRoom(count: number): void {
    if (this.rows + count <= this.indexes.length) return
    const indexes = newIndexes(this.rows === 0 ? firstRows : mostRows)
    indexes.set(this.indexes)
    this.indexes = indexes
  }

  /** Begins a row group. */
  clear(): void {
    if (this.present < this.rows) this.presence.fill(0xff)
    this.rows = 0
    this.present = 0
  }
}

/** Stands for the value before the first. */
const other = Number.POSITIVE_INFINITY

const firstValues = 512
/** Whole numbers below are found in a table of all of them. */
const smallNumbers = 4096
/** After so many distinct values of which hardly any came twice nobody looks for those that do: the column is written without a dictionary. */
const soughtValues = 8192

const hashed = new Float64Array(1)
const hashedWords = new Int32Array(hashed.buffer)

/** Distinct numbers that are not small are found by open addressing with linear probing, at most half full. */
export class NumberColumn extends DictionaryColumn {
  readonly type: "INT64" | "DOUBLE"
  distinct = 0
  private min = Number.POSITIVE_INFINITY
  private max = Number.NEGATIVE_INFINITY
  private values = newValues(0)
  /** Index plus one of the value whose place it is; 0 where there is none. */
  private places = newIndexes(0)
  private bits = 0
  /** Index plus one of each small whole number, as most are; 0 where there is none. */
  private readonly small = newIndexes(smallNumbers)
  private last = other
  private lastIndex = none
  /** Whether values are sought among those that came before. */
  private seeks = true

  constructor(type: "INT64" | "DOUBLE") {
    super()
    this.type = type
  }

  override makeRoom(count: number): void {
    super.makeRoom(count)
    const most = this.distinct + count
    if (most > this.values.length) this.growValues(most)
    this.seeks = this.seeks && (this.distinct <= soughtValues || this.repeats)
    if (this.seeks && 2 * most > this.places.length) this.rehash(2 * this.values.length)
  }

  /** Adds a value of each of so many rows, which are `width` cells long; `NaN` is none. */
  add(cells: Float64Array, first: number, width: number, count: number): void {
    const { indexes, presence, rows } = this
    let { last, lastIndex, present } = this
    const end = rows + count
    for (let row = rows, at = first; row < end; row++, at += width) {
      const value = cells[at]!
      if (value !== last) {
        lastIndex = isNumber(value) ? this.indexOf(value) : none
        last = value
      }
      if (lastIndex === none) presence[row >> 3]! &= ~(1 << (row & 7))
      else indexes[present++] = lastIndex
    }
    this.last = last
    this.lastIndex = lastIndex
    this.present = present
    this.rows = end
  }

  get distinctBytes(): number {
    return 8 * this.distinct
  }

  get rowBytes(): number {
    return 8 * this.present
  }

  plainDictionary(memory: ColumnMemory): Uint8Array {
    memory.doubles.set(this.values.subarray(0, this.distinct))
    return this.plain(memory, this.distinct)
  }

  plainValues(memory: ColumnMemory): Uint8Array {
    const { indexes, present, values } = this
    for (let from = 0; from < present; from += stretchLength)
      copyValues(memory.doubles, values, indexes, from, Math.min(from + stretchLength, present))
    return this.plain(memory, present)
  }

  bounds(): Pick<Statistics, "min_value" | "max_value"> {
    const { max, min } = this
    if (this.distinct === 0) return {}
    return this.type === "INT64"
      ? { min_value: BigInt(min), max_value: BigInt(max) }
      : // The format wants a smallest zero below the largest one.
        { min_value: min === 0 ? -0 : min, max_value: max }
  }

  override clear(): void {
    super.clear()
    this.distinct = 0
    this.min = Number.POSITIVE_INFINITY
    this.max = Number.NEGATIVE_INFINITY
    this.places.fill(0)
    this.small.fill(0)
    this.last = other
    this.seeks = true
  }

  /** Little endian, as every machine that runs Node is. */
  private plain(memory: ColumnMemory, count: number): Uint8Array {
    if (this.type === "INT64")
      for (let from = 0; from < count; from += stretchLength)
        makeIntegers(memory, from, Math.min(from + stretchLength, count))
    return memory.bytes.subarray(0, 8 * count)
  }

  private indexOf(value: number): number {
    const { small } = this
    const whole = value >>> 0
    if (whole !== value || whole >= smallNumbers) return this.seeks ? this.placeOf(value) : this.append(value)
    const known = small[whole]!
    if (known > 0) return known - 1
    const index = this.append(whole)
    small[whole] = index + 1
    return index
  }

  private placeOf(value: number): number {
    const { places, values } = this
    const mask = places.length - 1
    let place = this.home(value)
    for (;;) {
      const known = places[place]!
      if (known === 0) break
      if (values[known - 1] === value) return known - 1
      place = (place + 1) & mask
    }
    places[place] = this.distinct + 1
    return this.append(value)
  }

  private append(value: number): number {
    if (this.type === "INT64" && !Number.isInteger(value)) throw new RangeError(`${value} is not a whole number`)
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    this.values[this.distinct] = value
    return this.distinct++
  }

  private home(value: number): number {
    hashed[0] = value
    const high = Math.imul(hashedWords[1]!, hashFactor)
    return Math.imul(high ^ (high >>> 15) ^ hashedWords[0]!, hashFactor) >>> (32 - this.bits)
  }

  private growValues(most: number): void {
    let length = Math.max(firstValues, this.values.length)
    while (length < most) length *= 2
    const values = newValues(length)
    values.set(this.values)
    this.values = values
  }

  private rehash(length: number): void {
    const places = newIndexes(length)
    const mask = length - 1
    this.bits = Math.log2(length)
    for (let index = 0; index < this.distinct; index++) {
      let place = this.home(this.values[index]!)
      while (places[place] !== 0) place = (place + 1) & mask
      places[place] = index + 1
    }
    this.places = places
  }
}

/** Of some of the rows. */
const copyValues = (
  to: Float64Array,
  values: Float64Array,
  indexes: Uint16Array,
  from: number,
  until: number
): void => {
  for (let at = from; at < until; at++) to[at] = values[indexes[at]!]!
}

/** Makes 64 bits of each of some doubles. */
const makeIntegers = ({ doubles, words }: ColumnMemory, from: number, until: number): void => {
  for (let at = from; at < until; at++) {
    const value = doubles[at]!
    words[2 * at] = value
    words[2 * at + 1] = Math.floor(value / 2 ** 32)
  }
}

const utf8 = new TextEncoder()

/** What Parquet writes before a text. */
const lengthBytes = 4

export class TextColumn extends DictionaryColumn {
  readonly type = "BYTE_ARRAY"
  distinctBytes = 0
  rowBytes = 0
  private readonly texts: Array<string> = []
  private readonly places = new Map<string, number>()
  private last: string | null | undefined = undefined
  private lastIndex = none

  /** Adds a value of each of so many rows, which are `width` cells long; `null` is none. */
  add(cells: ReadonlyArray<string | null>, first: number, width: number, count: number): void {
    const { indexes, presence, rows } = this
    let { last, lastIndex, present, rowBytes } = this
    const end = rows + count
    for (let row = rows, at = first; row < end; row++, at += width) {
      const value = cells[at]!
      if (value !== last) {
        lastIndex = value === null ? none : this.indexOf(value)
        last = value
      }
      if (value === null) presence[row >> 3]! &= ~(1 << (row & 7))
      else {
        rowBytes += lengthBytes + value.length
        indexes[present++] = lastIndex
      }
    }
    this.last = last
    this.lastIndex = lastIndex
    this.present = present
    this.rowBytes = rowBytes
    this.rows = end
  }

  get distinct(): number {
    return this.texts.length
  }

  plainDictionary(): Uint8Array {
    return plainTexts(this.texts)
  }

  plainValues(): Uint8Array {
    return plainTexts(Array.from(this.indexes.subarray(0, this.present), (index) => this.texts[index]!))
  }

  bounds(): Pick<Statistics, "min_value" | "max_value"> {
    return {}
  }

  override clear(): void {
    super.clear()
    this.places.clear()
    this.texts.length = 0
    this.distinctBytes = 0
    this.rowBytes = 0
    this.last = undefined
  }

  private indexOf(value: string): number {
    const known = this.places.get(value)
    if (known !== undefined) return known
    this.places.set(value, this.texts.length)
    this.distinctBytes += lengthBytes + value.length
    return this.texts.push(value) - 1
  }
}

const plainTexts = (texts: ReadonlyArray<string>): Uint8Array => {
  const content = new ByteWriter()
  for (const text of texts) {
    const bytes = utf8.encode(text)
    content.appendUint32(bytes.length)
    content.appendBytes(bytes)
  }
  return content.getBytes()
}

/**
 * A column of the row group that is filling, in Parquet's dictionary encoding: its distinct values, and which of them each row has.
 *
 * Most columns repeat few values, and most rows the one of the row before.
 */
import type { Statistics } from "hyparquet"
import type { ByteWriter } from "hyparquet-writer"
import { grown } from "../../structures/Grown.ts"
import { hashFactor } from "../../structures/Hash.ts"
import { UncountedMemory } from "../../structures/UncountedMemory.ts"

/** Stands for no value. */
const none = -1

const firstRows = 1024

const uncounted = (length: number): Int32Array => new Int32Array(new UncountedMemory(4 * length))

export abstract class DictionaryColumn {
  /** Parquet's physical type. */
  abstract readonly type: "INT64" | "DOUBLE" | "BYTE_ARRAY"
  rows = 0
  nulls = 0
  private indexes = uncounted(firstRows)

  /** How many values differ. */
  abstract readonly distinct: number

  /** Writes the values of these indexes, or each of the distinct ones, in Parquet's plain encoding. */
  abstract writeValues(content: ByteWriter, indexes?: Int32Array): void

  /** Of the distinct values, and of those of all rows, about: by them it is decided whether the column gets a dictionary. */
  abstract readonly distinctBytes: number
  abstract readonly rowBytes: number

  /** Smallest and largest value, where they are known. */
  abstract bounds(): Pick<Statistics, "min_value" | "max_value">

  /** Begins a row group. */
  clear(): void {
    this.rows = 0
    this.nulls = 0
  }

  /** Whether each row has a value: 1 or 0. */
  presence(): Int32Array {
    const { indexes, nulls, rows } = this
    const presence = new Int32Array(rows).fill(1)
    if (nulls > 0) for (let row = 0; row < rows; row++) if (indexes[row] === none) presence[row] = 0
    return presence
  }

  /** Which of the distinct values they are, of rows that have one. */
  presentIndexes(): Int32Array {
    const { indexes, nulls, rows } = this
    if (nulls === 0) return indexes.subarray(0, rows)
    const present = new Int32Array(rows - nulls)
    let count = 0
    for (let row = 0; row < rows; row++) if (indexes[row] !== none) present[count++] = indexes[row]!
    return present
  }

  /** Room for the indexes of so many more rows, the first of which is {@link DictionaryColumn.rows}. */
  protected roomFor(rows: number): Int32Array {
    while (this.rows + rows > this.indexes.length) {
      const larger = uncounted(2 * this.indexes.length)
      larger.set(this.indexes)
      this.indexes = larger
    }
    return this.indexes
  }
}

const firstBits = 8

/** Distinct numbers are found by open addressing with linear probing, at most half full. */
export class NumberColumn extends DictionaryColumn {
  readonly type: "INT64" | "DOUBLE"
  distinct = 0
  private min = Number.POSITIVE_INFINITY
  private max = Number.NEGATIVE_INFINITY
  private values = new Float64Array(1 << (firstBits - 1))
  /** Index plus one of the value whose place it is; 0 where there is none. */
  private places = new Int32Array(1 << firstBits)
  private bits = firstBits
  private last = Number.NaN
  private lastIndex = none
  private readonly hashed = new Float64Array(1)
  private readonly hashedWords = new Int32Array(this.hashed.buffer)

  constructor(type: "INT64" | "DOUBLE") {
    super()
    this.type = type
  }

  /** Adds a value of each of so many rows, which are `width` cells long; `NaN` is none. */
  add(cells: Float64Array, first: number, width: number, count: number): void {
    const indexes = this.roomFor(count)
    const end = this.rows + count
    let { last, lastIndex } = this
    let nulls = 0
    for (let row = this.rows, at = first; row < end; row++, at += width) {
      const value = cells[at]!
      if (value === last) indexes[row] = lastIndex
      else if (Number.isNaN(value)) {
        nulls += 1
        indexes[row] = none
      } else {
        last = value
        // Of both zeros, which are equal, the positive one.
        lastIndex = this.indexOf(value + 0)
        indexes[row] = lastIndex
      }
    }
    this.nulls += nulls
    this.last = last
    this.lastIndex = lastIndex
    this.rows = end
  }

  get distinctBytes(): number {
    return 8 * this.distinct
  }

  get rowBytes(): number {
    return 8 * (this.rows - this.nulls)
  }

  writeValues(content: ByteWriter, indexes?: Int32Array): void {
    const { type, values } = this
    const count = indexes?.length ?? this.distinct
    const bytes = new Uint8Array(8 * count)
    const view = new DataView(bytes.buffer)
    for (let at = 0; at < count; at++) {
      const value = values[indexes === undefined ? at : indexes[at]!]!
      if (type === "DOUBLE") view.setFloat64(8 * at, value, true)
      else writeInteger(view, 8 * at, value)
    }
    content.appendBytes(bytes)
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
    this.last = Number.NaN
  }

  private indexOf(value: number): number {
    const { places, values } = this
    const mask = places.length - 1
    let place = this.home(value)
    for (;;) {
      const known = places[place]!
      if (known === 0) break
      if (values[known - 1] === value) return known - 1
      place = (place + 1) & mask
    }
    if (this.type === "INT64" && !Number.isInteger(value)) throw new RangeError(`${value} is not a whole number`)
    if (this.distinct === values.length) {
      this.grow()
      return this.indexOf(value)
    }
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    places[place] = this.distinct + 1
    values[this.distinct] = value
    return this.distinct++
  }

  private home(value: number): number {
    const { hashedWords } = this
    this.hashed[0] = value
    const high = Math.imul(hashedWords[1]!, hashFactor)
    return Math.imul(high ^ (high >>> 15) ^ hashedWords[0]!, hashFactor) >>> (32 - this.bits)
  }

  private grow(): void {
    this.values = grown(this.values)
    this.bits += 1
    const places = new Int32Array(1 << this.bits)
    const mask = places.length - 1
    for (let index = 0; index < this.distinct; index++) {
      let place = this.home(this.values[index]!)
      while (places[place] !== 0) place = (place + 1) & mask
      places[place] = index + 1
    }
    this.places = places
  }
}

/** As 64 bits. */
const writeInteger = (view: DataView, at: number, value: number): void => {
  const high = Math.floor(value / 2 ** 32)
  view.setUint32(at, value - high * 2 ** 32, true)
  view.setInt32(at + 4, high, true)
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
  private last: string | undefined = undefined
  private lastIndex = none

  /** Adds a value of each of so many rows, which are `width` cells long; `null` is none. */
  add(cells: ReadonlyArray<string | null>, first: number, width: number, count: number): void {
    const indexes = this.roomFor(count)
    const end = this.rows + count
    for (let row = this.rows, at = first; row < end; row++, at += width) {
      const value = cells[at]!
      if (value === null) {
        this.nulls += 1
        indexes[row] = none
        continue
      }
      this.rowBytes += lengthBytes + value.length
      if (value !== this.last) {
        this.last = value
        this.lastIndex = this.indexOf(value)
      }
      indexes[row] = this.lastIndex
    }
    this.rows = end
  }

  get distinct(): number {
    return this.texts.length
  }

  writeValues(content: ByteWriter, indexes?: Int32Array): void {
    const { texts } = this
    const count = indexes?.length ?? texts.length
    for (let at = 0; at < count; at++) {
      const bytes = utf8.encode(texts[indexes === undefined ? at : indexes[at]!])
      content.appendUint32(bytes.length)
      content.appendBytes(bytes)
    }
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

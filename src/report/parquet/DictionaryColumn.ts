/**
 * A column of the row group that is filling, in Parquet's dictionary encoding: its distinct values, and which of them each row has.
 *
 * Most columns repeat few values, and most rows the one of the row before.
 */
import type { Statistics } from "hyparquet"
import { ByteWriter } from "hyparquet-writer"
import { grown } from "../../structures/Grown.ts"
import { hashFactor } from "../../structures/Hash.ts"
import { UncountedMemory } from "../../structures/UncountedMemory.ts"
import { isNumber } from "../TableWriter.ts"

/** Most rows of a row group, so few that 16 bits tell them, and which of the distinct values they have. */
export const mostRows = 50_000

/** Stands for no value. */
const none = 0xffff

const firstRuns = 512

const uncounted = (length: number): Uint16Array => new Uint16Array(new UncountedMemory(2 * length))

const longer = (column: Uint16Array): Uint16Array => {
  const larger = uncounted(2 * column.length)
  larger.set(column)
  return larger
}

export abstract class DictionaryColumn {
  /** Parquet's physical type. */
  abstract readonly type: "INT64" | "DOUBLE" | "BYTE_ARRAY"
  rows = 0
  nulls = 0
  /** Rows one after the other that have the same: the first of them, and which of the distinct values it is. */
  private runs = 0
  private runStarts = uncounted(firstRuns)
  private runIndexes = uncounted(firstRuns)

  /** How many values differ. */
  abstract readonly distinct: number

  /** The values of these indexes in Parquet's plain encoding. */
  abstract plainValues(indexes: Int32Array): Uint8Array

  /** Of the distinct values, and of those of all rows, about: by them it is decided whether the column gets a dictionary. */
  abstract readonly distinctBytes: number
  abstract readonly rowBytes: number

  /** Smallest and largest value, where they are known. */
  abstract bounds(): Pick<Statistics, "min_value" | "max_value">

  /** Begins a row group. */
  clear(): void {
    this.rows = 0
    this.nulls = 0
    this.runs = 0
  }

  /** Whether each row has a value, 1 or 0, in memory that holds all rows. */
  presence(memory: Int32Array): Int32Array {
    const { rows, runIndexes, runs } = this
    for (let run = 0; run < runs; run++)
      memory.fill(runIndexes[run] === none ? 0 : 1, this.runStarts[run], this.runEnd(run))
    return memory.subarray(0, rows)
  }

  /** Which of the distinct values they are, of rows that have one; likewise. */
  presentIndexes(memory: Int32Array): Int32Array {
    const { runIndexes, runs } = this
    let count = 0
    for (let run = 0; run < runs; run++) {
      const index = runIndexes[run]!
      if (index === none) continue
      const end = count + this.runEnd(run) - this.runStarts[run]!
      while (count < end) memory[count++] = index
    }
    return memory.subarray(0, count)
  }

  /** From this row on it is another value. */
  protected beginRun(row: number, index: number): void {
    if (this.runs === this.runStarts.length) {
      this.runStarts = longer(this.runStarts)
      this.runIndexes = longer(this.runIndexes)
    }
    this.runStarts[this.runs] = row
    this.runIndexes[this.runs++] = index
  }

  private runEnd(run: number): number {
    return run + 1 < this.runs ? this.runStarts[run + 1]! : this.rows
  }
}

/** Stands for the value before the first. */
const other = Number.POSITIVE_INFINITY

const firstBits = 8
/** Whole numbers below are found in a table of all of them. */
const smallNumbers = 4096

/** Distinct numbers that are not small are found by open addressing with linear probing, at most half full. */
export class NumberColumn extends DictionaryColumn {
  readonly type: "INT64" | "DOUBLE"
  distinct = 0
  private min = Number.POSITIVE_INFINITY
  private max = Number.NEGATIVE_INFINITY
  private values = new Float64Array(1 << (firstBits - 1))
  /** Index plus one of the value whose place it is; 0 where there is none. */
  private places = new Int32Array(1 << firstBits)
  private bits = firstBits
  /** Index plus one of each small whole number, as most are; 0 where there is none. */
  private readonly small = new Uint16Array(smallNumbers)
  private last = other
  private readonly hashed = new Float64Array(1)
  private readonly hashedWords = new Int32Array(this.hashed.buffer)

  constructor(type: "INT64" | "DOUBLE") {
    super()
    this.type = type
  }

  /** Adds a value of each of so many rows, which are `width` cells long; `NaN` is none. */
  add(cells: Float64Array, first: number, width: number, count: number): void {
    const { rows } = this
    let { last } = this
    let nulls = 0
    for (let row = 0, at = first; row < count; row++, at += width) {
      const value = cells[at]!
      if (value === last) continue
      const isNull = !isNumber(value)
      if (isNull) nulls += 1
      if (isNull && !isNumber(last)) continue
      last = value
      // Of both zeros, which are equal, the positive one.
      this.beginRun(rows + row, isNull ? none : this.indexOf(value + 0))
    }
    this.nulls += nulls
    this.last = last
    this.rows = rows + count
  }

  get distinctBytes(): number {
    return 8 * this.distinct
  }

  get rowBytes(): number {
    return 8 * (this.rows - this.nulls)
  }

  plainValues(indexes: Int32Array): Uint8Array {
    const { values } = this
    const bytes = new Uint8Array(8 * indexes.length)
    const view = new DataView(bytes.buffer)
    // The compiler is to see two short loops, each of one kind.
    if (this.type === "DOUBLE") {
      for (let at = 0; at < indexes.length; at++) view.setFloat64(8 * at, values[indexes[at]!]!, true)
    } else {
      for (let at = 0; at < indexes.length; at++) writeInteger(view, 8 * at, values[indexes[at]!]!)
    }
    return bytes
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
  }

  private indexOf(value: number): number {
    if (!(value >= 0 && value < smallNumbers && Math.floor(value) === value)) return this.placeOf(value)
    const known = this.small[value]!
    if (known > 0) return known - 1
    const index = this.placeOf(value)
    this.small[value] = index + 1
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
    if (this.type === "INT64" && !Number.isInteger(value)) throw new RangeError(`${value} is not a whole number`)
    if (this.distinct === values.length) {
      this.grow()
      return this.placeOf(value)
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
  private last: string | null | undefined = undefined

  /** Adds a value of each of so many rows, which are `width` cells long; `null` is none. */
  add(cells: ReadonlyArray<string | null>, first: number, width: number, count: number): void {
    const { rows } = this
    for (let row = 0, at = first; row < count; row++, at += width) {
      const value = cells[at]!
      if (value === null) this.nulls += 1
      else this.rowBytes += lengthBytes + value.length
      if (value === this.last) continue
      this.last = value
      this.beginRun(rows + row, value === null ? none : this.indexOf(value))
    }
    this.rows = rows + count
  }

  get distinct(): number {
    return this.texts.length
  }

  plainValues(indexes: Int32Array): Uint8Array {
    const content = new ByteWriter()
    for (let at = 0; at < indexes.length; at++) {
      const bytes = utf8.encode(this.texts[indexes[at]!])
      content.appendUint32(bytes.length)
      content.appendBytes(bytes)
    }
    return content.getBytes()
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

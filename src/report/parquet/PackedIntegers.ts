/**
 * Small integers as Parquet packs them: runs of equal ones by their number, others bit by bit, eight at a time.
 *
 * hyparquet-writer does the same with a call for every byte, which is most of what a file takes to write.
 */

/** From so many equal values on they are told by their number; others go by so many. */
const groupBits = 3
const groupLength = 1 << groupBits
/** So many values that one byte tells how many groups they are. */
const mostPacked = 63 * groupLength
/** Of a run: how long it is, and its value. */
const mostRunBytes = 5
/** So many values of a column are gone through by one call: a loop over all of them would be compiled while it runs, for that one run. */
export const stretchLength = 512

/** How many groups so many values are, the last one perhaps not full: as many bytes as their bits where each has one. */
export const groupsOf = (length: number): number => (length + groupLength - 1) >> groupBits

/** What so many integers of `width` bits take at most. */
export const mostPackedBytes = (length: number, width: number): number => groupsOf(length) * (width + 1 + mostRunBytes)

export class IntegerPacker {
  /** Where what has been packed ends. */
  end: number
  private readonly bytes: Uint8Array
  private readonly width: number
  /** How many of the values are packed. */
  private packed = 0

  /** Packs integers of `width` bits, up to 16, into `bytes` from `start` on. */
  constructor(bytes: Uint8Array, start: number, width: number) {
    this.bytes = bytes
    this.end = start
    this.width = width
  }

  pack(values: Uint16Array): void {
    this.packed = 0
    while (this.packed < values.length) this.packUntil(values, Math.min(this.packed + stretchLength, values.length))
  }

  /** So many equal ones. */
  run(length: number, value: number): void {
    const { bytes, width } = this
    this.number(length << 1)
    for (let bit = 0; bit < width; bit += 8) bytes[this.end++] = value >> bit
  }

  /** So many of one bit, as they are. */
  bits(bits: Uint8Array, length: number): void {
    const groups = groupsOf(length)
    this.number((groups << 1) | 1)
    this.bytes.set(bits.subarray(0, groups), this.end)
    this.end += groups
  }

  /** By seven bits, the last ones first. */
  private number(value: number): void {
    let rest = value
    for (; rest > 127; rest >>>= 7) this.bytes[this.end++] = (rest & 127) | 128
    this.bytes[this.end++] = rest
  }

  /** Goes on to there or a little beyond. */
  private packUntil(values: Uint16Array, until: number): void {
    let at = this.packed
    while (at < until) {
      const runEnd = endOfRun(values, at)
      if (runEnd - at < groupLength) {
        const packedEnd = startOfRun(values, at, Math.min(at + mostPacked, values.length))
        this.groups(values, at, packedEnd)
        at = packedEnd
      } else {
        this.run(runEnd - at, values[at]!)
        at = runEnd
      }
    }
    this.packed = at
  }

  /** Packs values in groups, the last one filled up with zeros. */
  private groups(values: Uint16Array, from: number, until: number): void {
    const { bytes, width } = this
    const groups = groupsOf(until - from)
    let { end } = this
    bytes[end++] = (groups << 1) | 1
    let bits = 0
    let held = 0
    for (let at = from; at < from + groups * groupLength; at++) {
      if (at < until) bits |= values[at]! << held
      for (held += width; held >= 8; held -= 8) {
        bytes[end++] = bits
        bits >>>= 8
      }
    }
    this.end = end
  }
}

const endOfRun = (values: Uint16Array, start: number): number => {
  const { length } = values
  const value = values[start]
  let end = start + 1
  while (end < length && values[end] === value) end++
  return end
}

/** Where groups behind the first one end because one of equal values comes. */
const startOfRun = (values: Uint16Array, start: number, until: number): number => {
  for (let at = start + groupLength; at < until; at += groupLength) {
    const value = values[at]
    let next = at + 1
    while (next < until && next < at + groupLength && values[next] === value) next++
    if (next === at + groupLength) return at
  }
  return until
}

/**
 * Small integers as Parquet packs them: runs of equal ones by their number, others bit by bit, eight at a time.
 *
 * hyparquet-writer does the same with a call for every byte, which is most of what a file takes to write.
 */

/** From so many equal values on they are told by their number; others go by so many. */
const groupLength = 8
/** So many values that one byte tells how many groups they are. */
const mostPacked = 63 * groupLength
/** Of a run: how long it is, and its value. */
const mostRunBytes = 5

/** What so many integers of `width` bits take at most. */
export const mostPackedBytes = (length: number, width: number): number =>
  Math.ceil(length / groupLength) * (width + 1 + mostRunBytes)

/** Writes them from `start` on, and returns where they end. `width`: bits of the largest one, up to 16. */
export const packIntegers = (bytes: Uint8Array, start: number, values: Uint16Array, width: number): number => {
  const { length } = values
  let end = start
  for (let at = 0; at < length;) {
    const runEnd = endOfRun(values, at)
    if (runEnd - at < groupLength) {
      const packedEnd = startOfRun(values, at, Math.min(at + mostPacked, length))
      end = packGroups(bytes, end, values, at, packedEnd, width)
      at = packedEnd
    } else {
      end = packRun(bytes, end, runEnd - at, values[at]!, width)
      at = runEnd
    }
  }
  return end
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

/** Packs values in groups, the last one filled up with zeros; returns where they end. */
const packGroups = (
  bytes: Uint8Array,
  start: number,
  values: Uint16Array,
  from: number,
  until: number,
  width: number
): number => {
  const groups = Math.ceil((until - from) / groupLength)
  let end = start
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
  return end
}

/** Likewise, where so many are equal. */
export const packRun = (bytes: Uint8Array, start: number, length: number, value: number, width: number): number => {
  let end = start
  let rest = length << 1
  for (; rest > 127; rest >>>= 7) bytes[end++] = (rest & 127) | 128
  bytes[end++] = rest
  for (let bit = 0; bit < width; bit += 8) bytes[end++] = value >> bit
  return end
}

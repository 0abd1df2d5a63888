/**
 * Small integers as Parquet packs them: runs of equal ones by their number, others bit by bit, eight at a time.
 *
 * hyparquet-writer does the same with a call for every byte, which is most of what a file takes to write.
 */

/** From so many equal values on they are told by their number; others go by so many. */
const groupLength = 8
/** Of how many groups, or values of a run, there are, and of the value of a run. */
const mostHeaderBytes = 5
const mostValueBytes = 3

/** `width`: bits of the largest one, up to 24. */
export const packedIntegers = (values: Int32Array, width: number): Uint8Array => {
  const { length } = values
  const bytes = new Uint8Array(Math.ceil(length / groupLength) * (width + 2 * mostHeaderBytes + mostValueBytes))
  let end = 0
  /** Where values begin that are no run and not packed yet. */
  let pending = 0
  let at = 0
  while (at < length) {
    const value = values[at]!
    let next = at + 1
    while (next < length && values[next] === value) next++
    if (next - at < groupLength) {
      at += groupLength
      continue
    }
    end = packGroups(bytes, end, values, pending, at, width)
    end = writeVarInt(bytes, end, (next - at) << 1)
    for (let bit = 0; bit < width; bit += 8) bytes[end++] = value >> bit
    at = next
    pending = next
  }
  end = packGroups(bytes, end, values, pending, length, width)
  return bytes.subarray(0, end)
}

/** Packs values in groups, the last one filled up with zeros; returns where they end. */
const packGroups = (
  bytes: Uint8Array,
  start: number,
  values: Int32Array,
  from: number,
  until: number,
  width: number
): number => {
  if (from === until) return start
  const groups = Math.ceil((until - from) / groupLength)
  let end = writeVarInt(bytes, start, (groups << 1) | 1)
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

const writeVarInt = (bytes: Uint8Array, start: number, value: number): number => {
  let end = start
  let rest = value
  for (; rest > 127; rest >>>= 7) bytes[end++] = (rest & 127) | 128
  bytes[end++] = rest
  return end
}

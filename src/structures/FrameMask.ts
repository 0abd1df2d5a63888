/**
 * Keys in frames of eight: key `k` is member `k & 7` of the frame with the number `k >> 3`, and a set of members is a mask of
 * eight bits.
 *
 *     key     … 15 | 16 17 18 19 20 21 22 23 | 24 …          negative keys too: -1 is member 7 of frame -1
 *     frame     1  |            2            |  3
 *     mask           1  1  1  0  0  0  0  0  = 0b00000111    member 0 is the lowest bit
 *
 * Identities of the KV blocks of one trace block are consecutive, so what is done with eight of them at once is done once.
 */

export const frameBits = 3
export const frameSize = 1 << frameBits
const lastMember = frameSize - 1

export const frameOf = (key: number): number => key >> frameBits

export const memberOf = (key: number): number => key & lastMember

/** The members `first … first + count`. */
export const membersFrom = (first: number, count: number): number => ((1 << count) - 1) << first

/** The last member of a mask, -1 of an empty one. */
export const lastOf = (mask: number): number => (mask < 0 ? 31 : 31 - Math.clz32(mask))

/** The first member of a mask, -1 of an empty one. */
export const firstOf = (mask: number): number => lastOf(mask & -mask)

/** Whether eight keys from `keys[from]` on are the members of one frame, in order. */
const isWholeFrame = (keys: Int32Array, from: number): boolean => {
  const first = keys[from]!
  return (
    (first & lastMember) === 0
    && keys[from + 7] === first + 7
    && keys[from + 1] === first + 1
    && keys[from + 2] === first + 2
    && keys[from + 3] === first + 3
    && keys[from + 4] === first + 4
    && keys[from + 5] === first + 5
    && keys[from + 6] === first + 6
  )
}

/** Length of the run of consecutive keys of one frame that starts at `keys[from]`; it ends before `end`. */
export const runLength = (keys: Int32Array, from: number, end: number): number => {
  if (from + frameSize <= end && isWholeFrame(keys, from)) return frameSize
  const first = keys[from]!
  const left = end - from
  const inFrame = frameSize - (first & lastMember)
  const longest = left < inFrame ? left : inFrame
  let length = 1
  while (length < longest && keys[from + length] === first + length) length += 1
  return length
}

/** The same backwards: length of the run that ends with `keys[end - 1]`; it starts at `from` or later. */
export const runLengthBefore = (keys: Int32Array, from: number, end: number): number => {
  if (from + frameSize <= end && isWholeFrame(keys, end - frameSize)) return frameSize
  const last = keys[end - 1]!
  const left = end - from
  const inFrame = (last & lastMember) + 1
  const longest = left < inFrame ? left : inFrame
  let length = 1
  while (length < longest && keys[end - 1 - length] === last - length) length += 1
  return length
}

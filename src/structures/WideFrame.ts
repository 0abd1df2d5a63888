/**
 * Keys in frames of 32, as `FrameMask.ts` has them in frames of eight: key `k` is member `k & 31` of the frame with the number `k >> 5`, and a
 * set of members is an integer, negative where member 31 is one.
 *
 *     key     … 31 | 32 33 34 … 62 63 | 64 …          a frame of 32 is four frames of eight
 *     frame     0  |        1         |  2
 *
 * A trace block of 512 tokens has 32 blocks of 16: whatever handles it as a whole does so in one step. Columns by frame are shorter, but
 * waste more where frames are sparse.
 */
import { frameBits, frameSize, lastOf, runLength, runLengthBefore } from "./FrameMask.ts"

export const wideBits = 5
export const wideSize = 1 << wideBits

/** A frame is two to the power of this many frames of eight. */
export const octetBits = wideBits - frameBits

export const wideFrameOf = (key: number): number => key >> wideBits

export const wideMemberOf = (key: number): number => key & (wideSize - 1)

/** The members `first … first + count`, one at least. */
export const wideMembersFrom = (first: number, count: number): number => ~(-2 << (count - 1)) << first

/** Whether a mask, which has members, has a single one. */
export const isOne = (mask: number): boolean => (mask & (mask - 1)) === 0

/** Members in a mask. */
export const wideCount = (mask: number): number => {
  const pairs = (mask & (mask << 1) & ~0x55555555) | ((mask ^ (mask >>> 1)) & 0x55555555)
  const quads = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return (((quads + (quads >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}

/** How many members from `first` on are in the mask without a gap. */
export const wideLeading = (mask: number, first: number): number => {
  if (mask === -1) return wideSize - first
  const absent = ~(mask >>> first)
  return 31 - Math.clz32(absent & -absent)
}

/** How many members up to `last` are in the mask without a gap. */
export const wideTrailing = (mask: number, last: number): number => Math.clz32(~(mask << (wideSize - 1 - last)))

/** Length of the run of consecutive keys of one frame that starts at `keys[from]`; it ends before `end`. */
export const wideRunLength = (keys: Int32Array, from: number, end: number): number => {
  const first = keys[from]!
  const frameEnd = from + wideSize - wideMemberOf(first)
  const last = frameEnd < end ? frameEnd : end
  let to = from + runLength(keys, from, last)
  while (to < last && keys[to] === first + to - from) to += runLength(keys, to, last)
  return to - from
}

/** The same backwards: length of the run that ends with `keys[end - 1]`; it starts at `from` or later. */
export const wideRunLengthBefore = (keys: Int32Array, from: number, end: number): number => {
  const last = keys[end - 1]!
  const frameStart = end - 1 - wideMemberOf(last)
  const first = frameStart > from ? frameStart : from
  let at = end - runLengthBefore(keys, first, end)
  while (at > first && keys[at - 1] === last - (end - at)) at -= runLengthBefore(keys, first, at)
  return end - at
}

/** The highest of the frames of eight that has members in the mask, as the place of its first member. */
export const lastOctet = (mask: number): number => lastOf(mask) & -frameSize

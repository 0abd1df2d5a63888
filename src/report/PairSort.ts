/**
 * Sorts (value, count) pairs held in two parallel arrays, in place, by the built-in sort where it can be had: it is compiled before the
 * program starts, while loops that run once, at the end, hardly are, but it moves one array only.
 *
 *     bits of a gap      sign, exponent, leading bits of the mantissa │ 00 0000 0000
 *     sorted as a whole number, for numbers >= 0 in the same order    │ its count
 *
 * Gaps are differences of times that are much larger than they, so the last bits of nearly all are zero and have room for a count. Pairs
 * without that room are sorted on their own (quicksort that falls back to heapsort where its partitions stay lopsided, and insertion sort
 * for short ranges) and merged.
 */

const countBits = 10
const countMask = 2 ** countBits - 1
/** Which half of a double has the last bits of its mantissa on this machine: that of 1 is zero. */
const lowHalf = new Int32Array(Float64Array.of(1).buffer)[0] === 0 ? 0 : 1
/** Loops over all pairs go by calls of so many: what is called again is compiled better, and sooner, than a loop that is running. */
const blockPairs = 1024
const shortRange = 16

/** Orders the first `length` pairs by ascending value. Values are not NaN. */
export const sortPairs = (values: Float64Array, counts: Uint32Array, length: number): void => {
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * length)
  let first = 0
  for (let from = 0; from < length; from += blockPairs)
    first = packCounts(values, halves, counts, first, from, Math.min(from + blockPairs, length))
  new BigUint64Array(values.buffer, values.byteOffset + 8 * first, length - first).sort()
  for (let from = first; from < length; from += blockPairs)
    unpackCounts(halves, counts, from, Math.min(from + blockPairs, length))
  if (first === 0) return
  quickSort(values, counts, 0, first - 1, 2 * Math.floor(Math.log2(first + 1)))
  mergeRanges(values, counts, first, length)
}

/**
 * Puts counts of the pairs `from … to` into values that have room for them, and moves other pairs to `first`, where the packed ones start;
 * returns where they start then.
 */
const packCounts = (
  values: Float64Array,
  halves: Int32Array,
  counts: Uint32Array,
  first: number,
  from: number,
  to: number
): number => {
  let start = first
  for (let index = from; index < to; index++) {
    const low = 2 * index + lowHalf
    const count = counts[index]!
    if ((halves[low]! & countMask) === 0 && count <= countMask && halves[low ^ 1]! >= 0) halves[low]! |= count
    else swap(values, counts, index, start++)
  }
  return start
}

const unpackCounts = (halves: Int32Array, counts: Uint32Array, from: number, to: number): void => {
  for (let index = from; index < to; index++) {
    const low = 2 * index + lowHalf
    const half = halves[low]!
    counts[index] = half & countMask
    halves[low] = half & ~countMask
  }
}

/** Makes one ascending range of two: up to `middle`, and from there up to `end`. */
const mergeRanges = (values: Float64Array, counts: Uint32Array, middle: number, end: number): void => {
  const formerValues = values.slice(0, middle)
  const formerCounts = counts.slice(0, middle)
  let later = middle
  for (let former = 0; former < middle; former++) {
    const value = formerValues[former]!
    later = moveSmaller(values, counts, value, later, end, middle - former)
    values[later - middle + former] = value
    counts[later - middle + former] = formerCounts[former]!
  }
}

/** Moves pairs below `value` that start at `from` to the front by `places`; returns where the first of the others is. */
const moveSmaller = (
  values: Float64Array,
  counts: Uint32Array,
  value: number,
  from: number,
  end: number,
  places: number
): number => {
  let next = from
  for (; next < end && values[next]! < value; next++) {
    values[next - places] = values[next]!
    counts[next - places] = counts[next]!
  }
  return next
}

const quickSort = (values: Float64Array, counts: Uint32Array, first: number, last: number, depth: number): void => {
  let left = first
  let right = last
  let budget = depth
  while (right - left >= shortRange) {
    if (budget-- === 0) return heapSort(values, counts, left, right)
    const split = partition(values, counts, left, right)
    if (split - left < right - split) {
      quickSort(values, counts, left, split, budget)
      left = split + 1
    } else {
      quickSort(values, counts, split + 1, right, budget)
      right = split
    }
  }
  insertionSort(values, counts, left, right)
}

/**
 * Hoare's partition: afterwards `left … split` <= pivot <= `split + 1 … right`. Both sides have a pair, because a median of
 * three is never the only largest value.
 */
const partition = (values: Float64Array, counts: Uint32Array, left: number, right: number): number => {
  const pivot = medianOfThree(values[left]!, values[(left + right) >>> 1]!, values[right]!)
  let low = left - 1
  let high = right + 1
  for (;;) {
    do low++
    while (values[low]! < pivot)
    do high--
    while (values[high]! > pivot)
    if (low >= high) return high
    swap(values, counts, low, high)
  }
}

const medianOfThree = (a: number, b: number, c: number): number =>
  a < b ? (b < c ? b : Math.max(a, c)) : a < c ? a : Math.max(b, c)

const insertionSort = (values: Float64Array, counts: Uint32Array, left: number, right: number): void => {
  for (let next = left + 1; next <= right; next++) {
    const value = values[next]!
    const count = counts[next]!
    let at = next
    for (; at > left && values[at - 1]! > value; at--) {
      values[at] = values[at - 1]!
      counts[at] = counts[at - 1]!
    }
    values[at] = value
    counts[at] = count
  }
}

const heapSort = (values: Float64Array, counts: Uint32Array, left: number, right: number): void => {
  const length = right - left + 1
  for (let root = (length >>> 1) - 1; root >= 0; root--) siftDown(values, counts, left, root, length)
  for (let end = length - 1; end > 0; end--) {
    swap(values, counts, left, left + end)
    siftDown(values, counts, left, 0, end)
  }
}

const siftDown = (values: Float64Array, counts: Uint32Array, left: number, root: number, length: number): void => {
  for (let parent = root; ;) {
    let child = 2 * parent + 1
    if (child >= length) return
    if (child + 1 < length && values[left + child + 1]! > values[left + child]!) child++
    if (values[left + parent]! >= values[left + child]!) return
    swap(values, counts, left + parent, left + child)
    parent = child
  }
}

const swap = (values: Float64Array, counts: Uint32Array, a: number, b: number): void => {
  const value = values[a]!
  const count = counts[a]!
  values[a] = values[b]!
  counts[a] = counts[b]!
  values[b] = value
  counts[b] = count
}

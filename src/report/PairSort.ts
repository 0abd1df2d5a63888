/**
 * Sorts (value, count) pairs held in two parallel arrays, in place: many are spread over buckets first, in one go through them; then
 * quicksort that falls back to heapsort where its partitions stay lopsided, and insertion sort for short ranges.
 *
 * The built-in sorts move one array only; through an index they would need a third array and a copy.
 */

const shortRange = 16
/** From so many pairs on buckets pay. */
const longRange = 16_384
const bucketBits = 12

/** Orders the first `length` pairs by ascending value; values >= 0. */
export const sortPairs = (values: Float64Array, counts: Uint32Array, length: number): void => {
  if (length < longRange) return sortRange(values, counts, 0, length - 1)
  const ends = spread(values, counts, length)
  for (let bucket = 0, first = 0; bucket < ends.length; bucket++) {
    sortRange(values, counts, first, ends[bucket]! - 1)
    first = ends[bucket]!
  }
}

/**
 * Moves each pair into its bucket, the leading bits in which values differ: as numbers >= 0 are in the order of their bits, so are buckets. Where
 * each of them ends is the answer.
 */
const spread = (values: Float64Array, counts: Uint32Array, length: number): Int32Array => {
  // The upper half of each number, on the little-endian machines that JavaScript runs on.
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * length)
  let least = halves[1]!
  let greatest = least
  for (let half = 1; half < halves.length; half += 2) {
    least = Math.min(least, halves[half]!)
    greatest = Math.max(greatest, halves[half]!)
  }
  const shift = Math.max(0, 32 - Math.clz32(greatest - least) - bucketBits)
  const ends = new Int32Array(((greatest - least) >> shift) + 1)
  for (let half = 1; half < halves.length; half += 2) ends[(halves[half]! - least) >> shift]! += 1
  const next = new Int32Array(ends.length)
  for (let bucket = 1; bucket < ends.length; bucket++) {
    next[bucket] = ends[bucket - 1]!
    ends[bucket]! += ends[bucket - 1]!
  }
  for (let bucket = 0; bucket < ends.length; bucket++) {
    while (next[bucket]! < ends[bucket]!) {
      const pair = next[bucket]!
      const target = (halves[2 * pair + 1]! - least) >> shift
      if (target !== bucket) swap(values, counts, pair, next[target]!)
      next[target]! += 1
    }
  }
  return ends
}

const sortRange = (values: Float64Array, counts: Uint32Array, first: number, last: number): void =>
  quickSort(values, counts, first, last, 2 * Math.floor(Math.log2(last - first + 2)))

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

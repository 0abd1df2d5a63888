/**
 * Sorts (value, count) pairs held in two parallel arrays, in place: quicksort that falls back to heapsort where its
 * partitions stay lopsided, and insertion sort for short ranges.
 *
 * The built-in sorts move one array only; through an index they would need a third array and a copy.
 */

const shortRange = 16

/** Orders the first `length` pairs by ascending value. Values are not NaN. */
export const sortPairs = (values: Float64Array, counts: Uint32Array, length: number): void =>
  quickSort(values, counts, 0, length - 1, 2 * Math.floor(Math.log2(length + 1)))

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

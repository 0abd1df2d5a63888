/**
 * Index of the segment between two neighbouring nodes that holds `x`: the last one whose start is <= x, clamped to the
 * first and the last segment. `nodes` are strictly increasing; the result is 0 where there are fewer than three.
 */
export const segmentOf = (nodes: Float64Array, x: number): number => {
  let low = 0
  let high = nodes.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (nodes[middle]! <= x) low = middle
    else high = middle - 1
  }
  return low
}

/** Which combinations of a sweep are looked at, and which of those nothing else is better than. */

/** The least and the greatest of a figure, where any combination has it. */
export const rangeOf = (values) => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? [0, 0] : [Math.min(...known), Math.max(...known)]
}

/** `filters`: by axis, the values that are looked at; by metric, from what to what. */
export const isShown = ({ figures, isFeasible, values }, { bounds, onlyFeasible, picked }) =>
  (isFeasible || !onlyFeasible)
  && values.every((value, axis) => picked[axis].has(value))
  && figures.every((figure, metric) => {
    const [low, high] = bounds[metric]
    return figure === null || (figure >= low && figure <= high)
  })

/** Those of the combinations that none is better than in both metrics, in the order of the first. */
export const paretoFront = (combinations, x, y, maximises) => {
  const cost = ({ figures }, metric) => (maximises[metric] ? -figures[metric] : figures[metric])
  const known = combinations.filter(
    ({ figures, isFeasible }) => isFeasible && figures[x] !== null && figures[y] !== null
  )
  const beats = (one, other) =>
    cost(one, x) <= cost(other, x)
    && cost(one, y) <= cost(other, y)
    && (cost(one, x) < cost(other, x) || cost(one, y) < cost(other, y))
  return known
    .filter((each) => !known.some((other) => beats(other, each)))
    .toSorted((left, right) => left.figures[x] - right.figures[x])
}

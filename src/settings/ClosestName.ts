/**
 * The name a user probably meant: the nearest by edit distance (insert, delete, replace, swap neighbours), if it is near.
 */

/** Restricted Damerau-Levenshtein distance. */
const editDistance = (left: string, right: string): number => {
  let beforePrevious: Array<number> = []
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1]
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (same ? 0 : 1))
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (swapped) cost = Math.min(cost, beforePrevious[column - 2]! + 1)
      current.push(cost)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[right.length]!
}

/** The closest of `candidates`, `undefined` when none is within a third of the name's length (at least 1, at most 3 edits). */
export const closestName = (name: string, candidates: Iterable<string>): string | undefined => {
  let best: string | undefined
  let allowed = Math.min(3, Math.max(1, Math.floor(name.length / 3)))
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate)
    if (distance > allowed || (best !== undefined && distance === allowed)) continue
    best = candidate
    allowed = distance
  }
  return best
}

/**
 * The name a user probably meant: the only one that goes on from it, else the nearest by edit distance (insert, delete, replace, swap
 * neighbours), if it is near, else the only one that has all its words.
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

/** The nearest of `candidates`, `undefined` when none is within a third of the name's length (at least 1, at most 3 edits). */
export const nearestByEdits = (name: string, candidates: Iterable<string>): string | undefined => {
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

const wordsOf = (name: string): ReadonlyArray<string> => name.toLowerCase().split(/[-_./ ]/)

/** The only one of `candidates` with words that are like those of the name. */
const onlyOne = (
  name: string,
  candidates: ReadonlyArray<string>,
  isLike: (words: ReadonlyArray<string>, others: ReadonlyArray<string>) => boolean
): string | undefined => {
  const words = wordsOf(name)
  const found = candidates.filter((candidate) => isLike(words, wordsOf(candidate)))
  return found.length === 1 ? found[0] : undefined
}

/** `h100` means `h100_sxm`. */
const goesOn = (words: ReadonlyArray<string>, others: ReadonlyArray<string>): boolean =>
  words.every((word, index) => word === others[index])

/** `ttft_p99` means `p99_ttft_ms`. */
const hasAll = (words: ReadonlyArray<string>, others: ReadonlyArray<string>): boolean =>
  words.every((word) => others.includes(word))

/** The one of `candidates` that was probably meant, `undefined` when none is like the name. */
export const closestName = (name: string, candidates: Iterable<string>): string | undefined => {
  const names = [...candidates]
  return onlyOne(name, names, goesOn) ?? nearestByEdits(name, names) ?? onlyOne(name, names, hasAll)
}

/** The question that leads a list of what there is; empty where nothing is like the name. */
export const didYouMean = (name: string, candidates: Iterable<string>): string => {
  const close = closestName(name, candidates)
  return close === undefined ? "" : `did you mean ${close}? `
}

/**
 * A distribution as a table of percentiles, straight lines in between:
 *
 *     [[0, 100], [50, 400], [99, 2000], [100, 4000]]      half of the values are from 100 to 400, one in a hundred above 2000
 *
 * Two values at one percentage are a step: nothing lies between them.
 */
import type { Pcg32 } from "../../structures/Pcg32.ts"
import { maxShuffled, Shuffle } from "../../structures/Shuffle.ts"
import { number, type Kind } from "../../settings/Kind.ts"

export type PercentileTable = readonly [Percentile, Percentile, ...ReadonlyArray<Percentile>]
export type Percentile = readonly [percent: number, value: number]

const percent = number(0, 100)

const isTable = (pairs: ReadonlyArray<Percentile>): pairs is PercentileTable => pairs.length >= 2

/** The pairs of a list, each within its range; `undefined` for anything else. */
const pairsOf = (value: unknown, values: Kind<number>): ReadonlyArray<Percentile> | undefined => {
  if (!Array.isArray(value)) return undefined
  const pairs: Array<Percentile> = []
  for (const item of value) {
    if (!Array.isArray(item) || item.length !== 2) return undefined
    const read = [percent.read(item[0]), values.read(item[1])] as const
    if (read[0] === undefined || read[1] === undefined) return undefined
    pairs.push([read[0], read[1]])
  }
  return pairs
}

const brokenOrder = (pairs: ReadonlyArray<Percentile>): string | undefined => {
  if (!isTable(pairs) || pairs[0][0] !== 0 || pairs.at(-1)?.[0] !== 100) {
    return "a table of percentiles must go from 0 to 100 per cent"
  }
  for (let index = 1; index < pairs.length; index++) {
    const [before, here] = [pairs[index - 1]!, pairs[index]!]
    if (here[0] < before[0] || here[1] < before[1]) {
      return `a table of percentiles must not go down, but [${here.join(", ")}] comes after [${before.join(", ")}]`
    }
  }
  return undefined
}

/** Tables whose values are of a kind. */
export const percentileTable = (values: Kind<number>): Kind<PercentileTable> => ({
  expected: `a table of percentiles [[0, LEAST], ..., [100, MOST]], each ${values.expected.replace(/^an? /, "")}`,
  form: "other",
  schema: {
    type: "array",
    minItems: 2,
    items: { type: "array", prefixItems: [percent.schema, values.schema], minItems: 2, maxItems: 2 }
  },
  read: (value) => {
    const pairs = pairsOf(value, values)
    return pairs !== undefined && brokenOrder(pairs) === undefined && isTable(pairs) ? pairs : undefined
  },
  explain: (value) => {
    const pairs = pairsOf(value, values)
    return pairs === undefined ? undefined : brokenOrder(pairs)
  }
})

/** The value that a share of all, 0 … 1, does not exceed. */
export const valueAt = (table: PercentileTable, share: number): number => {
  const at = share * 100
  let low = 0
  let high = table.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (table[middle]![0] <= at) low = middle
    else high = middle
  }
  const [fromPercent, from] = table[low]!
  const [toPercent, to] = table[high]!
  return toPercent === fromPercent ? to : from + ((to - from) * (at - fromPercent)) / (toPercent - fromPercent)
}

export const meanOf = (table: PercentileTable): number => {
  let sum = 0
  for (let index = 1; index < table.length; index++) {
    const [before, here] = [table[index - 1]!, table[index]!]
    sum += ((here[0] - before[0]) / 100) * ((here[1] + before[1]) / 2)
  }
  return sum
}

/**
 * Shares 0 … 1 in a drawn order, evenly spread: of `most` draws each `1 / most` of a distribution gets one, so that what is made has
 * the percentiles of its table, however little it is. Further draws go around again.
 */
export const evenShares = (most: number, random: Pcg32): (() => number) => {
  const count = Math.min(most, maxShuffled)
  const shuffle = new Shuffle(count, random)
  let place = 0
  return () => {
    const share = (shuffle.at(place) + 0.5) / count
    place = place + 1 === count ? 0 : place + 1
    return share
  }
}

/**
 * Numbers as words of a command line. Python's spellings are taken too, since users bring their command lines along:
 * `+64`, ` 64 `, `6_4`, `1e0`, `nan`, `inf`.
 */

const integerPattern = /^[+-]?\d+(_\d+)*$/
const numberPattern = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i
const namedPattern = /^([+-]?)(nan|inf|infinity)$/i

/** `undefined` for what is not an integer. Beyond 2^53 the nearest double. */
export const integerOf = (word: string): number | undefined => {
  const trimmed = word.trim()
  return integerPattern.test(trimmed) ? Number(trimmed.replaceAll("_", "")) : undefined
}

/** The integer that a word spells, exact beyond 2^53. */
export const exactIntegerOf = (word: string): number | bigint | undefined => {
  const number = integerOf(word)
  return number === undefined || Number.isSafeInteger(number)
    ? number
    : BigInt(word.trim().replaceAll("_", "").replace("+", ""))
}

/** `undefined` for what is not a number; may be NaN or infinite. */
export const numberOf = (word: string): number | undefined => {
  const trimmed = word.trim()
  if (numberPattern.test(trimmed)) return Number(trimmed.replaceAll("_", ""))
  const named = namedPattern.exec(trimmed)
  if (named === null) return undefined
  if (named[2]?.toLowerCase() === "nan") return Number.NaN
  return named[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/**
 * Numbers for people to read, as English writes them: `12,031`, `0.5`, `1,234.57`. The same texts as `toLocaleString("en-US")`, which
 * reads the locale data of all languages first: a fifth of what a short run costs.
 *
 *     1234.565 ─▶ digits "1234565", 4 of them before the point ─▶ rounded "123457" ─▶ "1,234.57"
 */

/** Halves are rounded away from zero, as they stand in the shortest text that reads back as the number. */
interface Decimal {
  readonly sign: string
  readonly digits: string
  /** How many digits stand before the point; may be negative. */
  readonly whole: number
}

const decimalOf = (value: number): Decimal => {
  const [coefficient = "", exponent] = Math.abs(value).toExponential().split("e")
  const sign = value < 0 || Object.is(value, -0) ? "-" : ""
  return { sign, digits: coefficient.replace(".", ""), whole: Number(exponent) + 1 }
}

/** Rounded to the first `count` digits. */
const roundedTo = ({ digits, sign, whole }: Decimal, count: number): Decimal => {
  if (count >= digits.length) return { digits, sign, whole }
  const kept = digits.slice(0, Math.max(count, 0))
  if (count < 0 || digits.charCodeAt(count) < "5".charCodeAt(0)) return { digits: kept, sign, whole }
  const next = String(BigInt(kept) + 1n).padStart(kept.length, "0")
  return { digits: next, sign, whole: whole + next.length - kept.length }
}

/** In groups of three. */
const groupsOf = (digits: string): string => digits.replaceAll(/\B(?=(\d{3})+$)/g, ",")

const positional = ({ digits, sign, whole }: Decimal, leastFraction: number, grouping: boolean): string => {
  const before = digits.slice(0, Math.max(whole, 0)).padEnd(whole, "0").replace(/^0+/, "") || "0"
  const after = `${"0".repeat(Math.max(-whole, 0))}${digits.slice(Math.max(whole, 0))}`
  const fraction = after.replace(/0+$/, "").padEnd(leastFraction, "0")
  return `${sign}${grouping ? groupsOf(before) : before}${fraction === "" ? "" : `.${fraction}`}`
}

/** Thousands in groups, and from `leastFraction` to `mostFraction` digits after the point. `value` is finite. */
export const englishNumber = (value: number, leastFraction = 0, mostFraction = Math.max(leastFraction, 3)): string => {
  const decimal = decimalOf(value)
  return positional(roundedTo(decimal, decimal.whole + mostFraction), leastFraction, true)
}

/** At most so many digits that are not zeros at an end. `value` is finite. */
export const significantDigits = (value: number, most: number, grouping = true): string =>
  positional(roundedTo(decimalOf(value), most), 0, grouping)

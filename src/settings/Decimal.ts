/** Plain values of settings as they were written, and how messages show them. */

/** A number that was written with a fraction or an exponent, such as `64.0`, or that no double holds exactly. */
export class Decimal {
  readonly value: number
  readonly literal: string

  constructor(value: number, literal: string) {
    this.value = value
    this.literal = literal
  }
}

const longestShown = 60

/** The value as a message shows it: what the user wrote, or what kind of thing it is. */
export const showValue = (value: unknown): string => {
  if (value instanceof Decimal) return value.literal
  if (typeof value === "string") {
    const text = JSON.stringify(value)
    return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
  }
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list"
  if (typeof value === "function") return "a function"
  if (typeof value !== "object" || value === null) return String(value)
  return (value instanceof Map ? value.size : Object.keys(value).length) === 0 ? "an empty object" : "an object"
}

/** Values of tables and logs, whatever they are written as: token counts, moments, names. */
import { maxTokens } from "../FieldSchemas.ts"
import { timeUnitsMs, type TimeUnit } from "../MooncakeFields.ts"

/** A count of tokens, or `undefined` for what is none. `128.0` is one: tables often hold all numbers as fractions. */
export const tokensOf = (cell: unknown): number | undefined => {
  const value = typeof cell === "string" ? (cell === "" ? Number.NaN : Number(cell)) : Number(numeric(cell))
  return Number.isInteger(value) && value >= 0 && value <= maxTokens ? value : undefined
}

const numeric = (cell: unknown): number | bigint =>
  typeof cell === "number" || typeof cell === "bigint" ? cell : Number.NaN

export const textOf = (cell: unknown): string | undefined => {
  if (typeof cell === "string") return cell === "" ? undefined : cell
  return typeof cell === "number" || typeof cell === "bigint" ? String(cell) : undefined
}

export const shownCell = (cell: unknown): string => {
  const text = typeof cell === "bigint" ? String(cell) : (JSON.stringify(cell) ?? "nothing")
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const moment =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\s*(?:(Z|UTC)|([+-])(\d\d):?(\d\d))?$/

const digit = (text: string, at: number): number => {
  const value = text.charCodeAt(at) - 0x30
  return value >= 0 && value <= 9 ? value : Number.NaN
}

const twoDigits = (text: string, at: number): number => digit(text, at) * 10 + digit(text, at + 1)

/** Of the day that was read last: consecutive rows are of the same day. */
let lastDay = ""
let lastDaySeconds = Number.NaN

/** Midnight in UTC, `NaN` for a day that no calendar has. */
const midnight = (year: number, month: number, day: number): number => {
  const ms = Date.UTC(year, month - 1, day)
  return month >= 1 && month <= 12 && day >= 1 && ms < Date.UTC(year, month, 1) ? ms / 1000 : Number.NaN
}

const daySeconds = (day: string): number => {
  if (day !== lastDay) {
    lastDay = day
    lastDaySeconds = /^\d{4}-\d\d-\d\d$/.test(day)
      ? midnight(Number(day.slice(0, 4)), Number(day.slice(5, 7)), Number(day.slice(8, 10)))
      : Number.NaN
  }
  return lastDaySeconds
}

/** `2024-05-10 00:00:00.009930` in UTC, as tables have it millions of times; anything else is for the slow way. */
const plainParts = (text: string): readonly [seconds: number, restMs: number] | undefined => {
  if (text.length < 19 || text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return undefined
  const hours = twoDigits(text, 11)
  const minutes = twoDigits(text, 14)
  const inMinute = twoDigits(text, 17)
  if (!(hours < 24 && minutes < 60 && inMinute < 60)) return undefined
  const seconds = daySeconds(text.slice(0, 10)) + hours * 3600 + minutes * 60 + inMinute
  let at = 19
  let rest = 0
  let scale = 1000
  if (text.charCodeAt(at) === 0x2e) {
    for (at++; at < text.length; at++) {
      const value = digit(text, at)
      if (Number.isNaN(value)) break
      rest = rest * 10 + value
      scale /= 10
    }
  }
  const isUtc = at === text.length || text.endsWith("+00:00") ? at >= text.length - 6 : false
  return isUtc && Number.isFinite(seconds) ? [seconds, rest * scale] : undefined
}

/** A date and time in whole seconds and the rest in ms; without a zone it is taken for UTC. */
const isoParts = (text: string): readonly [seconds: number, restMs: number] | undefined => {
  const plain = plainParts(text)
  if (plain !== undefined) return plain
  const found = moment.exec(text)
  if (found === null) return undefined
  const [, year, month, day, hour, minute, second = "0", fraction = "", , sign, zoneHour = "0", zoneMinute = "0"] =
    found
  const zoneSeconds = (Number(zoneHour) * 60 + Number(zoneMinute)) * 60 * (sign === "-" ? -1 : 1)
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const seconds =
    midnight(Number(year), Number(month), Number(day)) + Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  if (Number.isNaN(seconds)) return undefined
  return [seconds - zoneSeconds, fraction === "" ? 0 : Number(`0.${fraction}`) * 1000]
}

/** Steps of a millionth of a millisecond: finer ones are noise of the arithmetic. */
const rounded = (ms: number): number => Math.round(ms * 1e6) / 1e6

export type TimeForm = TimeUnit | "iso"

/** Moments of one trace, as ms after its first. */
export class TraceClock {
  private readonly unit: TimeForm | undefined
  private firstSeconds: number | undefined
  private firstRestMs = 0
  private firstInteger: bigint | undefined
  private first: number | undefined

  /** Without a unit only dates are understood: what a bare number means is nobody's guess. */
  constructor(unit: TimeForm | undefined) {
    this.unit = unit
  }

  /** A text says why there is no moment. */
  read(cell: unknown): number | string {
    if (cell instanceof Date) return this.since(cell.getTime(), 1)
    if (typeof cell === "string") {
      const parts = isoParts(cell)
      if (parts !== undefined) return this.sinceFirstDate(parts[0], parts[1])
    }
    if (this.unit === "iso") return `expected a date and time such as 2024-05-10 00:00:00.5, got ${shownCell(cell)}`
    return this.ofNumber(cell, this.unit)
  }

  private ofNumber(cell: unknown, unit: TimeUnit | undefined): number | string {
    const value = typeof cell === "string" && cell.trim() !== "" ? Number(cell) : Number(numeric(cell))
    if (!Number.isFinite(value)) return `expected a moment, got ${shownCell(cell)}`
    if (unit === undefined) return `got ${shownCell(cell)} without a unit; say which with --time-unit`
    const exact = typeof cell === "bigint" ? String(cell) : cell
    if (typeof exact === "string" && !Number.isSafeInteger(value) && /^-?\d+$/.test(exact.trim())) {
      const integer = BigInt(exact.trim())
      this.firstInteger ??= integer
      return rounded(Number(integer - this.firstInteger) * timeUnitsMs[unit])
    }
    return this.since(value, timeUnitsMs[unit])
  }

  private since(value: number, msPerUnit: number): number {
    this.first ??= value
    return rounded((value - this.first) * msPerUnit)
  }

  private sinceFirstDate(seconds: number, restMs: number): number {
    if (this.firstSeconds === undefined) {
      this.firstSeconds = seconds
      this.firstRestMs = restMs
    }
    return rounded((seconds - this.firstSeconds) * 1000 + (restMs - this.firstRestMs))
  }
}

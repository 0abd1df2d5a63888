/** The part of a run that its report is about: from when, and until when. */
import type { WindowBound, WindowBounds } from "../report/MeasuredWindow.ts"
import { Decimal } from "../settings/Decimal.ts"
import type { Kind } from "../settings/Kind.ts"
import { numberOf } from "../settings/NumberText.ts"

export type MeasureBound =
  /** Simulated time. */
  | { readonly _tag: "Time"; readonly ms: number }
  /** When this part of the requests that the run offers has ended. */
  | { readonly _tag: "Share"; readonly share: number }

/** A bound left out is the start or the end of the run. */
export interface MeasuredPart {
  readonly from?: MeasureBound
  readonly until?: MeasureBound
}

const longestMs = 1e15
const unitsMs: Readonly<Record<string, number>> = { "": 1000, ms: 1, s: 1000, min: 60_000, h: 3_600_000 }

const timeOf = (ms: number): MeasureBound | undefined => (ms >= 0 && ms <= longestMs ? { _tag: "Time", ms } : undefined)

const shareOf = (share: number): MeasureBound | undefined =>
  share >= 0 && share <= 1 ? { _tag: "Share", share } : undefined

const written = (text: string): MeasureBound | undefined => {
  const [, digits = "", unit = ""] = /^\s*(\S*?\d\.?)\s*([a-z]*|%)\s*$/i.exec(text) ?? []
  const value = numberOf(digits)
  if (value === undefined) return undefined
  if (unit === "%") return shareOf(value / 100)
  const factor = Object.hasOwn(unitsMs, unit) ? unitsMs[unit] : undefined
  return factor === undefined ? undefined : timeOf(value * factor)
}

const isBound = (value: object): value is MeasureBound => {
  switch (Reflect.get(value, "_tag")) {
    case "Time":
      return typeof Reflect.get(value, "ms") === "number"
    case "Share":
      return typeof Reflect.get(value, "share") === "number"
    default:
      return false
  }
}

/** `30`, `30 s`, `2 min`, `10 %`; a number is seconds. */
export const measureBound: Kind<MeasureBound> = {
  expected: "seconds, a time such as 30 s or 2 min, or a share of the requests such as 10 %",
  form: "other",
  schema: { anyOf: [{ type: "number", minimum: 0 }, { type: "string" }] },
  read: (value) => {
    if (typeof value === "string") return written(value)
    if (typeof value === "number") return timeOf(value * 1000)
    if (value instanceof Decimal) return timeOf(value.value * 1000)
    if (typeof value !== "object" || value === null || !isBound(value)) return undefined
    return value._tag === "Time" ? timeOf(value.ms) : shareOf(value.share)
  }
}

const boundText = (bound: MeasureBound): string =>
  bound._tag === "Time" ? `${bound.ms / 1000} s` : `${Number((bound.share * 100).toPrecision(12))} %`

/** What is wrong with the second bound: of two of one kind it must lie beyond the first. */
export const measuredPartProblem = ({ from, until }: MeasuredPart): string | undefined => {
  const isBefore =
    until === undefined
    || (until._tag === "Time"
      ? until.ms > (from?._tag === "Time" ? from.ms : 0)
      : until.share > (from?._tag === "Share" ? from.share : 0))
  return isBefore
    ? undefined
    : `must be after ${from === undefined ? "the start" : boundText(from)}, got ${boundText(until)}`
}

const windowBound = (bound: MeasureBound, requests: number): WindowBound =>
  bound._tag === "Time" ? bound : { _tag: "Ended", requests: Math.round(bound.share * requests) }

/** In a run that offers so many requests. */
export const windowOf = ({ from, until }: MeasuredPart, requests: number): WindowBounds => ({
  ...(from === undefined ? {} : { from: windowBound(from, requests) }),
  ...(until === undefined ? {} : { until: windowBound(until, requests) })
})

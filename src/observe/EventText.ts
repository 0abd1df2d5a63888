/** What all events of a timeline have in common: how they follow one another, and their times. */
import { encoded, type TextBytes } from "../structures/TextBytes.ts"

/** Before every event but the first. */
export const separator = ",\n"

/** Process and thread of a track, as trace viewers count them. */
export interface EventNumbers {
  readonly pid: number
  readonly tid: number
}

const duration = encoded(',"dur":')

/** Whole nanoseconds, so that neighbours meet exactly. */
export const nanoseconds = (ms: number): number => Math.round(ms * 1e6)

/** A time in microseconds. */
export const writeTimestamp = (out: TextBytes, ms: number): void => {
  out.thousandths(nanoseconds(ms))
}

/** A time and a duration; returns the latter in nanoseconds. */
export const writeSpan = (out: TextBytes, fromMs: number, toMs: number): number => {
  const fromNs = nanoseconds(fromMs)
  const toNs = nanoseconds(toMs)
  const durationNs = toNs > fromNs ? toNs - fromNs : 0
  out.thousandths(fromNs).constant(duration).thousandths(durationNs)
  return durationNs
}

/** What all events of a timeline have in common: how they follow one another, and their times. */

/** Before every event but the first. */
export const separator = ",\n"

/** Process and thread of a track, as trace viewers count them. */
export interface EventNumbers {
  readonly pid: number
  readonly tid: number
}

/** Whole nanoseconds, so that neighbours meet exactly. As thousandths they are what the format wants, microseconds. */
export const nanoseconds = (ms: number): number => Math.round(ms * 1e6)

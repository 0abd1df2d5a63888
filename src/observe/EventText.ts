/** What all events of a timeline have in common: how they follow one another and begin, and their times. */
import type { TextBytes } from "../structures/TextBytes.ts"
import { type TextTemplate, textTemplate } from "../structures/TextTemplate.ts"

/** Before every event but the first. */
export const separator = ",\n"

/** Behind the arguments of an event, which end it. */
export const endOfArguments = textTemplate`}}`

/** Process and thread of a track, as trace viewers count them. */
export interface EventNumbers {
  readonly pid: number
  readonly tid: number
}

/** Whole nanoseconds, so that neighbours meet exactly. As thousandths they are what the format wants, microseconds. */
export const nanoseconds = (ms: number): number => Math.round(ms * 1e6)

/** How events begin: with their time, and their number where they have one. Those of one time, one after the other, begin alike. */
export class EventHead {
  /** Time in nanoseconds, and number, of the event that is written next: as arguments they would be objects. */
  readonly next = new Float64Array(2)
  private readonly out: TextBytes
  private readonly template: TextTemplate
  /** As they were written last, and where that stands. */
  private readonly last = Float64Array.of(Number.NaN, Number.NaN)
  private start = 0
  private end = 0

  constructor(out: TextBytes, template: TextTemplate) {
    this.out = out
    this.template = template
  }

  write(): void {
    const { last, next, out } = this
    if (next[0] === last[0] && next[1] === last[1]) {
      out.repeat(this.start, this.end)
      return
    }
    last[0] = next[0]!
    last[1] = next[1]!
    this.start = out.length
    out.fill(this.template, next)
    this.end = out.length
  }

  /** What has been written is gone. */
  forget(): void {
    this.last[0] = Number.NaN
  }
}

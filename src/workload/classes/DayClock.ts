/**
 * Time that runs at the pace of the day: where the curve says twice the average, a gap takes half as long.
 *
 *     curve    | 1 | 3 |    a gap of the average rate that starts in the first half runs into the second three times faster
 */
export class DayClock {
  /** Pace of each part, their average 1; `undefined` where it is always 1. */
  private readonly paces: ReadonlyArray<number> | undefined
  private readonly dayMs: number

  constructor(curve: ReadonlyArray<number> | undefined, dayMs: number) {
    const total = curve?.reduce((sum, part) => sum + part, 0) ?? 0
    this.paces = curve?.map((part) => (part * curve.length) / total)
    this.dayMs = dayMs
  }

  /** When a gap that starts at `fromMs` is over. */
  after(fromMs: number, gapMs: number): number {
    const { dayMs, paces } = this
    if (paces === undefined) return fromMs + gapMs
    // A day lets as much time pass as it lasts.
    const days = Math.floor(gapMs / dayMs)
    const partMs = dayMs / paces.length
    let atMs = fromMs + days * dayMs
    let leftMs = gapMs - days * dayMs
    let part = Math.floor(atMs / partMs)
    for (;;) {
      const pace = paces[part % paces.length]!
      const restMs = (part + 1) * partMs - atMs
      if (pace > 0 && leftMs <= restMs * pace) return atMs + leftMs / pace
      leftMs -= restMs * pace
      part += 1
      atMs = part * partMs
    }
  }
}

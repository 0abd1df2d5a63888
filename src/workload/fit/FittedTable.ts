/**
 * A table of percentiles for some values: few points, between which straight lines stay close to the distribution of the values.
 *
 * Starts with the ends and the percentiles that people look at, then adds the point where the area between the lines and the values
 * is largest, until it is small against the mean.
 */
import type { Percentile, PercentileTable } from "../classes/PercentileTable.ts"

/** Points of a table, at most; fewer where the lines are close before. */
const maxPoints = 48
/** Area between lines and values that is left, as a share of the mean. */
const closeEnough = 0.002

const lookedAt = [0.5, 0.9, 0.99]

/** The values as a line of steps: each value at the share below it, and at the share up to it. */
const stepsOf = (sorted: Float64Array): ReadonlyArray<Percentile> => {
  const steps: Array<Percentile> = []
  let from = 0
  while (from < sorted.length) {
    const value = sorted[from]!
    let to = from
    while (to < sorted.length && sorted[to] === value) to += 1
    steps.push([from / sorted.length, value], [to / sorted.length, value])
    from = to
  }
  return steps
}

interface Segment {
  readonly from: number
  readonly to: number
  /** Area between the straight line and the steps, all counted as positive, and the step that is farthest from it. */
  readonly area: number
  readonly farthest: number
}

const segmentOf = (steps: ReadonlyArray<Percentile>, from: number, to: number): Segment => {
  const [fromShare, fromValue] = steps[from]!
  const [toShare, toValue] = steps[to]!
  const width = toShare - fromShare
  const lineAt = (share: number): number =>
    width === 0 ? fromValue : fromValue + ((toValue - fromValue) * (share - fromShare)) / width
  let area = 0
  let farthest = from
  let distance = 0
  for (let step = from + 1; step <= to; step++) {
    const [share, value] = steps[step]!
    const [shareBefore, valueBefore] = steps[step - 1]!
    area +=
      ((share - shareBefore) * (Math.abs(value - lineAt(share)) + Math.abs(valueBefore - lineAt(shareBefore)))) / 2
    const away = Math.abs(value - lineAt(share))
    if (step < to && away > distance) {
      distance = away
      farthest = step
    }
  }
  return { from, to, area, farthest }
}

const splittable = ({ farthest, from }: Segment): boolean => farthest > from

/** Places of the steps that become points. */
const pointsOf = (steps: ReadonlyArray<Percentile>, mean: number): ReadonlyArray<number> => {
  const last = steps.length - 1
  const first = lookedAt.map((share) => steps.findIndex(([upTo]) => upTo >= share))
  const points = [...new Set([0, ...first, last])].toSorted((a, b) => a - b)
  const segments = points.slice(1).map((to, index) => segmentOf(steps, points[index]!, to))
  while (points.length < maxPoints) {
    const area = segments.reduce((sum, segment) => sum + segment.area, 0)
    if (area <= closeEnough * mean) break
    let worst = -1
    for (const [index, segment] of segments.entries()) {
      if (splittable(segment) && (worst < 0 || segment.area > segments[worst]!.area)) worst = index
    }
    if (worst < 0) break
    const { farthest, from, to } = segments[worst]!
    segments.splice(worst, 1, segmentOf(steps, from, farthest), segmentOf(steps, farthest, to))
    points.push(farthest)
  }
  return points.toSorted((a, b) => a - b)
}

const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits

/** Of one value or more, in any order. `digits` are those of the values after the point. */
export const fittedTable = (values: Float64Array, digits: number): PercentileTable => {
  const sorted = values.toSorted()
  const steps = stepsOf(sorted)
  const mean = sorted.reduce((sum, value) => sum + value / sorted.length, 0)
  const points = pointsOf(steps, mean).map((point): Percentile => {
    const [share, value] = steps[point]!
    return [rounded(100 * share, 4), rounded(value, digits)]
  })
  const [first = [0, 0], second = [100, 0], ...others] = points
  return [first, second, ...others]
}

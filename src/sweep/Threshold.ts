/**
 * The first of a row of points that meets the constraints, by bracketing and bisection: the fewest workers, the highest load.
 *
 * The row leads from what is asked for most to what is easiest, and is taken to change from "misses" to "holds" once. Whether it did where
 * it was looked at is told with the answer. When the first point misses, the *floor* says whether the goal can be met at all: the same
 * constraints with one request in flight at a time, where nobody waits for anybody.
 */
import type { Condition } from "../report/Condition.ts"
import type { Candidate } from "./Candidate.ts"
import type { Point } from "./Cell.ts"
import type { Answers } from "./Search.ts"

/** Bounds how long a request may take: without load that is as short as it can be. */
export const isLatencyBound = ({ metric: { name, unit }, operator }: Condition): boolean =>
  unit === "ms" && name !== "duration_ms" && (operator === "<" || operator === "<=")

export interface Row {
  /** From the most demanding to the easiest. */
  readonly points: readonly [Point, ...ReadonlyArray<Point>]
  /** Where to look first. */
  readonly start: number
  /** How far to step from `start` for the first time, and by what every next step is longer. */
  readonly step: number
  readonly growth: number
  /** The point without load; a search without one looks to the end of the row. */
  readonly floor: Point | undefined
  /** Where to look, whatever the floor says, before the goal is given up. */
  readonly last: number
}

export interface Tried {
  readonly position: number
  /** `undefined` where it cannot be run or failed. */
  readonly candidate: Candidate | undefined
}

export interface Found {
  /** `undefined` where the goal is out of reach. */
  readonly position: number | undefined
  /** In the order of the row. */
  readonly tried: ReadonlyArray<Tried>
  readonly floor: Candidate | undefined
}

type Step<A> = Generator<ReadonlyArray<Point>, A, Answers>

class ThresholdSearch {
  private readonly row: Row
  private readonly tried = new Map<number, Candidate | undefined>()
  private floor: Candidate | undefined

  constructor(row: Row) {
    this.row = row
  }

  *run(): Step<Found> {
    const { start } = this.row
    const position = (yield* this.holds(start)) ? yield* this.down() : yield* this.up()
    const tried = [...this.tried].map(([at, candidate]) => ({ position: at, candidate }))
    return { position, tried: tried.toSorted((a, b) => a.position - b.position), floor: this.floor }
  }

  private *holds(position: number): Step<boolean> {
    if (!this.tried.has(position)) {
      const [candidate] = yield [this.row.points[position] ?? this.row.points[0]]
      this.tried.set(position, candidate)
    }
    return this.tried.get(position)?.isFeasible === true
  }

  /** The start holds: how much more demanding may it be? */
  private *down(): Step<number> {
    const { growth, start } = this.row
    let good = start
    for (let step = this.row.step; good > 0; step *= growth) {
      const next = Math.max(good - step, 0)
      if (!(yield* this.holds(next))) return yield* this.between(next, good)
      good = next
    }
    return good
  }

  /** The start misses: how much easier must it be, if that helps? */
  private *up(): Step<number | undefined> {
    const { growth, points, start } = this.row
    if (yield* this.isHopeless()) return undefined
    let bad = start
    const end = points.length - 1
    for (let step = this.row.step; bad < end; step *= growth) {
      const next = Math.min(bad + step, end)
      if (yield* this.holds(next)) return yield* this.between(bad, next)
      bad = next
    }
    return undefined
  }

  /** Neither without load nor far along the row do the constraints hold. */
  private *isHopeless(): Step<boolean> {
    const { floor, last } = this.row
    if (floor === undefined) return false
    const [candidate] = yield [floor]
    this.floor = candidate
    const misses = candidate?.judgements.some(({ condition, holds }) => !holds && isLatencyBound(condition)) ?? false
    return misses && !(yield* this.holds(last))
  }

  private *between(from: number, to: number): Step<number> {
    let [bad, good] = [from, to]
    while (good - bad > 1) {
      const middle = bad + Math.floor((good - bad) / 2)
      if (yield* this.holds(middle)) good = middle
      else bad = middle
    }
    return good
  }
}

export const threshold = (row: Row): Step<Found> => new ThresholdSearch(row).run()

/**
 * The first constraint whose figure, where it was looked at, did not move one way along the row: between the points that were passed over
 * there may then be one that holds. `undefined` where all did.
 */
export const notMonotone = ({ tried }: Found): string | undefined => {
  const candidates = tried.flatMap(({ candidate }) => candidate ?? [])
  const metrics = candidates[0]?.judgements.map(({ condition }) => condition.metric.name) ?? []
  return metrics.find((_, index) => {
    const values = candidates.flatMap(({ judgements }) => judgements[index]?.value ?? [])
    const rises = values.some((value, at) => at > 0 && value > (values[at - 1] ?? value))
    const falls = values.some((value, at) => at > 0 && value < (values[at - 1] ?? value))
    return rises && falls
  })
}

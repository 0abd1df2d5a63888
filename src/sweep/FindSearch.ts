/**
 * `find` in a plan: for each combination of the other axes, the first value of one axis that meets the constraints, by bracketing and
 * bisection. The searches of all combinations go on side by side, a point of each in a round.
 *
 * A plan whose constraints bound latencies has one axis more, the *floor*: the load as it is, and the same with one request in flight.
 */
import { emptyObject, type JsonNode, type JsonObject } from "../settings/JsonNode.ts"
import type { Axis } from "./Axis.ts"
import type { Candidate } from "./Candidate.ts"
import { allPoints, type Point } from "./Cell.ts"
import type { Condition } from "../report/Condition.ts"
import type { Plan } from "./Plan.ts"
import type { Rounds, SearchStrategy } from "./Search.ts"
import { type Found, isLatencyBound, type Row, threshold } from "./Threshold.ts"

const { at } = emptyObject
const floorOption = "replay-concurrency"
const asGiven: JsonNode = { _tag: "Null", at }
const oneInFlight: JsonNode = { _tag: "Integer", value: 1n, literal: "1", at }

/** The floor, where constraints say something about latencies and the plan does not itself say how many requests are in flight. */
export const floorAxis = (
  base: JsonObject,
  axes: ReadonlyArray<Axis>,
  constraints: ReadonlyArray<Condition>
): Axis | undefined => {
  const isGiven =
    axes.some(({ path }) => path[0] === floorOption)
    || [...base.entries.keys()].some((key) => key.replaceAll("_", "-") === floorOption)
  return isGiven || !constraints.some(isLatencyBound)
    ? undefined
    : { name: floorOption, path: [floorOption], keyAt: at, values: [asGiven, oneInFlight] }
}

/** Whether a point tells what an idle worker does, and is no answer itself. */
export const isFloor = ({ find }: Plan, point: Point): boolean => find?.floor !== undefined && point[find.floor] === 1

/** A search of the plan: the other axes as they stand in it, and its row. */
export interface FindRow {
  readonly point: Point
  readonly row: Row
}

/** The searches of a plan, in the order of their combinations; none where it is no plan for `find`. */
export const rowsOf = (plan: Plan): ReadonlyArray<FindRow> => {
  const { axes, find } = plan
  if (find === undefined) return []
  const { axis, floor } = find
  const others = allPoints(axes).filter((point) => point[axis] === 0 && !isFloor(plan, point))
  return others.map((point) => {
    const [first = point, ...rest] = (axes[axis]?.values ?? []).map((_, index) => point.with(axis, index))
    return {
      point,
      row: {
        points: [first, ...rest],
        start: 0,
        step: 1,
        growth: 2,
        last: rest.length,
        floor: floor === undefined ? undefined : point.with(floor, 1)
      }
    }
  })
}

type Asked = IteratorResult<ReadonlyArray<Point>, Found>

function* search(plan: Plan): Rounds {
  const searches = rowsOf(plan).map(({ row }) => threshold(row))
  let asked = searches.map((one): Asked => one.next([]))
  for (;;) {
    const open = asked.flatMap((step, index) => (step.done === true ? [] : [{ index, points: step.value }]))
    if (open.length === 0) return
    const answers = yield open.flatMap(({ points }) => points)
    let from = 0
    const next = new Map<number, Asked>()
    for (const { index, points } of open) {
      const step = searches[index]?.next(answers.slice(from, from + points.length))
      if (step !== undefined) next.set(index, step)
      from += points.length
    }
    asked = asked.map((step, index) => next.get(index) ?? step)
  }
}

/** For each combination of the other axes, the first value of one axis that meets the constraints, by bracketing and bisection. */
export const find: SearchStrategy = { name: "find", search }

/** What one search of a plan came to. */
export interface Finding {
  readonly point: Point
  readonly found: Found
  /** A run that the search looked at failed, so that nothing is certain. */
  readonly isUndecided: boolean
}

/** What the searches of a plan came to, from the candidates that they were told of. */
export const findings = (
  plan: Plan,
  candidates: ReadonlyArray<Candidate>,
  failed: ReadonlyArray<Point>
): ReadonlyArray<Finding> => {
  const byPoint = new Map(candidates.map((candidate) => [candidate.point.join(), candidate]))
  const failures = new Set(failed.map((point) => point.join()))
  return rowsOf(plan).map(({ point, row }) => {
    const one = threshold(row)
    let isUndecided = false
    let step: Asked = one.next([])
    while (step.done !== true) {
      isUndecided ||= step.value.some((asked) => failures.has(asked.join()))
      step = one.next(step.value.map((asked) => byPoint.get(asked.join())))
    }
    return { point, found: step.value, isUndecided }
  })
}

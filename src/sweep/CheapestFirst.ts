/**
 * Every combination, those with the fewest GPUs first, a round for each number of GPUs: where the fewest GPUs are looked for, none beyond
 * the first that meets the constraints can win.
 */
import * as Result from "effect/Result"
import { allPoints, cellsOf, type Point } from "./Cell.ts"
import { gpusOf } from "./GpuCount.ts"
import type { Plan } from "./Plan.ts"
import type { Rounds, SearchStrategy } from "./Search.ts"

/** 0 for what cannot be run, which then comes first and is told of, and for pools that change, whose GPUs the report says. */
const gpusByPoint = (plan: Plan): ((point: Point) => number) => {
  const make = Result.getOrUndefined(cellsOf(plan))
  return (point) => {
    const made = make === undefined ? undefined : Result.getOrUndefined(make(point))
    const options = made === undefined || "_tag" in made ? undefined : made[0]?.options
    const isElastic = options?.scaling !== undefined || options?.workerEvents !== undefined
    return options === undefined || isElastic ? 0 : gpusOf(options)
  }
}

function* search(plan: Plan): Rounds {
  const gpusOfPoint = gpusByPoint(plan)
  const points = allPoints(plan.axes).map((point) => ({ point, gpus: gpusOfPoint(point) }))
  for (const count of [...new Set(points.map(({ gpus }) => gpus))].toSorted((a, b) => a - b)) {
    const answers = yield points.filter(({ gpus }) => gpus === count).map(({ point }) => point)
    if (count > 0 && answers.some((answer) => answer?.isFeasible === true)) return
  }
}

export const cheapestFirst: SearchStrategy = { name: "cheapest-first", search }

/** Whether the plan looks for the fewest GPUs and wants no run that cannot win. */
export const looksForFewestGpus = ({ objectives: [first, ...others], search, stopEarly }: Plan): boolean =>
  stopEarly
  && search === "grid"
  && others.length === 0
  && first.direction === "minimise"
  && first.metric.name === "total_gpus"

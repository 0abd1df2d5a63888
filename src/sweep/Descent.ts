/**
 * Block-coordinate descent, as DynoSim sweeps search: parallel sizes, then the split of the workers, then the router, each block with the
 * others held, until the incumbent stays or the rounds are used up.
 *
 * 1. Each combination of parallel sizes, at its largest equal worker count (aggregated: its largest count).
 * 2. For the best of them, every split that uses as many GPUs as any.
 * 3. Every other axis in turn, the router's axes together.
 *
 * A plan without a deployment axis has blocks of the third kind only.
 */
import type { JsonNode } from "../settings/JsonNode.ts"
import { type Axis, deploymentAxis } from "./Axis.ts"
import { bestOf, type Candidate } from "./Candidate.ts"
import { allPoints, type Point } from "./Cell.ts"
import type { Plan } from "./Plan.ts"
import type { Answers, Rounds, SearchStrategy } from "./Search.ts"

/** More rounds than any descent of a plan of sensible size takes. */
const mostRounds = 20

/** A deployment in numbers. */
interface Shape {
  readonly index: number
  readonly sizes: string
  readonly workers: ReadonlyArray<number>
  readonly gpus: number
}

const shapeOf = (preset: JsonNode, index: number): Shape => {
  const number = (key: string): number | undefined => {
    const value = preset._tag === "Object" ? preset.entries.get(key)?.value : undefined
    return value?._tag === "Integer" ? Number(value.value) : undefined
  }
  /** Sizes of a pool: GPUs of a worker, and all that tells it from other spreads. */
  const pool = (role: string) => {
    const [tp = 1, attentionDp = 1, ...others] = ["tp", "attention_dp", "moe_tp", "moe_ep"].map(
      (key) => number(`${role}${key}`) ?? number(key)
    )
    return { gpus: tp * attentionDp, text: [tp, attentionDp, ...others].join() }
  }
  const workers = number("workers")
  if (workers !== undefined) {
    const { gpus, text } = pool("")
    return { index, sizes: text, workers: [workers], gpus: workers * gpus }
  }
  const [prefill, decode] = [number("prefill") ?? 1, number("decode") ?? 1]
  const [first, second] = [pool("prefill_"), pool("decode_")]
  return {
    index,
    sizes: `${first.text}/${second.text}`,
    workers: [prefill, decode],
    gpus: prefill * first.gpus + decode * second.gpus
  }
}

const isEqual = ({ workers: [first, second = first] }: Shape): boolean => first === second

const mostOf = (shapes: ReadonlyArray<Shape>): Shape | undefined =>
  shapes.reduce<Shape | undefined>(
    (most, next) => (most === undefined || next.gpus > most.gpus ? next : most),
    undefined
  )

/** Deployments of each combination of parallel sizes, those beyond the budget left out. */
const bySizes = ({ axes, maxGpus }: Plan, axis: number): ReadonlyMap<string, ReadonlyArray<Shape>> => {
  const shapes = (axes[axis]?.values ?? []).map(shapeOf).filter(({ gpus }) => gpus <= (maxGpus ?? Number.MAX_VALUE))
  return new Map(shapes.map(({ sizes }) => [sizes, shapes.filter((shape) => shape.sizes === sizes)]))
}

const withIndex = (point: Point, axis: number, index: number): Point => point.with(axis, index)

/** Axes that are varied together: the router's, and every other one by itself. */
const blocksOf = (axes: ReadonlyArray<Axis>): ReadonlyArray<ReadonlyArray<number>> => {
  const free = axes.flatMap(({ name }, axis) => (name === deploymentAxis ? [] : [axis]))
  const isRouter = (axis: number): boolean => axes[axis]?.path[0]?.startsWith("router-") ?? false
  const router = free.filter(isRouter)
  const single = free.filter((axis) => !isRouter(axis)).map((axis) => [axis])
  return router.length === 0 ? single : [...single, router]
}

const combinations = (axes: ReadonlyArray<Axis>, block: ReadonlyArray<number>, from: Point): ReadonlyArray<Point> =>
  allPoints(block.flatMap((axis) => axes[axis] ?? [])).map((choice) =>
    block.reduce((point, axis, position) => withIndex(point, axis, choice[position] ?? 0), from)
  )

/** Where the search stands: a point, and what came of it unless it has not been run. */
interface Incumbent {
  readonly point: Point
  readonly candidate: Candidate | undefined
}

const better = ({ candidate, point }: Incumbent, answers: Answers): Incumbent => {
  const best = bestOf([
    ...(candidate === undefined ? [] : [candidate]),
    ...answers.filter((answer) => answer !== undefined)
  ])
  return best === undefined ? { point, candidate } : { point: best.point, candidate: best }
}

/** The first two blocks: parallel sizes at equal counts, then the splits of the best sizes. */
function* deploymentBlocks(
  plan: Plan,
  axis: number,
  from: Incumbent
): Generator<ReadonlyArray<Point>, Incumbent, Answers> {
  const groups = bySizes(plan, axis)
  const starts = [...groups.values()].flatMap((shapes) => mostOf(shapes.filter(isEqual)) ?? mostOf(shapes) ?? [])
  const sized = better(from, yield starts.map(({ index }) => withIndex(from.point, axis, index)))
  const chosen = [...groups.values()].find((shapes) => shapes.some(({ index }) => index === sized.point[axis])) ?? []
  const most = Math.max(...chosen.map(({ gpus }) => gpus))
  const splits = chosen.filter(({ gpus }) => gpus === most)
  return better(sized, yield splits.map(({ index }) => withIndex(sized.point, axis, index)))
}

function* search(plan: Plan): Rounds {
  const { axes } = plan
  const deployment = axes.findIndex(({ name }) => name === deploymentAxis)
  let incumbent: Incumbent = { point: axes.map(() => 0), candidate: undefined }
  for (let round = 0; round < mostRounds; round++) {
    const before = incumbent.candidate
    if (deployment >= 0) incumbent = yield* deploymentBlocks(plan, deployment, incumbent)
    for (const block of blocksOf(axes)) {
      incumbent = better(incumbent, yield combinations(axes, block, incumbent.point))
    }
    if (deployment < 0 && axes.length === 0) incumbent = better(incumbent, yield [[]])
    if (incumbent.candidate === undefined || incumbent.candidate.index === before?.index) return
  }
}

/** Block-coordinate descent: parallel sizes, split of the workers, router and other axes, each with the others held. */
export const descent: SearchStrategy = { name: "descent", search }

/**
 * Runs a plan: rounds of points -> cells -> runs, each kept under its id, none made twice.
 *
 *     Sweep.run(plan): Stream<CellResult>      every cell as it ends
 *     Summary.summarise(plan): Sink<Summary>   ranking, Pareto set, what could not be run
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { ConfigError } from "../config/ConfigError.ts"
import type { OutputError } from "../report/ReportError.ts"
import type { Condition } from "../report/Condition.ts"
import type { Report } from "../report/Report.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import { type Candidate, candidateOf } from "./Candidate.ts"
import { type Cell, cellsOf, type CellsOf, type Point } from "./Cell.ts"
import { type CellIds, cellIds } from "./CellId.ts"
import { CellRunner } from "./CellRunner.ts"
import type { CellStore } from "./CellStore.ts"
import { cheapestFirst, looksForFewestGpus } from "./CheapestFirst.ts"
import { descent } from "./Descent.ts"
import { find } from "./FindSearch.ts"
import { gpusOf } from "./GpuCount.ts"
import { type Kept, keptRuns, storedRun } from "./KeptRuns.ts"
import type { Plan } from "./Plan.ts"
import { grid, Search, type SearchStrategy } from "./Search.ts"
import type { SweepInputError } from "./SweepError.ts"

/** What became of a cell. */
export type CellResult =
  | {
      readonly _tag: "Done"
      readonly cell: Cell
      readonly id: string
      readonly report: Report
      /** It was stored already, or is the same run as an earlier cell. */
      readonly reused: boolean
    }
  | { readonly _tag: "Failed"; readonly cell: Cell; readonly reason: string }
  /** Stands for a whole point where the options do not go together, for one of its cells where that shows when it is prepared. */
  | { readonly _tag: "Impossible"; readonly point: Point; readonly reason: string }
  /** A constraint was broken for good before the run was over, and the plan wants no more of such runs. */
  | {
      readonly _tag: "Stopped"
      readonly cell: Cell
      readonly id: string
      readonly reason: string
      readonly reused: boolean
    }
  /** It is of another shard, and not stored yet. */
  | { readonly _tag: "Elsewhere"; readonly cell: Cell; readonly id: string }

/** Why a sweep as a whole fails; a run that fails is a result of it. */
export type SweepError = AicError | ConfigError | OutputError | SweepInputError

/** What a sweep needs: who runs cells, where results last, files. */
export type SweepServices = CellRunner | CellStore | FileSystem.FileSystem | Path.Path

/**
 * Which part of the cells a machine runs: those whose index leaves `index` when divided by `count`. A sharded sweep goes on to the next
 * round once every cell of this one is stored, its own and those of the others.
 */
export interface Shard {
  readonly index: number
  readonly count: number
}

/** The search that a plan asks for. */
export const strategyOf = (plan: Plan): SearchStrategy =>
  looksForFewestGpus(plan) ? cheapestFirst : { descent, find, grid }[plan.search]

interface PlannedPoint {
  readonly point: Point
  readonly cells: ReadonlyArray<Cell>
  readonly impossible: string | undefined
}

const planPoint = (plan: Plan, make: CellsOf, point: Point): Result.Result<PlannedPoint, ConfigError> =>
  Result.map(make(point), (made): PlannedPoint => {
    if ("_tag" in made) return { point, cells: [], impossible: made.reason }
    const [first] = made
    const gpus = first === undefined ? 0 : gpusOf(first.options)
    return plan.maxGpus !== undefined && gpus > plan.maxGpus
      ? { point, cells: [], impossible: `needs more GPUs than max_gpus, ${plan.maxGpus}` }
      : { point, cells: made, impossible: undefined }
  })

/** Runs one cell, or takes what is stored of it. `constraints`: those that stop a run once they are broken. */
const runCell = Effect.fnUntraced(function* (
  ids: CellIds,
  runs: ReturnType<typeof keptRuns>,
  cell: Cell,
  shard: Shard | undefined,
  constraints: ReadonlyArray<Condition>
): Effect.fn.Return<CellResult, AicError | OutputError | SweepInputError, CellRunner | CellStore> {
  const id = yield* ids(cell.options)
  const kept = isIn(shard, cell)
    ? Option.some(yield* runs(id, { ...cell, constraints }))
    : yield* storedRun(id, constraints)
  return Option.match(kept, {
    onNone: (): CellResult => ({ _tag: "Elsewhere", cell, id }),
    onSome: (known) => resultOf(cell, known)
  })
})

const resultOf = (cell: Cell, { id, outcome, reused }: Kept): CellResult => {
  switch (outcome._tag) {
    case "Impossible":
      return { _tag: "Impossible", point: cell.point, reason: outcome.reason }
    case "Failed":
      return { _tag: "Failed", cell, reason: outcome.reason }
    case "Stopped":
      return { _tag: "Stopped", cell, id, reason: outcome.reason, reused }
    case "Done":
      return { _tag: "Done", cell, id, report: outcome.report, reused }
  }
}

/** Where a point has several runs and their mean is judged, one of them proves nothing. */
const stoppingConstraints = ({ constraints, judge, seeds, stopEarly }: Plan): ReadonlyArray<Condition> =>
  stopEarly && (judge === "worst" || (seeds?.length ?? 1) === 1) ? constraints : []

const isIn = (shard: Shard | undefined, { index }: Cell): boolean =>
  shard === undefined || index % shard.count === shard.index

/** The candidate of a point, if all of its cells are done; `reports` by the index of the cell. */
const answerOf = (plan: Plan, { cells }: PlannedPoint, reports: ReadonlyMap<number, Report>): Candidate | undefined => {
  const [first, ...others] = cells
  const [report, ...more] = cells.flatMap(({ index }) => reports.get(index) ?? [])
  return first === undefined || report === undefined || more.length < others.length
    ? undefined
    : candidateOf(plan, [first, ...others], [report, ...more])
}

/** Cells in the order of the plan round by round; of a round, as many are given at a time as the runner takes. */
export const run = (plan: Plan, shard?: Shard): Stream.Stream<CellResult, SweepError, SweepServices> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const make = yield* Effect.fromResult(cellsOf(plan))
      const ids = yield* cellIds
      const runs = keptRuns()
      const { width } = yield* CellRunner
      const stopping = stoppingConstraints(plan)
      const strategy = (yield* Search) ?? strategyOf(plan)
      const rounds = strategy.search(plan)
      const round = (
        step: IteratorResult<ReadonlyArray<Point>, void>
      ): Stream.Stream<CellResult, SweepError, CellRunner | CellStore> => {
        if (step.done === true) return Stream.empty
        return Stream.unwrap(
          Effect.gen(function* () {
            const points = yield* Effect.fromResult(Result.all(step.value.map((point) => planPoint(plan, make, point))))
            const reports = new Map<number, Report>()
            let isWaiting = false
            const refused = points.flatMap(({ impossible, point }): ReadonlyArray<CellResult> =>
              impossible === undefined ? [] : [{ _tag: "Impossible", point, reason: impossible }]
            )
            const cells = points.flatMap(({ cells }) => cells)
            return Stream.fromIterable(refused).pipe(
              Stream.concat(
                Stream.fromIterable(cells).pipe(
                  Stream.mapEffect((cell) => runCell(ids, runs, cell, shard, stopping), { concurrency: width })
                )
              ),
              Stream.tap((result) =>
                Effect.sync(() => {
                  if (result._tag === "Done") reports.set(result.cell.index, result.report)
                  if (result._tag === "Elsewhere") isWaiting = true
                })
              ),
              Stream.concat(
                Stream.suspend(() =>
                  isWaiting ? Stream.empty : round(rounds.next(points.map((point) => answerOf(plan, point, reports))))
                )
              )
            )
          })
        )
      }
      return round(rounds.next([]))
    })
  )

/** What a sweep found: its candidates in order of the plan, the best, the Pareto set, and what could not be run and why. */
import * as Sink from "effect/Sink"
import { bestOf, type Candidate, candidateOf, paretoSet } from "./Candidate.ts"
import type { Cell } from "./Cell.ts"
import { isFloor } from "./FindSearch.ts"
import type { Plan } from "./Plan.ts"
import type { CellResult } from "./Sweep.ts"
import type { Report } from "../report/Report.ts"

/** A combination without figures: one of its runs was ended early. */
export interface StoppedPoint extends Pick<Candidate, "point" | "index" | "values"> {
  readonly reason: string
}

/** What a sweep came to. */
export interface Summary {
  readonly candidates: ReadonlyArray<Candidate>
  /** The best of those that meet the constraints; where none does, the one that misses them least. */
  readonly best: Candidate | undefined
  readonly pareto: ReadonlySet<Candidate>
  /** Combinations of which a run was ended because it had broken a constraint for good, in order of the plan. */
  readonly stopped: ReadonlyArray<StoppedPoint>
  /** Combinations that cannot be run, by reason, with how many there were. */
  readonly impossible: ReadonlyMap<string, number>
  readonly failed: ReadonlyArray<{ readonly cell: Cell; readonly reason: string }>
  /** Runs that were carried out, and those that were known. */
  readonly evaluated: number
  readonly reused: number
  /** Cells of other shards that are not stored yet. */
  readonly elsewhere: number
}

/** A plan for a Pareto set has no single best. */
export const isBest = ({ objectives }: Plan, { best }: Summary, candidate: Candidate): boolean =>
  objectives.length === 1 && candidate === best && candidate.isFeasible

/** What a sweep recommends: the best, or the Pareto set; none where nothing meets the constraints. */
export const winnersOf = ({ objectives }: Plan, { best, pareto }: Summary): ReadonlyArray<Candidate> => {
  if (objectives.length > 1) return [...pareto]
  return best?.isFeasible === true ? [best] : []
}

interface Gathered {
  readonly cells: Array<Cell>
  readonly reports: Array<Report>
}

/** Gathers results of a plan, in whatever order they come. */
export class SummaryBuilder {
  private readonly plan: Plan
  private readonly points = new Map<string, Gathered>()
  private readonly impossible = new Map<string, Set<string>>()
  private readonly failed: Array<{ readonly cell: Cell; readonly reason: string }> = []
  /** By point; of several runs the first in the plan tells why. */
  private readonly stopped = new Map<string, StoppedPoint & { readonly cell: number }>()
  private evaluated = 0
  private reused = 0
  private elsewhere = 0

  constructor(plan: Plan) {
    this.plan = plan
  }

  add(result: CellResult): void {
    if (result._tag === "Failed") {
      this.failed.push({ cell: result.cell, reason: result.reason })
      return
    }
    if (result._tag === "Elsewhere") {
      this.elsewhere += 1
      return
    }
    if (result._tag === "Impossible") {
      const points = this.impossible.get(result.reason) ?? new Set()
      this.impossible.set(result.reason, points.add(result.point.join()))
      return
    }
    if (result.reused) this.reused += 1
    else this.evaluated += 1
    const key = result.cell.point.join()
    if (result._tag === "Stopped") {
      this.addStopped(key, result.cell, result.reason)
      return
    }
    const gathered = this.points.get(key) ?? { cells: [], reports: [] }
    // A descent may come by a point again.
    if (gathered.cells.some(({ index }) => index === result.cell.index)) return
    gathered.cells.push(result.cell)
    gathered.reports.push(result.report)
    this.points.set(key, gathered)
  }

  finish(): Summary {
    const seeds = this.plan.seeds?.length ?? 1
    const candidates = [...this.points.values()]
      .filter(({ cells }) => cells.length === seeds)
      .flatMap((gathered) => this.candidate(gathered))
      .toSorted((a, b) => a.index - b.index)
    const ranked = candidates.filter(({ point }) => !isFloor(this.plan, point))
    return {
      candidates,
      best: bestOf(ranked),
      pareto: paretoSet(ranked),
      stopped: [...this.stopped.values()]
        .map(({ index, point, reason, values }) => ({ index, point, reason, values }))
        .toSorted((a, b) => a.index - b.index),
      impossible: new Map([...this.impossible].map(([reason, points]) => [reason, points.size])),
      failed: this.failed.toSorted((a, b) => a.cell.index - b.cell.index),
      evaluated: this.evaluated,
      reused: this.reused,
      elsewhere: this.elsewhere
    }
  }

  private addStopped(key: string, { index: cell, point, values }: Cell, reason: string): void {
    const known = this.stopped.get(key)
    if (known !== undefined && known.cell < cell) return
    const index = cell - (cell % (this.plan.seeds?.length ?? 1))
    this.stopped.set(key, { index, point, values, reason, cell })
  }

  private candidate({ cells, reports }: Gathered): ReadonlyArray<Candidate> {
    const order = cells.map((_, index) => index).toSorted((a, b) => (cells[a]?.index ?? 0) - (cells[b]?.index ?? 0))
    const [cell, ...cellsAfter] = order.flatMap((index) => cells[index] ?? [])
    const [report, ...reportsAfter] = order.flatMap((index) => reports[index] ?? [])
    return cell === undefined || report === undefined
      ? []
      : [candidateOf(this.plan, [cell, ...cellsAfter], [report, ...reportsAfter])]
  }
}

/** Folds the results of a sweep. */
export const summarise = (plan: Plan): Sink.Sink<Summary, CellResult> =>
  Sink.map(
    Sink.reduceArray(
      () => new SummaryBuilder(plan),
      (builder, results: ReadonlyArray<CellResult>) => {
        for (const result of results) builder.add(result)
        return builder
      }
    ),
    (builder) => builder.finish()
  )

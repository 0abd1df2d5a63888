/** One line that says how far a sweep is, and how long the rest may take. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { looksForFewestGpus } from "../sweep/CheapestFirst.ts"
import type { Outcome } from "../sweep/CellRunner.ts"
import type { Plan } from "../sweep/Plan.ts"
import type { CellResult, Shard } from "../sweep/Sweep.ts"
import { ProgressTerminal } from "./Progress.ts"
import { counted } from "../settings/Counted.ts"

const clearLine = "\r\u001b[2K"

/** Cells of a plan; a search that skips some has fewer. */
const cellsOf = ({ axes, seeds }: Plan, shard: Shard | undefined): number =>
  Math.ceil(axes.reduce((count, { values }) => count * values.length, seeds?.length ?? 1) / (shard?.count ?? 1))

const duration = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`

/** `evaluated` of the `done` runs were carried out now, in `elapsedMs`. */
export const sweepProgressText = (
  done: number,
  evaluated: number,
  total: number | undefined,
  elapsedMs: number
): string => {
  const left =
    total === undefined || evaluated === 0
      ? ""
      : `, about ${duration(((elapsedMs / evaluated) * Math.max(total - done, 0)) / 1000)} left`
  return `${total === undefined ? "" : `${done} of `}${counted(total ?? done, "run")} done${left}`
}

/** Runs of a sweep, counted as they end: their results come in the order of the plan, behind every run before them. */
export interface SweepProgress {
  readonly ended: (outcome: Outcome) => void
  readonly came: (result: CellResult) => void
}

const unseen: SweepProgress = { ended: () => {}, came: () => {} }

const wasCarriedOut = (result: CellResult): boolean =>
  result._tag === "Failed" || ((result._tag === "Done" || result._tag === "Stopped") && !result.reused)

/** Shows progress until the scope closes, then wipes the line; returns who is to be told of each run and result. */
export const showSweepProgress = Effect.fnUntraced(function* (
  plan: Plan,
  shard: Shard | undefined,
  quiet: boolean
): Effect.fn.Return<SweepProgress, never, Scope.Scope> {
  const write = yield* ProgressTerminal
  if (write === undefined || quiet) return unseen
  const total = plan.search === "grid" && !looksForFewestGpus(plan) ? cellsOf(plan, shard) : undefined
  const clock = yield* Clock.Clock
  const start = clock.currentTimeMillisUnsafe()
  let [results, evaluated] = [0, 0]
  /** Runs that have ended, and whose result is still to come. */
  let toCome = 0
  const show = (): void =>
    write(
      `${clearLine}${sweepProgressText(results + toCome, evaluated, total, clock.currentTimeMillisUnsafe() - start)}`
    )
  yield* Effect.addFinalizer(() => Effect.sync(() => write(clearLine)))
  return {
    // One that is impossible is as good as not begun.
    ended: ({ _tag }) => {
      if (_tag === "Impossible") return
      toCome += 1
      if (_tag !== "Failed") evaluated += 1
      show()
    },
    came: (result) => {
      if (result._tag !== "Elsewhere") results += 1
      if (!wasCarriedOut(result)) return show()
      // The result of a failed run comes once more for each cell that equals it.
      if (toCome > 0) toCome -= 1
    }
  }
})

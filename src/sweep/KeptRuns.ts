/** Runs under their ids: what is stored is taken from there, what is not is carried out and stored, and what is under way is waited for. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Condition } from "../report/Condition.ts"
import type { OutputError } from "../report/ReportError.ts"
import { stoppedIdOf } from "./CellId.ts"
import { CellRunner, type Outcome, type Task } from "./CellRunner.ts"
import { CellStore, timeless } from "./CellStore.ts"

/** What is known of a run, and the id that it is kept under, which is another where constraints ended it. */
export interface Kept {
  readonly id: string
  readonly outcome: Outcome
  /** It was stored already, or another cell has asked for it first. */
  readonly reused: boolean
}

/** What is stored of the run `id`, whole or ended by one of these constraints. */
export const storedRun = Effect.fnUntraced(function* (
  id: string,
  constraints: ReadonlyArray<Condition>
): Effect.fn.Return<Option.Option<Kept>, never, CellStore> {
  const store = yield* CellStore
  const report = yield* store.get(id)
  if (Option.isSome(report)) return Option.some({ id, outcome: { _tag: "Done", report: report.value }, reused: true })
  if (constraints.length === 0) return Option.none()
  const stoppedId = stoppedIdOf(id, constraints)
  const reason = yield* store.getStopped(stoppedId)
  return Option.map(reason, (reason) => ({ id: stoppedId, outcome: { _tag: "Stopped", reason }, reused: true }))
})

const carriedOut = Effect.fnUntraced(function* (
  id: string,
  task: Task
): Effect.fn.Return<Kept, OutputError, CellRunner | CellStore> {
  const store = yield* CellStore
  const outcome = yield* (yield* CellRunner).run(task)
  switch (outcome._tag) {
    case "Done": {
      const report = timeless(outcome.report)
      yield* store.put(id, report)
      return { id, outcome: { _tag: "Done", report }, reused: false }
    }
    case "Stopped": {
      const stoppedId = stoppedIdOf(id, task.constraints)
      yield* store.putStopped(stoppedId, outcome.reason)
      return { id: stoppedId, outcome, reused: false }
    }
    case "Failed":
    case "Impossible":
      return { id, outcome, reused: false }
  }
})

type Run = Effect.Effect<Kept, OutputError, CellRunner | CellStore>

/** Gives each run once, whoever asks for it meanwhile. */
export const keptRuns = (): ((id: string, task: Task) => Run) => {
  const underWay = new Map<string, Run>()
  return Effect.fnUntraced(function* (id, task) {
    const known = underWay.get(id)
    if (known !== undefined) return { ...(yield* known), reused: true }
    const run = yield* storedRun(id, task.constraints).pipe(
      Effect.flatMap(Option.match({ onSome: Effect.succeed, onNone: () => carriedOut(id, task) })),
      Effect.cached
    )
    underWay.set(id, run)
    return yield* Effect.ensuring(
      run,
      Effect.sync(() => underWay.delete(id))
    )
  })
}

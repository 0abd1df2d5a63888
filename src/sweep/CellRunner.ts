/** Who carries out the runs of a sweep: this process, or threads beside it. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { Condition } from "../report/Condition.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"
import type { Report } from "../report/Report.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import * as Run from "../run/Run.ts"
import * as SharedInputs from "../run/SharedInputs.ts"
import { ConstraintWatch, type RunOutlook } from "./ConstraintWatch.ts"

/** What became of a run. */
export type Outcome =
  | { readonly _tag: "Done"; readonly report: Report }
  /** The options do not go together: no tables for these sizes, a model that does not fit. */
  | { readonly _tag: "Impossible"; readonly reason: string }
  | { readonly _tag: "Failed"; readonly reason: string }
  /** A constraint was broken for good. */
  | { readonly _tag: "Stopped"; readonly reason: string }

/** What a runner is given: the options, and the text that they came from. */
export interface Task {
  readonly config: string
  readonly options: ReplayOptions
  /** The run may stop once one of these is broken for good; none for a run to its end. */
  readonly constraints: ReadonlyArray<Condition>
}

/** Who carries out runs: this process, or threads beside it. */
export class CellRunner extends Context.Service<
  CellRunner,
  {
    /**
     * How many runs may be given at a time: those that are carried out, and some in line behind them. Results are taken in the order of the
     * plan, so without a line a short run beside a long one would be followed by nothing.
     */
    readonly width: number
    readonly run: (task: Task) => Effect.Effect<Outcome>
  }
>()("dynosim/sweep/CellRunner") {
  /** Runs one after the other, in this process. */
  static readonly layer: Layer.Layer<CellRunner, never, Run.Inputs> = Layer.effect(
    CellRunner,
    Effect.map(Effect.context<Run.Inputs>(), (context) => ({
      width: 1,
      run: (task) => Effect.provideContext(outcomeOf(task), context)
    }))
  ).pipe(Layer.provide(SharedInputs.layer))
}

/** The runner, and somebody who is told of each run as it ends. */
export const telling =
  (ended: (outcome: Outcome) => void) =>
  ({ run, width }: CellRunner["Service"]): CellRunner["Service"] => ({
    width,
    run: (task) => Effect.tap(run(task), (outcome) => Effect.sync(() => ended(outcome)))
  })

/** Errors of a combination, not of an input: other combinations do. */
const impossible: ReadonlySet<string> = new Set(["AicError", "DisaggregationUnsupported", "SettingsError"])

const reasonIn = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const hint = Predicate.hasProperty(error, "hint") ? error.hint : undefined
  return (typeof hint === "string" ? `${error.message}; ${hint}` : error.message).replaceAll(/\s*\n\s*/g, " ")
}

class Stopped extends Data.TaggedError("Stopped")<{ readonly reason: string }> {}

/** Passes the events on, until a constraint is broken for good. */
const watched =
  (watch: ConstraintWatch) =>
  <E, R>(events: Stream.Stream<ReplayEvent, E, R>): Stream.Stream<ReplayEvent, E | Stopped, R> =>
    Stream.mapArrayEffect(events, (chunk) => {
      for (const event of chunk) watch.add(event)
      return watch.broken === undefined ? Effect.succeed(chunk) : Effect.fail(new Stopped({ reason: watch.broken }))
    })

/** What part of a run counts is known only as it goes on: requests that may be left out prove nothing. */
const isWatched = ({ constraints, options }: Pick<Task, "constraints" | "options">): boolean =>
  constraints.length > 0 && options.measure === undefined

const outlookOf = ({ requests }: Run.PreparedRun, { serviceLevel }: ReplayOptions): RunOutlook => ({
  requests,
  serviceLevel
})

const reportOf = ({ constraints, options }: Pick<Task, "constraints" | "options">) =>
  isWatched({ constraints, options })
    ? Effect.scoped(
        Effect.flatMap(Run.prepare(options), (run) =>
          run.events().pipe(watched(new ConstraintWatch(constraints, outlookOf(run, options))), Stream.run(run.report))
        )
      )
    : Run.report(options)

/** Runs and never fails: whatever goes wrong, refused memory and defects included, is the outcome of this run alone. */
export const outcomeOf = (task: Pick<Task, "constraints" | "options">): Effect.Effect<Outcome, never, Run.Inputs> =>
  reportOf(task).pipe(
    Effect.map((report): Outcome => ({ _tag: "Done", report })),
    Effect.catchCause((cause): Effect.Effect<Outcome> => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      const error = Cause.squash(cause)
      if (error instanceof Stopped) return Effect.succeed({ _tag: "Stopped", reason: error.reason })
      const tag = Predicate.hasProperty(error, "_tag") ? String(error._tag) : ""
      return Effect.succeed({ _tag: impossible.has(tag) ? "Impossible" : "Failed", reason: reasonIn(error) })
    })
  )

/** Who carries out the runs of a sweep: this process, or threads beside it. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type { Report } from "../report/Report.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import * as Run from "../run/Run.ts"
import * as SharedInputs from "../run/SharedInputs.ts"

/** What became of a run. */
export type Outcome =
  | { readonly _tag: "Done"; readonly report: Report }
  /** The options do not go together: no tables for these sizes, a model that does not fit. */
  | { readonly _tag: "Impossible"; readonly reason: string }
  | { readonly _tag: "Failed"; readonly reason: string }

/** What a runner is given: the options, and the text that they came from. */
export interface Task {
  readonly config: string
  readonly options: ReplayOptions
}

export class CellRunner extends Context.Service<
  CellRunner,
  {
    /** How many runs may be given at a time. */
    readonly width: number
    readonly run: (task: Task) => Effect.Effect<Outcome>
  }
>()("dynosim/sweep/CellRunner") {
  /** Runs one after the other, in this process. */
  static readonly layer: Layer.Layer<CellRunner, never, Run.Inputs> = Layer.effect(
    CellRunner,
    Effect.map(Effect.context<Run.Inputs>(), (context) => ({
      width: 1,
      run: ({ options }) => Effect.provideContext(outcomeOf(options), context)
    }))
  ).pipe(Layer.provide(SharedInputs.layer))
}

/** Errors of a combination, not of an input: other combinations do. */
const impossible: ReadonlySet<string> = new Set(["AicError", "DisaggregationUnsupported", "SettingsError"])

const reasonIn = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const hint = Predicate.hasProperty(error, "hint") ? error.hint : undefined
  return (typeof hint === "string" ? `${error.message}; ${hint}` : error.message).replaceAll(/\s*\n\s*/g, " ")
}

/** Runs and never fails: whatever goes wrong, refused memory and defects included, is the outcome of this run alone. */
export const outcomeOf = (options: ReplayOptions): Effect.Effect<Outcome, never, Run.Inputs> =>
  Run.report(options).pipe(
    Effect.map((report): Outcome => ({ _tag: "Done", report })),
    Effect.catchCause((cause): Effect.Effect<Outcome> => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      const error = Cause.squash(cause)
      const tag = Predicate.hasProperty(error, "_tag") ? String(error._tag) : ""
      return Effect.succeed({ _tag: impossible.has(tag) ? "Impossible" : "Failed", reason: reasonIn(error) })
    })
  )

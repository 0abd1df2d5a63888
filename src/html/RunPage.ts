/** A run from its options, to its report and its page. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Report } from "../report/Report.ts"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import * as Run from "../run/Run.ts"
import type * as Replay from "../simulation/Replay.ts"
import { watchRun } from "./WatchedRun.ts"

/** Runs to the end; the page is the text of one file. */
export const runPage = <E = never, R = never>(
  options: ReplayOptions,
  controls: Run.RunControls<E, R> = {}
): Effect.Effect<
  { readonly report: Report; readonly page: string },
  Run.RunError | E,
  Run.Inputs | Replay.PolicyContext<R>
> =>
  Effect.scoped(
    Effect.gen(function* () {
      const run = yield* Run.prepare(options)
      const watched = yield* watchRun(run.window)
      const probes = [...(controls.probes ?? []), watched.probe]
      const report = yield* run.events({ ...controls, probes }).pipe(watched.watch, Stream.run(run.report))
      return { report, page: watched.page(report) }
    })
  )

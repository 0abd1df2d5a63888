/** The report as a Sink: folds the events of a run, one Effect per chunk, into its {@link Report}. */
import * as Sink from "effect/Sink"
import type { ReplayEvent } from "./ReplayEvent.ts"
import type { Report } from "./Report.ts"
import { ReportBuilder } from "./ReportBuilder.ts"
import type { ReportOptions } from "./ReportOptions.ts"

export type { Report } from "./Report.ts"

/** A sink is a description: each run of it gathers into a builder of its own. */
export const sink = (options: ReportOptions = {}): Sink.Sink<Report, ReplayEvent> =>
  Sink.map(
    Sink.reduceArray(
      () => new ReportBuilder(options),
      (builder, events: ReadonlyArray<ReplayEvent>) => {
        for (let index = 0; index < events.length; index++) builder.add(events[index]!)
        return builder
      }
    ),
    (builder) => builder.finish()
  )

/** The report as a Sink: folds the events of a run, one Effect per chunk, into its {@link Report}. */
import * as Effect from "effect/Effect"
import * as Sink from "effect/Sink"
import type { ColumnLease } from "../structures/SpareColumns.ts"
import type { ReplayEvent } from "./ReplayEvent.ts"
import type { Report } from "./Report.ts"
import { ReportBuilder } from "./ReportBuilder.ts"
import type { ReportOptions } from "./ReportOptions.ts"
import { ReusedSamples } from "./ReusedSamples.ts"

export type { Report } from "./Report.ts"

/** A sink is a description: each run of it gathers into a builder of its own. */
export const sink = (options: ReportOptions = {}): Sink.Sink<Report, ReplayEvent> =>
  Sink.unwrap(Effect.map(ReusedSamples, (spare) => gathering(options, spare?.lease())))

const gathering = (options: ReportOptions, columns: ColumnLease | undefined): Sink.Sink<Report, ReplayEvent> =>
  Sink.map(
    Sink.reduceArray(
      () => new ReportBuilder(options, columns),
      (builder, events: ReadonlyArray<ReplayEvent>) => {
        for (let index = 0; index < events.length; index++) builder.add(events[index]!)
        return builder
      }
    ),
    (builder) => {
      const report = builder.finish()
      columns?.end()
      return report
    }
  )

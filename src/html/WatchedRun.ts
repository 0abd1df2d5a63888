/** What the page of a run needs, gathered while the run goes on, and the page at its end. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { defaultSeriesIntervalMs, SeriesIntervals, type SeriesLine } from "../observe/SeriesIntervals.ts"
import { diskBlocksOf } from "../observe/SeriesState.ts"
import { MeasuredWindow, type WindowBounds } from "../report/MeasuredWindow.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"
import type { Report } from "../report/Report.ts"
import { reportJson } from "../report/ReportJson.ts"
import type { RunProbe } from "../simulation/RunProbe.ts"
import { pageAssets } from "./PageAssets.ts"
import { reportPage } from "./ReportPage.ts"
import { RequestTable } from "./RequestTable.ts"
import { type SeriesPoint, SeriesTable } from "./SeriesTable.ts"

/** Somebody who looks on at one run, and draws it. */
export interface WatchedRun {
  /** Give it to the run. */
  readonly probe: RunProbe
  /** Looks at the events as they pass by. */
  readonly watch: <E, R>(events: Stream.Stream<ReplayEvent, E, R>) => Stream.Stream<ReplayEvent, E, R>
  /** The text of the page, when the run has ended. */
  readonly page: (report: Report) => string
}

/** The run as a whole, by intervals. */
class RunSeries extends SeriesIntervals {
  readonly table = new SeriesTable()

  protected give(line: SeriesLine): void {
    if (line.scope === "run") this.table.add(pointOf(line))
  }
}

const pointOf = ({ endMs, routerQueue, startMs, state, tally }: SeriesLine): SeriesPoint => ({
  startMs,
  endMs,
  waiting: state.waiting,
  running: state.running,
  routerQueue,
  activeBlocks: state.activeBlocks,
  cachedBlocks: state.cachedBlocks,
  freeBlocks: state.freeBlocks,
  hostBlocks: state.tiers === undefined ? null : state.tiers.hostBlocks,
  diskBlocks: state.tiers === undefined ? null : diskBlocksOf(state.tiers),
  prefillTokens: tally.prefillTokens,
  decodeTokens: tally.decodeTokens,
  preemptions: tally.preemptions
})

/**
 * Reads script and style of the page, so that what is wrong with them is known before the run. `bounds`: what part of the run counts, where
 * not all of it does.
 */
export const watchRun = (bounds?: WindowBounds) =>
  Effect.map(pageAssets, (assets): WatchedRun => {
    const window = bounds === undefined ? undefined : new MeasuredWindow(bounds)
    const requests = new RequestTable(window === undefined ? undefined : (record) => window.takes(record))
    const series = new RunSeries(defaultSeriesIntervalMs)
    return {
      probe: series,
      watch: (events) =>
        Stream.mapArray(events, (chunk) => {
          for (const event of chunk) if (event._tag === "Request") requests.add(event)
          return chunk
        }),
      page: (report) =>
        reportPage(
          {
            kind: "run",
            report: JSON.parse(reportJson(report)),
            requests: requests.pack(),
            series: series.table.pack()
          },
          assets
        )
    }
  })

/** `--html FILE`: what the page of a run needs, gathered while the run goes on, and the page at its end. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { pageAssets } from "../html/PageAssets.ts"
import { reportPage } from "../html/ReportPage.ts"
import { RequestTable } from "../html/RequestTable.ts"
import { SeriesTable } from "../html/SeriesTable.ts"
import { defaultSeriesIntervalMs, SeriesProbe } from "../observe/SeriesProbe.ts"
import { MeasuredWindow, type WindowBounds } from "../report/MeasuredWindow.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { locate } from "../report/OutputTarget.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"
import type { Report } from "../report/Report.ts"
import { reportJson } from "../report/ReportJson.ts"

/** Looks for the package's own files first: better before the simulation than after it. */
export const htmlReport = Effect.fnUntraced(function* (path: string, bounds: WindowBounds | undefined) {
  const assets = yield* pageAssets
  yield* locate(path)
  const series = new SeriesTable()
  const probe = new SeriesProbe(defaultSeriesIntervalMs, (row) => {
    if (row.scope === "run") series.add(row)
  })
  const window = bounds === undefined ? undefined : new MeasuredWindow(bounds)
  const requests = new RequestTable(window === undefined ? undefined : (record) => window.takes(record))
  const see = (events: ReadonlyArray<ReplayEvent>): void => {
    for (const event of events) if (event._tag === "Request") requests.add(event)
  }
  return {
    probe,
    /** Looks at the events as they pass by. */
    watch: <E, R>(events: Stream.Stream<ReplayEvent, E, R>): Stream.Stream<ReplayEvent, E, R> =>
      Stream.mapArray(events, (chunk) => {
        see(chunk)
        return chunk
      }),
    write: (report: Report) =>
      Effect.suspend(() => {
        const page = {
          kind: "run" as const,
          report: JSON.parse(reportJson(report)),
          requests: requests.pack(),
          series: series.pack()
        }
        return OutputFile.write(path, reportPage(page, assets))
      })
  }
})

export type HtmlReport = Effect.Success<ReturnType<typeof htmlReport>>

/** What watches a run from inside, event by event: see docs/probes.md. */
export type { PoolRole, ProbedPool, ProbedRun, ProbedWorker, RunEnd, RunProbe } from "../simulation/RunProbe.ts"
export type { WorkerProbe } from "../engine/WorkerProbe.ts"
export type { BlockName, Decision, DecisionProbe, Delivery } from "../engine/DecisionProbe.ts"
export { defaultSeriesIntervalMs } from "../observe/SeriesIntervals.ts"
export { SeriesProbe } from "../observe/SeriesProbe.ts"
export { TimelineProbe, type TimelineOptions } from "../observe/TimelineProbe.ts"
export { timelineText } from "../observe/TimelineText.ts"
export { seriesColumns, type SeriesRow, type SeriesScope } from "../observe/SeriesRow.ts"

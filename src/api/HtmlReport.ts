/** Pages to look at, of a run, a sweep or a comparison: the text of one file each; see docs/html-report.md. */
export { runPage } from "../html/RunPage.ts"
export { watchRun, type WatchedRun } from "../html/WatchedRun.ts"
export { comparisonPage } from "../html/ComparisonPage.ts"
export { sweepPage } from "../sweep/SweepPage.ts"

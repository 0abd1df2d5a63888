/** Results: events, the report, its JSON and table, and lines per request. */
export type {
  PoolSizeChange,
  ReplayEvent,
  RunSummary,
  ScalingEvent,
  ScalingSummary,
  TokenGapBatch
} from "../report/ReplayEvent.ts"
export { sink } from "../report/ReportSink.ts"
export { ReportBuilder } from "../report/ReportBuilder.ts"
export type {
  ExtrapolationFacts,
  LimitsSource,
  PoolFacts,
  ReportMetadata,
  ReportOptions,
  ServiceLevel
} from "../report/ReportOptions.ts"
export {
  Report,
  behaviourProfile,
  countKeys,
  wallClockKeys,
  type PercentileMethod,
  type Pool,
  type RunFacts
} from "../report/Report.ts"
export { reportMetrics, type Metric, type MetricUnit, type Metrics } from "../report/Metric.ts"
export {
  describeJudgement,
  judge,
  metricNamed,
  parseCondition,
  parseConditions,
  violation,
  type Condition,
  type Judgement,
  type Operator
} from "../report/Condition.ts"
export { reportCsv } from "../report/ReportCsv.ts"
export { reportJson } from "../report/ReportJson.ts"
export { reportTable, scalingLine } from "../report/ReportTable.ts"
export { requestLine, requestLines } from "../report/RequestLines.ts"
export { writeRequestLines } from "../report/RequestLinesFile.ts"
export { ConditionError } from "../report/ReportError.ts"

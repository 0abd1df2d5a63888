/** Traces: reading every format, describing, converting, writing. */
export {
  defaultTraceBlockTokens,
  fromRows,
  openAgenticMooncake,
  openAppliedCompute,
  openDynamo,
  openMooncake,
  openMooncakeDelta,
  openTrace,
  type AppliedComputeTrace,
  type DynamoOptions,
  type MooncakeOptions,
  type NativeFormat,
  type RowsOptions,
  type TraceFormat,
  type TraceOptions,
  type TraceSource
} from "../trace/TraceSource.ts"
export type { TraceRow } from "../trace/TraceRow.ts"
export { surveyRows, type RowOrder, type TraceSurvey } from "../trace/TraceSurvey.ts"
export {
  traceStatistics,
  type ArrivalStatistics,
  type LengthStatistics,
  type SessionStatistics,
  type SharingStatistics,
  type TraceStatistics
} from "../trace/TraceStatistics.ts"
export { convertTrace, type ConversionOptions, type ConvertedTrace } from "../workload/TraceConversion.ts"
export { agenticMooncakeLine, agenticMooncakeText, mooncakeLine, mooncakeText } from "../trace/TraceWriter.ts"
export { TraceFileObserver, openTraceFile, type StoredFile, type TraceFile } from "../trace/TraceFile.ts"
export { TraceError } from "../trace/TraceError.ts"

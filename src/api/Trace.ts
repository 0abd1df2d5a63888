/** Traces: reading every format, describing, converting, editing, writing. */
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
export { anonymise, type AnonymiseOptions } from "../trace/edit/Anonymise.ts"
export { editedText, type EditedFormat, type EditedTrace, type WrittenRows } from "../trace/edit/EditedTrace.ts"
export { merge, type MergeOptions } from "../trace/edit/Merge.ts"
export { sample, type SampleOptions } from "../trace/edit/Sample.ts"
export { scale, type ScaleOptions } from "../trace/edit/Scale.ts"
export { slice, type SliceOptions } from "../trace/edit/Slice.ts"
export { capGaps, type CapOptions, shift, type ShiftOptions } from "../trace/edit/Times.ts"
export type { UnitKind } from "../trace/edit/UnitKind.ts"
export { TraceFileObserver, openTraceFile, type StoredFile, type TraceFile } from "../trace/TraceFile.ts"
export { TraceError } from "../trace/TraceError.ts"

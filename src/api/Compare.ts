/** Runs held against each other, simulated or measured, and calibration; see docs/compare.md. */
export {
  compare,
  type Comparison,
  type Figure,
  type MetricComparison,
  type PairedError
} from "../compare/Comparison.ts"
export { comparisonText } from "../compare/ComparisonText.ts"
export { curvesOf, type Curve } from "../compare/ComparisonCurves.ts"
export { readMeasurements } from "../compare/MeasuredRuns.ts"
export { measurementsOf } from "../compare/MeasurementText.ts"
export { dynosimReport } from "../compare/DynosimFiles.ts"
export { joined, measurementOf, type Measurement, type RequestSample, type Told } from "../compare/Measurement.ts"
export { metrics, type MetricName, type StatisticName, type Statistics, type TotalName } from "../compare/Metric.ts"
export { calibrateRun } from "../compare/CalibratedRun.ts"
export type { Calibration, FactorName, Factors } from "../compare/Calibration.ts"
export { calibrationText, engineArgsText } from "../compare/CalibrationText.ts"

/** Load: what is replayed, and how it arrives. */
import { Workload } from "../workload/Workload.ts"

export { Workload, type ClosedLoopTrace, type OpenLoopTrace, type RowStream } from "../workload/Workload.ts"
export { WorkloadError } from "../workload/WorkloadError.ts"
export { planSynthetic, type SyntheticOptions, type SyntheticPlan } from "../workload/SyntheticLoad.ts"
export { plannedRows, type PlannedOptions } from "../workload/classes/PlannedRows.ts"
export { decodeWorkload, type ClassPlan, type WorkloadPlan } from "../workload/classes/WorkloadPlan.ts"
export { fitTrace } from "../workload/fit/FitTrace.ts"
export { planJson, planYaml } from "../workload/fit/PlanText.ts"
export type { WorkloadCore } from "../workload/WorkloadCore.ts"

export const { layerClosedLoop, layerOpenLoop, layerRows, layerSynthetic } = Workload

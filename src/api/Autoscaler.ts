/** Autoscalers of elastic pools, and what one of one's own implements. */
export {
  Autoscaler,
  layer,
  layerNone,
  none,
  type AutoscalerShape,
  type Decider,
  type Observation,
  type OwnDecider,
  type PassObservation,
  type PoolObservation,
  type PoolRole,
  type PoolSize,
  type ScaledPool,
  type ScalingDecision,
  type ServedRequest,
  type TrafficWindow
} from "../autoscaler/Autoscaler.ts"
export { layer as layerSchedule, stepOf, scheduleSettings, type ScheduleStep } from "../autoscaler/Schedule.ts"
export { layer as layerTargetUtilisation } from "../autoscaler/utilisation/TargetUtilisation.ts"
export {
  makeUtilisationConfig,
  utilisationSettings,
  type GivenUtilisation,
  type UtilisationConfig
} from "../autoscaler/utilisation/UtilisationSettings.ts"
export { layer as layerSla } from "../autoscaler/sla/SlaAutoscaler.ts"
export { makeSlaConfig, slaSettings, type GivenSla, type SlaConfig } from "../autoscaler/sla/SlaSettings.ts"
export { layer as layerReferencePlanner, type Wanted } from "../autoscaler/reference/ReferencePlanner.ts"
export { decodePlannerConfig, plannerSettings, type PlannerConfig } from "../autoscaler/reference/PlannerConfig.ts"
export { AutoscalerError } from "../autoscaler/AutoscalerError.ts"

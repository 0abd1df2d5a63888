/** Runs from options: everything that the command does, but for words, files and tables. */
export {
  events,
  prepare,
  report,
  type Inputs,
  type PrepareError,
  type PreparedRun,
  type RunControls,
  type RunError
} from "../run/Run.ts"
export { deploy, deployWith, type DeployedPool } from "../run/Deployment.ts"
export {
  replayModes,
  routerModes,
  type DeploymentOptions,
  type Load,
  type Outputs,
  type PrefillEstimateArgs,
  type ReplayMode,
  type ReplayOptions,
  type RouterMode,
  type Routing,
  type ScalingOptions,
  type ServiceLevelBounds,
  type SyntheticInput,
  type WorkloadInput,
  type RunInput,
  type TraceInput
} from "../run/ReplayOptions.ts"
export type { Deployment } from "../run/Deployment.ts"

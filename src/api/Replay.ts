/** Runs from layers: a stream of events in simulated time. */
export type { LostRequests, WorkerEvent } from "../simulation/WorkerEvent.ts"
export { run, type PolicyContext, type RunOptions } from "../simulation/Replay.ts"
export { ReplayError } from "../simulation/ReplayError.ts"
export { SimulationView } from "../simulation/SimulationView.ts"
export { passes, requests } from "../simulation/RunTelemetry.ts"

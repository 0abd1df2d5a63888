/** Engines, and what an engine of one's own implements. */
export { Engine } from "../engine/Engine.ts"
export type { WorkerContext } from "../engine/WorkerContext.ts"
export { PassOutcome, Signal, type TierClock, type WorkerCore, type WorkerSnapshot } from "../engine/WorkerCore.ts"
export { EngineStalled } from "../engine/EngineStalled.ts"
export type { DestinationWorker, HandoffSupport, SourceWorker } from "../engine/Handoff.ts"
export { KvEventBuffer, kvEventVisibilityOf, type KvEventSink, type KvEventVisibility } from "../engine/KvEvents.ts"
export { TokenGaps } from "../engine/TokenGaps.ts"
export { defaultEngineProfile, engineProfiles, isVllmProfile, type EngineProfileName } from "../engine/EngineProfile.ts"

/**
 * The public surface of `dynosim`: one namespace per module.
 *
 * A run is `Replay.run()` provided with a Topology (and through it an Engine and a Router), a Workload and a VirtualClock; its stream
 * of events folds into a report with `ReportSink.sink()`.
 */
export * as EngineArgs from "./config/EngineArgsJson.ts"
export * as Engine from "./engine/Engine.ts"
export * as Handoff from "./engine/Handoff.ts"
export * as KvEvents from "./engine/KvEvents.ts"
export * as VllmEngine from "./engine/vllm/VllmEngine.ts"
export * as WorkerCore from "./engine/WorkerCore.ts"
export * as LagMeter from "./online/LagMeter.ts"
export * as OnlineReplay from "./online/OnlineReplay.ts"
export * as Pace from "./online/Pace.ts"
export * as Report from "./report/ReportSink.ts"
export * as ReplayEvent from "./report/ReplayEvent.ts"
export * as BlockIdentity from "./request/BlockIdentity.ts"
export * as SimRequest from "./request/SimRequest.ts"
export * as Router from "./router/Router.ts"
export * as RoundRobin from "./router/RoundRobin.ts"
export * as KvRouter from "./router/kv/KvRouter.ts"
export * as Replay from "./simulation/Replay.ts"
export * as ReplayError from "./simulation/ReplayError.ts"
export * as SimulationView from "./simulation/SimulationView.ts"
export * as Topology from "./simulation/Topology.ts"
export * as VirtualClock from "./simulation/VirtualClock.ts"
export * as PolynomialTiming from "./timing/PolynomialTiming.ts"
export * as Timing from "./timing/Timing.ts"
export * as TraceSource from "./trace/TraceSource.ts"
export * as Workload from "./workload/Workload.ts"

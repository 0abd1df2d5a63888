/**
 * The public surface of `dynosim`: one namespace per module. Every module is also a path of its own, such as
 * `dynosim/simulation/Replay`.
 *
 * A run is `Replay.run()` provided with a Topology (and through it an Engine and a Router), a Workload and a VirtualClock; its stream
 * of events folds into a report with `Report.sink()`. The HTTP server (`dynosim/serve/Server`) is not here, because it alone needs
 * `@effect/platform-node`.
 */

// Runs from options: everything that the command does, but for words, files and tables.
export * as Run from "./run/Run.ts"
export * as Deployment from "./run/Deployment.ts"

// Runs from layers: in simulated time, and on the live clock.
export * as Replay from "./simulation/Replay.ts"
export * as ReplayError from "./simulation/ReplayError.ts"
export * as RunProbe from "./simulation/RunProbe.ts"
export * as RunTelemetry from "./simulation/RunTelemetry.ts"
export * as SimulationView from "./simulation/SimulationView.ts"
export * as Topology from "./simulation/Topology.ts"
export * as VirtualClock from "./simulation/VirtualClock.ts"
export * as LagMeter from "./online/LagMeter.ts"
export * as LiveTopology from "./online/LiveTopology.ts"
export * as OnlineReplay from "./online/OnlineReplay.ts"
export * as Pace from "./online/Pace.ts"
export * as VirtualPace from "./online/VirtualPace.ts"

// Load: what is replayed, and how it arrives.
export * as Workload from "./workload/Workload.ts"
export * as WorkloadError from "./workload/WorkloadError.ts"
export * as SyntheticLoad from "./workload/SyntheticLoad.ts"

// Traces: reading every format, describing, converting, writing.
export * as TraceSource from "./trace/TraceSource.ts"
export * as TraceRow from "./trace/TraceRow.ts"
export * as TraceSurvey from "./trace/TraceSurvey.ts"
export * as TraceStatistics from "./trace/TraceStatistics.ts"
export * as TraceConversion from "./workload/TraceConversion.ts"
export * as TraceWriter from "./trace/TraceWriter.ts"
export * as TraceFile from "./trace/TraceFile.ts"
export * as TraceError from "./trace/TraceError.ts"

// Engines, and what an engine of one's own implements.
export * as VllmEngine from "./engine/vllm/VllmEngine.ts"
export * as SglangEngine from "./engine/sglang/SglangEngine.ts"
export * as Engine from "./engine/Engine.ts"
export * as EngineStalled from "./engine/EngineStalled.ts"
export * as WorkerCore from "./engine/WorkerCore.ts"
export * as WorkerProbe from "./engine/WorkerProbe.ts"
export * as DecisionProbe from "./engine/DecisionProbe.ts"
export * as Handoff from "./engine/Handoff.ts"
export * as KvEvents from "./engine/KvEvents.ts"
export * as TokenGaps from "./engine/TokenGaps.ts"

// Routers, and what a router of one's own implements.
export * as ImmediateRouter from "./router/ImmediateRouter.ts"
export * as RoundRobin from "./router/RoundRobin.ts"
export * as KvRouter from "./router/kv/KvRouter.ts"
export * as KvRouterOptions from "./router/kv/KvRouterOptions.ts"
export * as PolicyFile from "./router/kv/PolicyFile.ts"
export * as ScriptedRouter from "./router/ScriptedRouter.ts"
export * as Router from "./router/Router.ts"
export * as RouterFault from "./router/RouterFault.ts"

// Autoscalers, and what one of one's own implements.
export * as Autoscaler from "./autoscaler/Autoscaler.ts"
export * as AutoscalerSchedule from "./autoscaler/Schedule.ts"
export * as ReferencePlanner from "./autoscaler/reference/ReferencePlanner.ts"
export * as PlannerConfig from "./autoscaler/reference/PlannerConfig.ts"

// Timing: how long a pass takes.
export * as Timing from "./timing/Timing.ts"
export * as PolynomialTiming from "./timing/PolynomialTiming.ts"
export * as AicTiming from "./timing/aic/AicTiming.ts"
export * as AicError from "./timing/aic/AicError.ts"
export * as AicBundle from "./timing/bundle/AicBundle.ts"
export * as KvCapacity from "./timing/aic/KvCapacity.ts"
export * as NpzTiming from "./timing/npz/NpzTiming.ts"
export * as NpzError from "./timing/npz/NpzError.ts"

// Results: events, the report and its texts, per-request lines, files.
export * as SeriesProbe from "./observe/SeriesProbe.ts"
export * as SeriesRow from "./observe/SeriesRow.ts"
export * as ReplayEvent from "./report/ReplayEvent.ts"
export * as Report from "./report/ReportSink.ts"
export * as ReportBuilder from "./report/ReportBuilder.ts"
export * as ReportOptions from "./report/ReportOptions.ts"
export * as ReportSchema from "./report/Report.ts"
export * as Metric from "./report/Metric.ts"
export * as Condition from "./report/Condition.ts"
export * as ReportJson from "./report/ReportJson.ts"
export * as ReportTable from "./report/ReportTable.ts"
export * as RequestLines from "./report/RequestLines.ts"
export * as RequestLinesFile from "./report/RequestLinesFile.ts"
export * as OutputFile from "./report/OutputFile.ts"
export * as OutputError from "./report/OutputError.ts"

// Requests, as engines and routers see them.
export * as SimRequest from "./request/SimRequest.ts"
export * as BlockIdentity from "./request/BlockIdentity.ts"

// Settings: from JSON, files and flags to checked options.
export * as EngineArgs from "./engine/EngineArgs.ts"
export * as EngineProfile from "./engine/EngineProfile.ts"
export * as RouterConfig from "./router/kv/RouterConfig.ts"
export * as SettingsError from "./settings/SettingsError.ts"
export * as SettingsText from "./config/DecodeSettings.ts"
export * as ConfigFile from "./config/ConfigFile.ts"
export * as ReplayFlags from "./config/ReplayFlags.ts"
export * as GivenOptions from "./config/GivenOptions.ts"
export * as ReplayOptions from "./run/ReplayOptions.ts"
export * as ValidateReplayOptions from "./config/ValidateReplayOptions.ts"
export * as ConfigError from "./config/ConfigError.ts"
export * as UsageError from "./settings/UsageError.ts"

// Chance: the seeded generator behind every draw.
export * as Pcg32 from "./structures/Pcg32.ts"

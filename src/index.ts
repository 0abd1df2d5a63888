/**
 * The public surface of `dynosim`: one namespace per subject, each with its list of names in `api/`. What is not named there is
 * internal and may change in any version; see docs/api.md.
 *
 * A run is `Run.report(options)`, or `Replay.run()` provided with a Topology (and through it an Engine and a Router), a Workload and
 * a VirtualClock; its stream of events folds into a report with `Report.sink()`. The HTTP server is `dynosim/serve`.
 */

// Whole runs: from options, from layers in simulated time, and on the live clock.
export * as Run from "./api/Run.ts"
export * as Settings from "./api/Settings.ts"
export * as Replay from "./api/Replay.ts"
export * as Topology from "./api/Topology.ts"
export * as VirtualClock from "./api/VirtualClock.ts"
export * as Probe from "./api/Probe.ts"
export * as Online from "./api/Online.ts"

// Many runs: plans, searches, results that last.
export * as Sweep from "./api/Sweep.ts"

// Load and traces.
export * as Workload from "./api/Workload.ts"
export * as Trace from "./api/Trace.ts"

// Engines.
export * as Engine from "./api/Engine.ts"
export * as EngineArgs from "./api/EngineArgs.ts"
export * as VllmEngine from "./api/VllmEngine.ts"
export * as SglangEngine from "./api/SglangEngine.ts"

// Routers and autoscalers.
export * as Router from "./api/Router.ts"
export * as RoundRobin from "./api/RoundRobin.ts"
export * as KvRouter from "./api/KvRouter.ts"
export * as ScriptedRouter from "./api/ScriptedRouter.ts"
export * as Autoscaler from "./api/Autoscaler.ts"

// Timing.
export * as Timing from "./api/Timing.ts"
export * as PolynomialTiming from "./api/PolynomialTiming.ts"
export * as AicTiming from "./api/AicTiming.ts"
export * as NpzTiming from "./api/NpzTiming.ts"

// Results.
export * as Report from "./api/Report.ts"
export * as Compare from "./api/Compare.ts"
export * as HtmlReport from "./api/HtmlReport.ts"
export * as OutputFile from "./api/OutputFile.ts"

// What all of them speak of.
export * as Request from "./api/Request.ts"

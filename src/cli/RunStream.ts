/** From the options of a run to the stream of its events: in simulated time, or on the live clock. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ReplayOptions } from "../config/ReplayOptions.ts"
import { LagMeter } from "../online/LagMeter.ts"
import * as OnlineReplay from "../online/OnlineReplay.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"
import * as Replay from "../simulation/Replay.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import type { DisaggregationUnsupported } from "../simulation/Topology.ts"
import { VirtualClock } from "../simulation/VirtualClock.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import type { NpzError } from "../timing/npz/NpzError.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { WorkloadError } from "../workload/WorkloadError.ts"
import type { Progress } from "./Progress.ts"
import type { RunFiles } from "./RunFiles.ts"
import { onlineLayer, type TimingsInUse, topologyLayer } from "./RunLayers.ts"
import type { RunWorkload } from "./RunWorkload.ts"

/** A run that is ready to start. */
export interface RunStream {
  /** The events; the run ends early when `stop` completes. */
  readonly events: (
    stop: Effect.Effect<void>,
    progress: Progress
  ) => Stream.Stream<ReplayEvent, ReplayError | TraceError>
  /** What is worth a word once the events have ended. */
  readonly warnings: () => ReadonlyArray<string>
}

type Unready = AicError | NpzError | DisaggregationUnsupported | TraceError | WorkloadError

/** Builds everything that the run needs: whatever is wrong with tables, profiles or the load is found here. */
export const prepareRun = (
  options: ReplayOptions,
  workload: RunWorkload,
  files: RunFiles,
  timings: TimingsInUse
): Effect.Effect<RunStream, Unready, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  options.mode === "online"
    ? prepareOnline(options, workload, files, timings)
    : prepareOffline(options, workload, files, timings)

const prepareOffline = Effect.fnUntraced(function* (
  options: ReplayOptions,
  workload: RunWorkload,
  files: RunFiles,
  timings: TimingsInUse
): Effect.fn.Return<RunStream, Unready, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const services = yield* Layer.build(Layer.merge(topologyLayer(options, files, timings), workload.layer))
  const { check, maxSimTimeMs } = options
  const limit = maxSimTimeMs === undefined ? {} : { maxSimTimeMs }
  return {
    events: (stop, progress) =>
      Replay.run({ ...limit, check, stopWhen: stop, monitor: progress.monitor }).pipe(
        Stream.provideContext(services),
        Stream.provide(VirtualClock.layer, { local: true })
      ),
    warnings: () => []
  }
})

const prepareOnline = Effect.fnUntraced(function* (
  options: ReplayOptions,
  workload: RunWorkload,
  files: RunFiles,
  timings: TimingsInUse
): Effect.fn.Return<RunStream, Unready, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const services = yield* Layer.build(Layer.merge(onlineLayer(options, files, timings), workload.layer))
  const { check, deployment, maxSimTimeMs } = options
  const limit = maxSimTimeMs === undefined ? {} : { maxTimeMs: maxSimTimeMs }
  const workers = deployment._tag === "Aggregated" ? deployment.workers : 1
  const lag = new LagMeter()
  return {
    events: (stop, progress) =>
      Stream.provideContext(
        OnlineReplay.run({ ...limit, workers, check, stopWhen: stop, monitor: progress.monitor, lag }),
        services
      ),
    warnings: () => [lag.describe()]
  }
})

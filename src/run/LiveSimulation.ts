/** A run on the live clock. A module of its own, loaded only where it is asked for. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LagMeter } from "../online/LagMeter.ts"
import * as OnlineReplay from "../online/OnlineReplay.ts"
import { Pace } from "../online/Pace.ts"
import type { SettingsError } from "../settings/SettingsError.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { WorkloadError } from "../workload/WorkloadError.ts"
import type { Deployment } from "./Deployment.ts"
import type { ReplayOptions } from "./ReplayOptions.ts"
import type { Simulation } from "./Run.ts"
import type { RunWorkload } from "./RunWorkload.ts"
import type { DisaggregationUnsupported } from "../simulation/ReplayError.ts"

/** The workers of the deployment as fibers, arrivals as the clock says; its warning tells how far it lagged. */
export const liveSimulation = Effect.fnUntraced(function* (
  { check, maxSimTimeMs, measure }: ReplayOptions,
  workload: RunWorkload,
  { live }: Deployment
): Effect.fn.Return<Simulation, DisaggregationUnsupported | SettingsError | TraceError | WorkloadError, Scope.Scope> {
  const services = yield* Layer.build(Layer.mergeAll(live, workload.layer, Pace.layerLive))
  const limit = maxSimTimeMs === undefined ? {} : { maxTimeMs: maxSimTimeMs }
  const lag = new LagMeter()
  return {
    events: (controls = {}) =>
      Stream.provideContext(
        OnlineReplay.run({ ...limit, ...controls, check, lag, timedGaps: measure !== undefined }),
        services
      ),
    warnings: () => [lag.describe()]
  }
})

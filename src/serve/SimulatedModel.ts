/**
 * The model behind the endpoint: a simulated deployment that runs as long as its layer, with its limits and its metrics.
 *
 * It is built from the same topology and Pace layers as an online replay.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { PoolRole, PoolSize } from "../autoscaler/Autoscaler.ts"
import { LagMeter } from "../online/LagMeter.ts"
import { LiveTopology } from "../online/LiveTopology.ts"
import { Pace } from "../online/Pace.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import { frontEndTimeOf } from "../engine/FrontEndTime.ts"
import { RouterFault } from "../router/RouterFault.ts"
import { OutOfMemory } from "../simulation/WorkerMemory.ts"
import { type ApiError, serverError } from "./ApiError.ts"
import type { Generation } from "./Generation.ts"
import type { GenerationSpec } from "./GenerationSpec.ts"
import { ServedDeployment } from "./ServedDeployment.ts"
import type { ServeOptions } from "./ServeOptions.ts"
import { ServerMetrics } from "./ServerMetrics.ts"
import { textIdentity } from "./TextIdentity.ts"

/** The model behind the HTTP endpoint. */
export class SimulatedModel extends Context.Service<
  SimulatedModel,
  {
    readonly name: string
    /** Tokens of prompt and output that a request may have together. */
    readonly contextTokens: number
    /** Starts a generation; it is taken back when the scope closes before its end. */
    readonly generate: (spec: GenerationSpec) => Effect.Effect<Generation, ApiError, Scope.Scope>
    /** Requests being served, every choice counted. */
    readonly load: () => number
    /** Workers of each pool by their state. */
    readonly pools: () => ReadonlyArray<PoolSize>
    /**
     * Makes a pool have so many workers, 1 or more: new ones take `startup_time` to start, those that go finish the requests that they have.
     * Returns the pools as they are then.
     */
    readonly scale: (pool: PoolRole, workers: number) => Effect.Effect<ReadonlyArray<PoolSize>, ApiError>
    readonly metrics: ServerMetrics
    /** The metrics in Prometheus' text format. */
    readonly metricsText: () => string
    /** Never ends unless the deployment does. */
    readonly failure: Effect.Effect<never, ReplayError>
  }
>()("dynosim/serve/SimulatedModel") {
  /** A deployment of the topology's workers, running while the layer lives. */
  static readonly layer = (options: ServeOptions): Layer.Layer<SimulatedModel, never, LiveTopology | Pace> =>
    Layer.effect(SimulatedModel, make(options))
}

const make = Effect.fnUntraced(function* (options: ServeOptions) {
  const topology = yield* LiveTopology
  const frontEndMs = frontEndTimeOf(topology.pools[0].args)
  const identity = textIdentity()
  const lag = new LagMeter()
  const deployment = yield* topology.make({
    time: yield* (yield* Pace).start,
    identity,
    lag,
    probe: undefined,
    maxLagMs: options.maxLagMs
  })
  const metrics = new ServerMetrics()
  const served = new ServedDeployment(deployment, identity, topology.pools, options, metrics)
  const failed = yield* Deferred.make<never, ReplayError>()
  yield* Effect.forkScoped(Deferred.into(deployment.run(served.observer), failed))
  return SimulatedModel.of({
    name: options.modelName,
    contextTokens: served.contextTokens,
    generate: Effect.fnUntraced(function* (spec) {
      const createdSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
      const promptTokens = spec.prompts.reduce((sum, { length }) => sum + length, 0)
      if (frontEndMs !== undefined) yield* Effect.sleep(frontEndMs(promptTokens))
      return yield* Effect.acquireRelease(
        Effect.suspend(() => Effect.fromResult(served.submit(spec, createdSeconds))),
        (generation) => Effect.sync(() => served.leave(generation))
      )
    }),
    load: () => served.load,
    pools: () => deployment.sizes(),
    scale: (pool, workers) =>
      Effect.suspend(() => {
        try {
          deployment.scaleTo(pool, workers)
        } catch (error) {
          if (error instanceof OutOfMemory || error instanceof RouterFault) {
            return Effect.fail(serverError(error.message, 503))
          }
          throw error
        }
        return Effect.succeed(deployment.sizes())
      }),
    metrics,
    metricsText: () => served.metricsText(lag),
    failure: Deferred.await(failed)
  })
})

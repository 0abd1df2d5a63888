/** From the options of a run to the services that it runs on. */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type { EngineArgs } from "../config/EngineArgs.ts"
import type { Deployment, ReplayOptions } from "../config/ReplayOptions.ts"
import type { Engine } from "../engine/Engine.ts"
import * as SglangEngine from "../engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../engine/vllm/VllmEngine.ts"
import * as KvRouter from "../router/kv/KvRouter.ts"
import { Pace } from "../online/Pace.ts"
import type { PrefillEstimator } from "../router/kv/PrefillLoad.ts"
import * as RoundRobin from "../router/RoundRobin.ts"
import type { Router } from "../router/Router.ts"
import * as Topology from "../simulation/Topology.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import * as AicTiming from "../timing/aic/AicTiming.ts"
import { withSizedPool } from "../timing/aic/KvCapacity.ts"
import type { NpzError } from "../timing/npz/NpzError.ts"
import * as NpzTiming from "../timing/npz/NpzTiming.ts"
import * as PolynomialTiming from "../timing/PolynomialTiming.ts"
import { Timing } from "../timing/Timing.ts"
import type { RunFiles } from "./RunFiles.ts"

type Files = FileSystem.FileSystem | Path.Path
type TimingService = Timing["Service"]

/** The timing models that a run came to use, one per pool: they know at its end what they had to extrapolate. */
export type TimingsInUse = Array<TimingService>

const timingLayer = (args: EngineArgs, { bundles }: RunFiles): Layer.Layer<Timing, AicError | NpzError, Files> => {
  if (args.aic !== undefined) return AicTiming.layer(args.aic, bundles)
  return args.plannerProfileData === undefined ? PolynomialTiming.layer : NpzTiming.layer(args.plannerProfileData)
}

const noted = <E, R>(timings: TimingsInUse, layer: Layer.Layer<Timing, E, R>): Layer.Layer<Timing, E, R> =>
  Layer.effect(Timing)(
    Effect.map(Timing, (timing) => {
      timings.push(timing)
      return timing
    })
  ).pipe(Layer.provide(layer))

const modelOf = (args: EngineArgs): Layer.Layer<Engine, never, Timing> => {
  switch (args.engineType) {
    case "vllm":
      return VllmEngine.layer(args)
    case "sglang":
      return SglangEngine.layer(args)
    case "trtllm":
      return VllmEngine.layerTrtllm(args)
  }
}

/** An engine with its timing, its KV pool sized by AIC where its arguments ask for that. */
const engineLayer = (
  args: EngineArgs,
  files: RunFiles,
  timings: TimingsInUse
): Layer.Layer<Engine, AicError | NpzError, Files> =>
  Layer.unwrap(
    Effect.map(withSizedPool(args, files.bundles), (sized) =>
      Layer.provide(modelOf(sized), noted(timings, timingLayer(sized, files)))
    )
  )

const routerLayer = (
  { routing, seed }: ReplayOptions,
  { bundles, policyProfile }: RunFiles
): Layer.Layer<Router, AicError, Files> => {
  if (routing.mode === "round_robin") return RoundRobin.layer
  const layerWith = (prefillEstimator: PrefillEstimator | undefined): Layer.Layer<Router> =>
    KvRouter.layer({ ...routing.config, policyProfile, prefillEstimator, seed, tieBreak: routing.tieBreak })
  return routing.prefillEstimate === undefined
    ? layerWith(undefined)
    : Layer.unwrap(Effect.map(AicTiming.prefillEstimator(routing.prefillEstimate, bundles), layerWith))
}

const needsRouter = (deployment: Deployment, options: ReplayOptions): boolean =>
  deployment._tag === "Disaggregated" || deployment.workers > 1 || options.routing.mode !== "round_robin"

/** The topology with its engines and routers. */
export const topologyLayer = (
  options: ReplayOptions,
  files: RunFiles,
  timings: TimingsInUse
): Layer.Layer<Topology.Topology, AicError | NpzError | Topology.DisaggregationUnsupported, Files> => {
  const { deployment } = options
  if (deployment._tag === "Aggregated" && !needsRouter(deployment, options)) {
    return Layer.provide(Topology.layerSingle, engineLayer(deployment.engine, files, timings))
  }
  const router = routerLayer(options, files)
  const withRouter = (args: EngineArgs) => Layer.merge(engineLayer(args, files, timings), router)
  if (deployment._tag === "Aggregated") {
    return Layer.provide(Topology.layerMulti({ workers: deployment.workers }), withRouter(deployment.engine))
  }
  return Layer.provide(
    Topology.layerDisaggregated(deployment),
    Layer.merge(
      Layer.provide(Topology.PrefillPool.layer, withRouter(deployment.prefill)),
      Layer.provide(Topology.DecodePool.layer, withRouter(deployment.decode))
    )
  )
}

/** What an online run needs: one kind of engine, a router, and the real passing of time. */
export const onlineLayer = (
  options: ReplayOptions,
  files: RunFiles,
  timings: TimingsInUse
): Layer.Layer<Engine | Router | Pace, AicError | NpzError, Files> => {
  const { deployment } = options
  const engine = deployment._tag === "Aggregated" ? deployment.engine : deployment.decode
  return Layer.mergeAll(engineLayer(engine, files, timings), routerLayer(options, files), Pace.layerLive)
}

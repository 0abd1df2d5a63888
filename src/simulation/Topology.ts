/**
 * How workers are wired: one engine alone, several behind a router, or a prefill and a decode pool.
 *
 * A topology layer takes the Engine and the Router from its context, so swapping either is one line of layers.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine } from "../engine/Engine.ts"
import { Router } from "../router/Router.ts"
import { MultiEngineLoop } from "./MultiEngineLoop.ts"
import { SingleEngineLoop } from "./SingleEngineLoop.ts"
import type { LoopContext, SimulationLoop } from "./SimulationLoop.ts"

export class Topology extends Context.Service<Topology, {
  readonly name: string
  /** Tokens per KV block of the engines. */
  readonly blockTokens: number
  readonly gpusPerWorker: { readonly prefill: number; readonly decode: number }
  readonly make: (context: LoopContext) => SimulationLoop
}>()("dynosim/simulation/Topology") {}

/** One worker, no router (SES). */
export const layerSingle: Layer.Layer<Topology, never, Engine> = Layer.effect(Topology)(
  Effect.map(Engine, (engine) => Topology.of({
    name: "single-engine",
    blockTokens: engine.args.blockTokens,
    gpusPerWorker: { prefill: 0, decode: engine.args.gpusPerWorker },
    make: (context) =>
      new SingleEngineLoop(context, engine.spawn({ workerIndex: 0, gaps: context.gaps, kvEvents: undefined }))
  }))
)

/** `workers` equal workers behind the router (MES). */
export const layerMulti = (options: { readonly workers: number }): Layer.Layer<Topology, never, Engine | Router> =>
  Layer.effect(Topology)(Effect.gen(function*() {
    const engine = yield* Engine
    const router = yield* Router
    return Topology.of({
      name: "multi-engine",
      blockTokens: engine.args.blockTokens,
      gpusPerWorker: { prefill: 0, decode: engine.args.gpusPerWorker },
      make: (context) => new MultiEngineLoop(context, engine, router, options.workers)
    })
  }))

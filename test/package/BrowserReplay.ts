/** A program for a browser: a small replay of made-up load behind the KV router. Bundled by Browser.test.ts. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as dynosim from "dynosim"

const { EngineArgs, KvRouter, PolynomialTiming, Replay, Report, Topology, VirtualClock, VllmEngine, Workload } = dynosim

/** Report of the run, as JSON. */
export const replay = (): Promise<string> =>
  Replay.run({ check: true }).pipe(
    Stream.run(Report.sink()),
    Effect.map((report) => Report.reportJson(report)),
    Effect.provide(
      Topology.layerMulti({ workers: 2 }).pipe(
        Layer.provide(KvRouter.layer(KvRouter.defaultKvRouterOptions)),
        Layer.provide(VllmEngine.layer(EngineArgs.defaultEngineArgs)),
        Layer.provide(PolynomialTiming.layer),
        Layer.merge(
          Workload.layerSynthetic({
            inputTokens: { distribution: "uniform", low: 100, high: 900 },
            outputTokens: 12,
            requestCount: 200,
            blockTokens: 64,
            arrivals: { process: "poisson", requestsPerSecond: 20 }
          })
        ),
        Layer.merge(VirtualClock.layer)
      )
    ),
    Effect.runPromise
  )

/** Keeps everything in the bundle, as if nothing were shaken off. */
export const everything = dynosim

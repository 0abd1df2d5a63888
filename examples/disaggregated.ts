/**
 * The KV router and disaggregated serving as a library: four workers behind the KV router, and the same four as a prefill and a
 * decode pool with a KV transfer in between.
 *
 *     node examples/disaggregated.ts traces/conversation_sample.jsonl
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import {
  EngineArgs,
  KvRouter,
  PolynomialTiming,
  Replay,
  Report,
  RoundRobin,
  Topology,
  Trace,
  VirtualClock,
  VllmEngine,
  Workload
} from "dynosim"

const kvRouter = KvRouter.layer({
  ...KvRouter.defaultKvRouterOptions,
  ...KvRouter.makeConfig({ routerTemperature: 0 })
})

const engine = (workerType: "aggregated" | "prefill" | "decode") =>
  VllmEngine.layer(EngineArgs.make({ workerType, kvBytesPerToken: 131_072, kvTransferBandwidthGbS: 50 })).pipe(
    Layer.provide(PolynomialTiming.layer)
  )

const together = Topology.layerMulti({ workers: 4 }).pipe(Layer.provide([kvRouter, engine("aggregated")]))

// Each pool has an engine and a router of its own.
const apart = Topology.layerDisaggregated({ prefillWorkers: 2, decodeWorkers: 2 }).pipe(
  Layer.provide([
    Topology.PrefillPool.layer.pipe(Layer.provide([kvRouter, engine("prefill")])),
    Topology.DecodePool.layer.pipe(Layer.provide([RoundRobin.layer, engine("decode")]))
  ])
)

const program = Effect.scoped(
  Effect.gen(function* () {
    const trace = yield* Trace.openMooncake({ file: process.argv[2] ?? "-", traceBlockTokens: 512 })
    for (const [name, topology] of [
      ["aggregated", together],
      ["disaggregated", apart]
    ] as const) {
      const report = yield* Replay.run().pipe(
        Stream.run(Report.sink()),
        Effect.provide([topology, Workload.layerOpenLoop({ trace }), VirtualClock.layer])
      )
      const reused = (100 * report.prefix_cache_reused_ratio).toFixed(1)
      yield* Console.log(
        `${name}: mean TTFT ${report.mean_ttft_ms.toFixed(1)} ms, mean ITL ${report.mean_itl_ms.toFixed(2)} ms, ${reused} % reused`
      )
    }
  })
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

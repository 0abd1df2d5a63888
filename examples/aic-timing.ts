/**
 * Real GPUs: the same trace on one and on two H200s, with durations from measured operator tables and the KV pool that the model
 * leaves room for.
 *
 *     node examples/aic-timing.ts traces/conversation_sample.jsonl
 *
 * `AicTiming.withSizedPool` fills in `numGpuBlocks`, because the arguments leave it open.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { AicTiming, EngineArgs, Replay, Report, Topology, Trace, VirtualClock, VllmEngine, Workload } from "dynosim"

const onGpus = (trace: Trace.TraceSource, tpSize: number) =>
  Effect.gen(function* () {
    const asked = EngineArgs.make({
      aic: { backend: "vllm", system: "h200_sxm", modelPath: "Qwen/Qwen3-32B", tpSize }
    })
    const { aic, ...args } = yield* AicTiming.withSizedPool(asked)
    if (aic === undefined) return yield* Effect.die("the arguments ask for AIC")
    const report = yield* Replay.run().pipe(
      Stream.run(Report.sink()),
      Effect.provide(
        Topology.layerSingle.pipe(
          Layer.provide(VllmEngine.layer({ ...args, aic })),
          Layer.provide(AicTiming.layer(aic)),
          Layer.merge(Workload.layerOpenLoop({ trace })),
          Layer.merge(VirtualClock.layer)
        )
      )
    )
    const kvTokens = args.numGpuBlocks * args.blockTokens
    yield* Console.log(`${tpSize} GPU: KV for ${kvTokens} tokens, mean ITL ${report.mean_itl_ms.toFixed(2)} ms`)
  })

const program = Effect.scoped(
  Effect.gen(function* () {
    const trace = yield* Trace.openMooncake({ file: process.argv[2] ?? "-", traceBlockTokens: 512 })
    yield* onGpus(trace, 1)
    yield* onGpus(trace, 2)
  })
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

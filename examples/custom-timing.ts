/**
 * A timing model of one's own: a roofline of compute for prefill and memory traffic for decode.
 *
 *     node examples/custom-timing.ts traces/conversation_sample.jsonl
 *
 * A model is two pure functions that return milliseconds; the engine applies speed-ups and rounding. `make` is called per
 * worker, so a model may memoise.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import {
  EngineArgs,
  PolynomialTiming,
  Replay,
  Report,
  Timing,
  Topology,
  Trace,
  VirtualClock,
  VllmEngine,
  Workload
} from "dynosim"

/** A model of 8 billion weights in 16 bits on an accelerator of 400 TFLOP/s and 3 TB/s; launching a pass takes 2 ms. */
const weights = 8e9
const flopsPerMs = 400e12 / 1000
const bytesPerMs = 3e12 / 1000
const kvBytesPerToken = 131_072
const launchMs = 2

const roofline = Layer.succeed(Timing.Timing, {
  source: "roofline",
  make: () => ({
    prefillMs: (batch, meanIslTokens, meanPrefixTokens) =>
      launchMs + (2 * weights * batch * (meanIslTokens - meanPrefixTokens)) / flopsPerMs,
    decodeMs: (_batch, activeKvTokens) => launchMs + (2 * weights + kvBytesPerToken * activeKvTokens) / bytesPerMs
  })
})

const replay = (trace: Trace.TraceSource, timing: Layer.Layer<Timing.Timing>) =>
  Replay.run().pipe(
    Stream.run(Report.sink()),
    Effect.provide(
      Topology.layerSingle.pipe(
        Layer.provide(VllmEngine.layer(EngineArgs.defaultEngineArgs)),
        Layer.provide(timing),
        Layer.merge(Workload.layerOpenLoop({ trace })),
        Layer.merge(VirtualClock.layer)
      )
    )
  )

const program = Effect.scoped(
  Effect.gen(function* () {
    const trace = yield* Trace.openMooncake({ file: process.argv[2] ?? "-", traceBlockTokens: 512 })
    const usual = yield* replay(trace, PolynomialTiming.layer)
    const own = yield* replay(trace, roofline)
    yield* Console.log(`polynomial: mean ITL ${usual.mean_itl_ms.toFixed(2)} ms`)
    yield* Console.log(`roofline:   mean ITL ${own.mean_itl_ms.toFixed(2)} ms`)
  })
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

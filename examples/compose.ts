/**
 * A replay inside another Effect program: the stream of a run folds into a report, and the router is swapped by one line.
 *
 *     node examples/compose.ts traces/conversation_sample.jsonl
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
  RoundRobin,
  Router,
  Topology,
  Trace,
  VirtualClock,
  VllmEngine,
  Workload
} from "dynosim"

/** A router of our own: everything goes to worker 0. */
class FirstWorkerCore extends RoundRobin.RoundRobinCore {
  override route(): number {
    return 0
  }
}

const firstWorker = Layer.succeed(Router.Router, {
  name: "first",
  make: ({ workers }) => new FirstWorkerCore(workers)
})

const replay = (trace: Trace.TraceSource, router: Layer.Layer<Router.Router>) =>
  Replay.run().pipe(
    Stream.run(Report.sink()),
    Effect.provide(
      Topology.layerMulti({ workers: 4 }).pipe(
        Layer.provide(router),
        Layer.provide(VllmEngine.layer(EngineArgs.defaultEngineArgs)),
        Layer.provide(PolynomialTiming.layer),
        Layer.merge(Workload.layerOpenLoop({ trace })),
        Layer.merge(VirtualClock.layer)
      )
    )
  )

const program = Effect.scoped(
  Effect.gen(function* () {
    const trace = yield* Trace.openMooncake({ file: process.argv[2] ?? "-", traceBlockTokens: 512 })
    const balanced = yield* replay(trace, RoundRobin.layer)
    const piled = yield* replay(trace, firstWorker)
    yield* Console.log(`round robin: mean TTFT ${balanced.mean_ttft_ms.toFixed(1)} ms`)
    yield* Console.log(`one worker:  mean TTFT ${piled.mean_ttft_ms.toFixed(1)} ms`)
  })
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

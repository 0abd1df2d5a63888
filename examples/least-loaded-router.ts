/**
 * A router of one's own: requests go to the worker with the fewest requests in flight.
 *
 *     node examples/least-loaded-router.ts traces/conversation_sample.jsonl
 *
 * A router core is a plain synchronous object. It is told when a request has its first token and when it leaves, it may park requests
 * and listen to the workers' cache changes; this one places every request at once and only counts.
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
import type { Request } from "dynosim"

class LeastLoadedCore extends Router.ImmediateRouter {
  private readonly inFlight: Array<number>

  constructor(workers: number) {
    super()
    this.inFlight = new Array<number>(workers).fill(0)
  }

  override route(): number {
    const worker = this.inFlight.indexOf(Math.min(...this.inFlight))
    this.inFlight[worker] = this.inFlight[worker]! + 1
    return worker
  }

  override freed(request: Request.SimRequest): void {
    this.inFlight[request.workerIndex] = this.inFlight[request.workerIndex]! - 1
  }
}

const leastLoaded = Layer.succeed(Router.Router, {
  name: "least_loaded",
  make: ({ workers }) => new LeastLoadedCore(workers)
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
    const turns = yield* replay(trace, RoundRobin.layer)
    const loads = yield* replay(trace, leastLoaded)
    yield* Console.log(`round robin:  p99 TTFT ${turns.p99_ttft_ms.toFixed(1)} ms`)
    yield* Console.log(`least loaded: p99 TTFT ${loads.p99_ttft_ms.toFixed(1)} ms`)
  })
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

/**
 * A policy in simulated time: while a trace is replayed, it samples the queues every simulated second.
 *
 *     node examples/queue-depth-policy.ts traces/conversation_sample.jsonl
 *
 * The policy is an ordinary Effect. `Effect.sleep` follows the simulation because the run gives it the virtual clock.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { EngineArgs, PolynomialTiming, Replay, Topology, Trace, VirtualClock, VllmEngine, Workload } from "dynosim"

interface Sample {
  readonly atMs: number
  readonly waiting: number
  readonly running: number
}

const sampleEverySecond = (samples: Array<Sample>) =>
  Effect.gen(function* () {
    const view = yield* Replay.SimulationView
    while (true) {
      yield* Effect.sleep("1 second")
      const workers = view.workers()
      samples.push({
        atMs: yield* Clock.currentTimeMillis,
        waiting: workers.reduce((sum, worker) => sum + worker.waiting, 0),
        running: workers.reduce((sum, worker) => sum + worker.running, 0)
      })
    }
  })

const program = Effect.scoped(
  Effect.gen(function* () {
    const trace = yield* Trace.openMooncake({ file: process.argv[2] ?? "-", traceBlockTokens: 512 })
    const samples: Array<Sample> = []
    yield* Replay.run({ policies: [sampleEverySecond(samples)] }).pipe(
      Stream.runDrain,
      Effect.provide(
        Topology.layerSingle.pipe(
          Layer.provide(VllmEngine.layer(EngineArgs.defaultEngineArgs)),
          Layer.provide(PolynomialTiming.layer),
          Layer.merge(Workload.layerOpenLoop({ trace })),
          Layer.merge(VirtualClock.layer)
        )
      )
    )
    for (const { atMs, running, waiting } of samples.slice(0, 10)) {
      yield* Console.log(`${atMs / 1000} s: ${waiting} waiting, ${running} running`)
    }
    yield* Console.log(`${samples.length} samples`)
  })
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

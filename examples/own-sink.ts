/**
 * A Sink of one's own beside the report: both see every event of one run, and nothing is kept but what they keep.
 *
 *     node examples/own-sink.ts traces/conversation_sample.jsonl
 *
 * An event is a finished request, a batch of gaps between tokens, or the summary at the end.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import {
  EngineArgs,
  PolynomialTiming,
  Replay,
  Report,
  Topology,
  Trace,
  VirtualClock,
  VllmEngine,
  Workload
} from "dynosim"

/** Mean time to first token, ms, of prompts by their length: powers of two of tokens. */
const ttftByPromptLength = Sink.reduceArray(
  () => new Map<number, { requests: number; sumMs: number }>(),
  (byLength, events: ReadonlyArray<Report.ReplayEvent>) => {
    for (const event of events) {
      if (event._tag !== "Request" || event.status !== "completed") continue
      const length = 2 ** Math.ceil(Math.log2(event.promptTokens))
      const seen = byLength.get(length) ?? { requests: 0, sumMs: 0 }
      seen.requests += 1
      seen.sumMs += event.firstTokenMs - event.arrivalMs
      byLength.set(length, seen)
    }
    return byLength
  }
)

const program = Effect.scoped(
  Effect.gen(function* () {
    const trace = yield* Trace.openMooncake({ file: process.argv[2] ?? "-", traceBlockTokens: 512 })
    const run = Replay.run().pipe(
      Stream.provide(
        Topology.layerSingle.pipe(
          Layer.provide(VllmEngine.layer(EngineArgs.defaultEngineArgs)),
          Layer.provide(PolynomialTiming.layer),
          Layer.merge(Workload.layerOpenLoop({ trace })),
          Layer.merge(VirtualClock.layer)
        )
      )
    )
    // Both Sinks get the same events; the run is pulled once.
    const [forReport, forMine] = yield* Stream.broadcastN(run, { n: 2, capacity: 16 })
    const [report, byLength] = yield* Effect.all(
      [Stream.run(forReport, Report.sink()), Stream.run(forMine, ttftByPromptLength)],
      { concurrency: "unbounded" }
    )
    yield* Console.log(`all: mean TTFT ${report.mean_ttft_ms.toFixed(1)} ms`)
    for (const [length, { requests, sumMs }] of [...byLength].toSorted(([a], [b]) => a - b)) {
      yield* Console.log(`up to ${length} tokens: ${requests} requests, mean TTFT ${(sumMs / requests).toFixed(1)} ms`)
    }
  })
)

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

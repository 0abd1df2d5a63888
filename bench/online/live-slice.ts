/**
 * Replays the first seconds of the conversation trace on four workers twice: offline, and on the live clock. Prints the medians and how
 * late the machine was.
 *
 *     npx node bench/online/live-slice.ts [seconds = 30] [workers = 4]
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { loadavg } from "node:os"
import { defaultEngineArgs } from "../../src/engine/EngineArgs.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import { LagMeter } from "../../src/online/LagMeter.ts"
import * as LiveTopology from "../../src/online/LiveTopology.ts"
import * as OnlineReplay from "../../src/online/OnlineReplay.ts"
import { Pace } from "../../src/online/Pace.ts"
import type { Report } from "../../src/report/Report.ts"
import { sink } from "../../src/report/ReportSink.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import * as Replay from "../../src/simulation/Replay.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import { VirtualClock } from "../../src/simulation/VirtualClock.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { openMooncake } from "../../src/trace/TraceSource.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { Workload } from "../../src/workload/Workload.ts"

const seconds = Number(process.argv[2] ?? 30)
const workers = Number(process.argv[3] ?? 4)
const file = "traces/conversation_trace.jsonl"

const engine = VllmEngine.layer(defaultEngineArgs).pipe(Layer.provide(PolynomialTiming.layer))
const deployment = Layer.merge(engine, RoundRobin.layer)

const workloadOf = (rows: ReadonlyArray<TraceRow>) =>
  Workload.layerRows({ rows: Stream.fromIterable(rows), name: file, traceBlockTokens: 512 })

const offline = Stream.run(Replay.run(), sink()).pipe(
  Effect.provide([Topology.layerMulti({ workers }).pipe(Layer.provide(deployment)), VirtualClock.layer], {
    local: true
  })
)

const online = (lag: LagMeter) =>
  Stream.run(OnlineReplay.run({ lag }), sink()).pipe(
    Effect.provide([LiveTopology.layerAggregated({ workers }).pipe(Layer.provide(deployment)), Pace.layerLive], {
      local: true
    })
  )

const keys = [
  "median_ttft_ms",
  "mean_ttft_ms",
  "median_itl_ms",
  "mean_itl_ms",
  "median_e2e_latency_ms",
  "prefix_cache_reused_ratio",
  "completed_requests",
  "total_output_tokens",
  "duration_ms"
] as const satisfies ReadonlyArray<keyof Report>

const program = Effect.gen(function* () {
  const source = yield* openMooncake({ file, traceBlockTokens: 512 })
  const rows = yield* Stream.runCollect(Stream.takeWhile(source.rows, (row) => (row.timestampMs ?? 0) < seconds * 1000))
  const lag = new LagMeter()
  const run = <E, R>(effect: Effect.Effect<Report, E, R>) => Effect.provide(effect, workloadOf(rows), { local: true })
  const expected = yield* run(offline)
  const usage = process.cpuUsage()
  const measured = yield* run(online(lag))
  const { system, user } = process.cpuUsage(usage)
  for (const key of keys) {
    const [a, b] = [expected[key], measured[key]]
    yield* Console.log(
      `${key.padEnd(28)} offline ${a.toFixed(3).padStart(12)}  online ${b.toFixed(3).padStart(12)}  ${(
        (100 * (b - a))
        / a
      ).toFixed(2)} %`
    )
  }
  yield* Console.log(lag.describe())
  yield* Console.log(`CPU ${((user + system) / 1e6).toFixed(2)} s, load average ${loadavg()[0]!.toFixed(2)}`)
})

NodeRuntime.runMain(program.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

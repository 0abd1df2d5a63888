/** Whole runs of ai-dynamo 1.3.1 with a timing model other than its default, and the same runs here. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { parseEngineArgs } from "../../src/config/DecodeSettings.ts"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import * as ReportSink from "../../src/report/ReportSink.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import * as Replay from "../../src/simulation/Replay.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import { VirtualClock } from "../../src/simulation/VirtualClock.ts"
import { withSizedPool } from "../../src/timing/aic/KvCapacity.ts"
import type { Timing } from "../../src/timing/Timing.ts"
import { openMooncake } from "../../src/trace/TraceSource.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { assertClose, assertCloseSpread } from "../support/Assertions.ts"

export interface RecordedRun {
  /** The first 200 requests of the conversation trace, unless told otherwise. */
  readonly trace?: string
  readonly workers: number
  readonly engineArgs: Readonly<Record<string, unknown>>
  readonly report: Readonly<Record<string, number>>
}

/** The first 200 requests of the conversation trace. */
const conversation = new URL("../golden/aic/reports/conv200.jsonl.gz", import.meta.url).pathname

const workload = (file: string) =>
  Layer.unwrap(
    Effect.map(openMooncake({ file, traceBlockTokens: 512 }), (source) =>
      Workload.layerOpenLoop({ trace: source, arrivalSpeedup: 1 })
    )
  )

type Files = FileSystem.FileSystem | Path.Path

const topology = <E>(args: EngineArgs, workers: number, timing: Layer.Layer<Timing, E, Files>) => {
  const engine = Layer.provide(args.engineType === "sglang" ? SglangEngine.layer(args) : VllmEngine.layer(args), timing)
  return workers === 1
    ? Layer.provide(Topology.layerSingle, engine)
    : Layer.provide(Topology.layerMulti({ workers }), Layer.merge(engine, RoundRobin.layer))
}

const reportOf = Effect.fnUntraced(function* <E>(
  { engineArgs, trace = conversation, workers }: RecordedRun,
  timing: (args: EngineArgs) => Layer.Layer<Timing, E, Files>
) {
  const args = Result.getOrThrow(parseEngineArgs(JSON.stringify(engineArgs)))
  const sized = yield* withSizedPool(args)
  return yield* Replay.run({ check: true }).pipe(
    Stream.run(ReportSink.sink()),
    Effect.provide(Layer.mergeAll(topology(sized, workers, timing(sized)), workload(trace), VirtualClock.layer), {
      local: true
    })
  )
})

/** Figures of real time are no result. */
const isReal = (key: string): boolean => key === "wall_time_ms" || key.startsWith("processed_")

/** Runs with the recorded arguments and compares every figure of the report. */
export const assertSameReport = <E>(run: RecordedRun, timing: (args: EngineArgs) => Layer.Layer<Timing, E, Files>) =>
  Effect.map(reportOf(run, timing), (report) => {
    const found: Readonly<Record<string, unknown>> = { ...report }
    const keys = Object.keys(run.report).filter((key) => !isReal(key))
    assert.isAtLeast(keys.length, 50)
    for (const key of keys) {
      const expected = run.report[key]!
      const actual = Number(found[key])
      if (key.startsWith("std_")) assertCloseSpread(actual, expected, run.report[key.replace("std", "mean")] ?? 0, key)
      else assertClose(actual, expected, key)
    }
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

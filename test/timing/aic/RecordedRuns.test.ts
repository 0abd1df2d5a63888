/** Whole runs of ai-dynamo 1.3.1 with AIC timing and AIC-sized KV pools, and the same runs here. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { EngineArgs } from "../../../src/config/EngineArgs.ts"
import { readEngineArgs } from "../../../src/config/EngineArgsJson.ts"
import { parse } from "../../../src/config/StrictJson.ts"
import * as VllmEngine from "../../../src/engine/vllm/VllmEngine.ts"
import * as ReportSink from "../../../src/report/ReportSink.ts"
import * as RoundRobin from "../../../src/router/RoundRobin.ts"
import * as Replay from "../../../src/simulation/Replay.ts"
import * as Topology from "../../../src/simulation/Topology.ts"
import { VirtualClock } from "../../../src/simulation/VirtualClock.ts"
import * as AicTiming from "../../../src/timing/aic/AicTiming.ts"
import { withSizedPool } from "../../../src/timing/aic/KvCapacity.ts"
import { openMooncake } from "../../../src/trace/TraceSource.ts"
import { Workload } from "../../../src/workload/Workload.ts"
import { assertClose, assertCloseSpread } from "../../support/Assertions.ts"
import { readGolden } from "./Recorded.ts"

interface RecordedRun {
  readonly workers: number
  readonly engineArgs: Readonly<Record<string, unknown>>
  readonly report: Readonly<Record<string, number>>
}

const runs = readGolden<Record<string, RecordedRun>>("reports/runs.json")
const trace = new URL("../../golden/aic/reports/conv200.jsonl.gz", import.meta.url).pathname

const topology = (args: EngineArgs, workers: number) => {
  assert(args.aic !== undefined)
  const engine = Layer.provide(VllmEngine.layer(args), AicTiming.layer(args.aic))
  return workers === 1
    ? Layer.provide(Topology.layerSingle, engine)
    : Layer.provide(Topology.layerMulti({ workers }), Layer.merge(engine, RoundRobin.layer))
}

const workload = Layer.unwrap(
  Effect.map(openMooncake({ file: trace, traceBlockTokens: 512 }), (source) =>
    Workload.layerOpenLoop({ trace: source, arrivalSpeedup: 1 }))
)

const reportOf = Effect.fnUntraced(function*({ engineArgs, workers }: RecordedRun) {
  const node = Result.getOrThrow(parse(JSON.stringify(engineArgs)))
  const args = Result.getOrThrow(readEngineArgs(node, { _tag: "Flag", name: "--extra-engine-args" }))
  const sized = yield* withSizedPool(args)
  return yield* Replay.run({ check: true }).pipe(
    Stream.run(ReportSink.sink()),
    Effect.provide(Layer.mergeAll(topology(sized, workers), workload, VirtualClock.layer), { local: true })
  )
}, Effect.scoped, Effect.provide(NodeServices.layer))

/** Figures of real time are no result. */
const isReal = (key: string): boolean => key === "wall_time_ms" || key.startsWith("processed_")

const assertFigure = (found: Readonly<Record<string, unknown>>, expected: Readonly<Record<string, number>>, key: string) => {
  const actual = Number(found[key])
  const wanted = expected[key] ?? Number.NaN
  if (key.startsWith("std_")) assertCloseSpread(actual, wanted, expected[key.replace("std", "mean")] ?? 0, key)
  else assertClose(actual, wanted, key)
}

describe("recorded runs with AIC timing", () => {
  for (const [name, run] of Object.entries(runs)) {
    const engineType = run.engineArgs["engine_type"] ?? "vllm"
    it.effect.skipIf(engineType !== "vllm")(`${name} has the reference's figures`, () =>
      Effect.map(reportOf(run), (report) => {
        const keys = Object.keys(run.report).filter((key) => !isReal(key))
        assert.isAtLeast(keys.length, 50)
        for (const key of keys) assertFigure({ ...report }, run.report, key)
      }))
  }
})

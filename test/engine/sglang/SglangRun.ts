/** Runs with SGLang-style engines from the reference's own arguments. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { EngineArgs } from "../../../src/config/EngineArgs.ts"
import { readEngineArgs } from "../../../src/config/EngineArgsJson.ts"
import { parse } from "../../../src/config/StrictJson.ts"
import * as SglangEngine from "../../../src/engine/sglang/SglangEngine.ts"
import type { Report } from "../../../src/report/Report.ts"
import { ReportBuilder } from "../../../src/report/ReportBuilder.ts"
import type { RequestRecord } from "../../../src/request/SimRequest.ts"
import * as RoundRobin from "../../../src/router/RoundRobin.ts"
import * as Replay from "../../../src/simulation/Replay.ts"
import * as Topology from "../../../src/simulation/Topology.ts"
import { VirtualClock } from "../../../src/simulation/VirtualClock.ts"
import * as PolynomialTiming from "../../../src/timing/PolynomialTiming.ts"
import { openMooncake } from "../../../src/trace/TraceSource.ts"
import type { SyntheticOptions } from "../../../src/workload/SyntheticLoad.ts"
import { Workload } from "../../../src/workload/Workload.ts"

export interface RunSpec {
  /** Trace file; `null` for made-up load. */
  readonly trace: string | null
  /** Only so many rows of it; all by default. */
  readonly rows?: number
  readonly arguments: ReadonlyArray<string>
  /** Whether the run checks its invariants; true by default. */
  readonly check?: boolean
}

export interface FinishedRun {
  readonly report: Report
  /** In the order in which they ended. */
  readonly records: ReadonlyArray<RequestRecord>
}

/** Engine arguments from JSON text. */
export const sglangArgs = (json: string): EngineArgs =>
  Result.getOrThrow(readEngineArgs(Result.getOrThrow(parse(json)), { _tag: "Flag", name: "--extra-engine-args" }))

const flag = (spec: RunSpec, name: string): string | undefined => {
  const at = spec.arguments.indexOf(name)
  return at < 0 ? undefined : spec.arguments[at + 1]
}

const number = (spec: RunSpec, name: string): number | undefined => {
  const text = flag(spec, name)
  return text === undefined ? undefined : Number(text)
}

const engine = (args: EngineArgs) => SglangEngine.layer(args).pipe(Layer.provide(PolynomialTiming.layer))

const topologyOf = (spec: RunSpec) => {
  const prefillWorkers = number(spec, "--num-prefill-workers")
  if (prefillWorkers !== undefined) {
    const prefill = engine(sglangArgs(flag(spec, "--prefill-engine-args") ?? "{}"))
    const decode = engine(sglangArgs(flag(spec, "--decode-engine-args") ?? "{}"))
    const decodeWorkers = number(spec, "--num-decode-workers") ?? 1
    return Topology.layerDisaggregated({ prefillWorkers, decodeWorkers }).pipe(
      Layer.provide(Topology.PrefillPool.layer.pipe(Layer.provide(Layer.merge(prefill, RoundRobin.layer)))),
      Layer.provide(Topology.DecodePool.layer.pipe(Layer.provide(Layer.merge(decode, RoundRobin.layer)))),
      Layer.orDie
    )
  }
  const args = sglangArgs(flag(spec, "--extra-engine-args") ?? "{}")
  const workers = number(spec, "--num-workers") ?? 1
  return workers === 1
    ? Topology.layerSingle.pipe(Layer.provide(engine(args)))
    : Topology.layerMulti({ workers }).pipe(Layer.provide(Layer.merge(engine(args), RoundRobin.layer)))
}

const synthetic = (spec: RunSpec): SyntheticOptions => {
  const concurrency = number(spec, "--replay-concurrency")
  return {
    inputTokens: number(spec, "--input-tokens") ?? 0,
    outputTokens: number(spec, "--output-tokens") ?? 0,
    requestCount: number(spec, "--request-count") ?? 0,
    blockTokens: sglangArgs(flag(spec, "--extra-engine-args") ?? "{}").blockTokens,
    arrivalIntervalMs: number(spec, "--arrival-interval-ms") ?? 0,
    turnsPerSession: number(spec, "--turns-per-session") ?? 1,
    sharedPrefixRatio: number(spec, "--shared-prefix-ratio") ?? 0,
    // The reference draws prefix groups but then loses their numbers: all groups share one prefix.
    prefixGroups: Math.min(1, number(spec, "--num-prefix-groups") ?? 0),
    interTurnDelayMs: number(spec, "--inter-turn-delay-ms") ?? 0,
    ...(concurrency === undefined ? {} : { concurrency })
  }
}

const workloadOf = (spec: RunSpec) => {
  const file = spec.trace
  if (file === null) return Workload.layerSynthetic(synthetic(spec))
  return Layer.unwrap(Effect.gen(function*() {
    const traceBlockTokens = number(spec, "--trace-block-size") ?? 512
    const source = yield* openMooncake({ file, traceBlockTokens })
    const trace = spec.rows === undefined ? source : { ...source, rows: Stream.take(source.rows, spec.rows) }
    const concurrency = number(spec, "--replay-concurrency")
    if (concurrency !== undefined) return Workload.layerClosedLoop({ trace, concurrency })
    return Workload.layerOpenLoop({ trace, arrivalSpeedup: number(spec, "--arrival-speedup-ratio") ?? 1 })
  })).pipe(Layer.provide(NodeServices.layer))
}

/** Runs the reference's command line here. */
export const run = (spec: RunSpec): Effect.Effect<FinishedRun, unknown> =>
  Effect.gen(function*() {
    const services = yield* Layer.build(workloadOf(spec))
    const builder = new ReportBuilder()
    const records: Array<RequestRecord> = []
    yield* Stream.runForEachArray(Replay.run({ check: spec.check ?? true }), (events) =>
      Effect.sync(() => {
        for (const event of events) {
          builder.add(event)
          if (event._tag === "Request") records.push(event)
        }
      })).pipe(
        Effect.provide(Layer.mergeAll(topologyOf(spec), Layer.succeedContext(services), VirtualClock.layer), { local: true })
      )
    return { report: builder.finish(), records }
  }).pipe(Effect.scoped)

/** Recorded runs of the reference's KV router, and the same runs here. See test/golden/kv/README.md. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { readdirSync, readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import { parseEngineArgs, parseRouterConfig } from "../../src/config/DecodeSettings.ts"
import type { Engine } from "../../src/engine/Engine.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import type { Router } from "../../src/router/Router.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import type { DecisionHook } from "../../src/router/kv/KvRouterCore.ts"
import { defaultKvRouterOptions, type KvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import { parsePolicyFile, profileFor } from "../../src/router/kv/PolicyFile.ts"
import type { SettingsError } from "../../src/settings/SettingsError.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { openAgenticMooncake, openMooncake, type TraceSource } from "../../src/trace/TraceSource.ts"
import { Workload } from "../../src/workload/Workload.ts"
import type { SyntheticOptions } from "../../src/workload/SyntheticLoad.ts"
import { type Outcome, replay } from "../support/Replays.ts"

/** One run's requests, a column per field; times are `null` for a request that was rejected. */
export interface GoldenRequests {
  readonly sessionId: ReadonlyArray<string | null>
  readonly turnIndex: ReadonlyArray<number | null>
  readonly arrivalMs: ReadonlyArray<number>
  readonly promptTokens: ReadonlyArray<number>
  readonly outputTokens: ReadonlyArray<number>
  readonly firstAdmitMs: ReadonlyArray<number | null>
  readonly firstTokenMs: ReadonlyArray<number | null>
  readonly lastTokenMs: ReadonlyArray<number | null>
  readonly reusedTokens: ReadonlyArray<number>
  readonly worker: ReadonlyArray<number>
  /** Present for disaggregated runs. */
  readonly prefillWorker?: ReadonlyArray<number>
  readonly prefillAdmitMs?: ReadonlyArray<number>
  readonly sourceHeldMs?: ReadonlyArray<number>
  readonly destinationReservedMs?: ReadonlyArray<number>
  readonly destinationActivatedMs?: ReadonlyArray<number>
  readonly decodeAdmitMs?: ReadonlyArray<number>
  readonly sourceReleasedMs?: ReadonlyArray<number>
  readonly prefillRouteOverlapTokens?: ReadonlyArray<number>
}

/** Figures of each recorded run. */
export interface GoldenReports {
  readonly meanTtftMs: ReadonlyArray<number>
  readonly meanE2eMs: ReadonlyArray<number>
  readonly reusedRatio: ReadonlyArray<number>
  readonly durationMs: ReadonlyArray<number>
}

export interface GoldenRun {
  readonly trace: string | null
  readonly lines: number | null
  readonly arguments: ReadonlyArray<string>
  readonly policyFile?: string
  readonly requests: GoldenRequests | null
  readonly reports: GoldenReports
}

const folder = new URL("../golden/kv/", import.meta.url)

export const goldenNames: ReadonlyArray<string> = readdirSync(folder)
  .filter((file) => file.endsWith(".json.gz"))
  .map((file) => file.slice(0, -".json.gz".length))

export const loadGolden = (name: string): GoldenRun =>
  JSON.parse(gunzipSync(readFileSync(new URL(`${name}.json.gz`, folder))).toString("utf8"))

/** What a run needs beside the router's own options. */
export interface RunSpec {
  /** File of test/golden/kv/traces; `null` for made-up load. */
  readonly trace: string | null
  readonly lines: number | null
  readonly arguments: ReadonlyArray<string>
  readonly policyFile?: string
}

const flag = (spec: RunSpec, name: string): string | undefined => {
  const at = spec.arguments.indexOf(name)
  return at < 0 ? undefined : spec.arguments[at + 1]
}

const numberFlag = (spec: RunSpec, name: string): number | undefined => {
  const text = flag(spec, name)
  return text === undefined ? undefined : Number(text)
}

const json = (spec: RunSpec, name: string): string => flag(spec, name) ?? "{}"

/** Only the keys that are given: absent options must stay absent. */
const given = <A extends object>(fields: { readonly [K in keyof A]: A[K] | undefined }): Partial<A> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<A>

/** The reference draws prefix groups but then loses their numbers: all groups share one prefix. */
const prefixGroups = (groups: number | undefined): number | undefined =>
  groups === undefined ? undefined : Math.min(1, groups)

const synthetic = (spec: RunSpec, blockTokens: number): SyntheticOptions => ({
  inputTokens: numberFlag(spec, "--input-tokens") ?? 0,
  outputTokens: numberFlag(spec, "--output-tokens") ?? 0,
  requestCount: numberFlag(spec, "--request-count") ?? 0,
  blockTokens,
  ...given({
    arrivalIntervalMs: numberFlag(spec, "--arrival-interval-ms"),
    turnsPerSession: numberFlag(spec, "--turns-per-session"),
    sharedPrefixRatio: numberFlag(spec, "--shared-prefix-ratio"),
    prefixGroups: prefixGroups(numberFlag(spec, "--num-prefix-groups")),
    interTurnDelayMs: numberFlag(spec, "--inter-turn-delay-ms")
  })
})

/** Sources by file and format: the same trace is run with many seeds, and a source that is small keeps its rows. */
const sources = new Map<string, TraceSource>()

const openOnce = Effect.fnUntraced(function* (file: string, agentic: boolean) {
  const key = `${file} ${agentic}`
  const known = sources.get(key)
  if (known !== undefined) return known
  const source = yield* (agentic ? openAgenticMooncake : openMooncake)({ file, traceBlockTokens: 512 })
  sources.set(key, source)
  return source
})

const workload = (spec: RunSpec, blockTokens: number) => {
  if (spec.trace === null) return Workload.layerSynthetic(synthetic(spec, blockTokens))
  const file = new URL(`traces/${spec.trace}.gz`, folder).pathname
  return Layer.unwrap(
    Effect.gen(function* () {
      const source = yield* openOnce(file, flag(spec, "--trace-format") === "agentic_mooncake")
      const trace = spec.lines === null ? source : { ...source, rows: Stream.take(source.rows, spec.lines) }
      const concurrency = numberFlag(spec, "--replay-concurrency")
      if (concurrency !== undefined) return Workload.layerClosedLoop({ trace, concurrency })
      return Workload.layerOpenLoop({ trace, arrivalSpeedup: numberFlag(spec, "--arrival-speedup-ratio") ?? 1 })
    })
  ).pipe(Layer.provide(NodeServices.layer))
}

const routerOptions = (spec: RunSpec): KvRouterOptions => {
  const config = Result.getOrThrow(parseRouterConfig(json(spec, "--router-config")))
  const policyProfile =
    spec.policyFile === undefined
      ? undefined
      : profileFor(Result.getOrThrow(parsePolicyFile("policy.yaml", spec.policyFile)), undefined)
  return { ...defaultKvRouterOptions, ...config, policyProfile }
}

const engineArgs = (spec: RunSpec, name: string): EngineArgs => Result.getOrThrow(parseEngineArgs(json(spec, name)))

const engines = { vllm: VllmEngine.layer, sglang: SglangEngine.layer, trtllm: VllmEngine.layerTrtllm }

const engine = (args: EngineArgs): Layer.Layer<Engine> =>
  engines[args.engineType](args).pipe(Layer.provide(PolynomialTiming.layer), Layer.orDie)

/** The topology of the command line, and the block size of its engines. */
const topology = (spec: RunSpec, router: Layer.Layer<Router, SettingsError>) => {
  const prefillWorkers = numberFlag(spec, "--num-prefill-workers")
  if (prefillWorkers === undefined) {
    const args = engineArgs(spec, "--extra-engine-args")
    const workers = numberFlag(spec, "--num-workers") ?? 1
    return {
      blockTokens: args.blockTokens,
      layer: Topology.layerMulti({ workers }).pipe(Layer.provide(Layer.merge(engine(args), router)))
    }
  }
  const prefill = engineArgs(spec, "--prefill-engine-args")
  const decode = engineArgs(spec, "--decode-engine-args")
  const pools = Layer.merge(
    Topology.PrefillPool.layer.pipe(Layer.provide(Layer.merge(engine(prefill), router))),
    Topology.DecodePool.layer.pipe(Layer.provide(Layer.merge(engine(decode), router)))
  )
  return {
    blockTokens: prefill.blockTokens,
    layer: Topology.layerDisaggregated({
      prefillWorkers,
      decodeWorkers: numberFlag(spec, "--num-decode-workers") ?? 1
    }).pipe(Layer.provide(pools), Layer.orDie)
  }
}

/** Runs the command line of `spec` with router options changed as asked; guided runs check their invariants too. */
export const run = (
  spec: RunSpec,
  changes: Partial<KvRouterOptions>,
  hook?: DecisionHook
): Effect.Effect<Outcome, unknown> => {
  const router =
    flag(spec, "--router-mode") === "kv_router"
      ? KvRouter.layer({ ...routerOptions(spec), ...changes }, hook)
      : RoundRobin.layer
  const { blockTokens, layer } = topology(spec, router)
  return Effect.gen(function* () {
    const services = yield* Layer.build(workload(spec, blockTokens))
    return yield* replay(layer, Layer.succeedContext(services), { check: hook !== undefined })
  }).pipe(Effect.scoped)
}

/** The figures of {@link GoldenReports} for one run, over its completed requests. */
export const figures = (outcome: Outcome): Readonly<Record<keyof GoldenReports, number>> => {
  const records = outcome.records.filter((record) => record.status === "completed")
  const total = (value: (record: RequestRecord) => number) => records.reduce((sum, record) => sum + value(record), 0)
  return {
    meanTtftMs: total((record) => record.firstTokenMs - record.arrivalMs) / records.length,
    meanE2eMs: total((record) => record.lastTokenMs - record.arrivalMs) / records.length,
    reusedRatio: total((record) => record.reusedTokens) / total((record) => record.promptTokens),
    durationMs: Math.max(...records.map((record) => record.lastTokenMs))
  }
}

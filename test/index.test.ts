/** The public surface: the names that documentation and examples use, and what each namespace is there for. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import * as dynosim from "../src/index.ts"

const root = resolve(import.meta.dirname, "..")

/** What users come to each namespace for; those of types only have nothing at run time. */
const offered: Readonly<Record<string, ReadonlyArray<string>>> = {
  Run: ["prepare", "events", "report"],
  Deployment: ["deploy"],
  Replay: ["run"],
  ReplayError: ["ReplayError"],
  RunProbe: [],
  SeriesProbe: ["SeriesProbe", "defaultSeriesIntervalMs"],
  SeriesRow: ["seriesColumns"],
  RunTelemetry: ["requests", "passes"],
  SimulationView: ["SimulationView"],
  Topology: ["Topology", "layerSingle", "layerMulti", "layerDisaggregated", "PrefillPool", "DecodePool"],
  VirtualClock: ["VirtualClock"],
  LagMeter: ["LagMeter"],
  LiveTopology: ["LiveTopology", "layerAggregated", "layerDisaggregated"],
  OnlineReplay: ["run"],
  Pace: ["Pace"],
  VirtualPace: ["run"],
  Workload: ["Workload"],
  WorkloadError: ["WorkloadError"],
  SyntheticLoad: ["planSynthetic"],
  TraceSource: [
    "openTrace",
    "openMooncake",
    "openMooncakeDelta",
    "openAgenticMooncake",
    "openAppliedCompute",
    "openDynamo",
    "fromRows"
  ],
  TraceRow: [],
  TraceSurvey: ["surveyRows"],
  TraceStatistics: ["traceStatistics"],
  TraceConversion: ["convertTrace"],
  TraceWriter: ["mooncakeText", "agenticMooncakeText"],
  TraceFile: ["openTraceFile", "TraceFileObserver"],
  TraceError: ["TraceError"],
  VllmEngine: ["layer", "layerTrtllm"],
  SglangEngine: ["layer"],
  Engine: ["Engine"],
  EngineStalled: ["EngineStalled"],
  WorkerCore: ["Signal", "PassOutcome"],
  WorkerProbe: [],
  DecisionProbe: [],
  Handoff: [],
  KvEvents: ["KvEventBuffer"],
  TokenGaps: ["TokenGaps"],
  ImmediateRouter: ["ImmediateRouter"],
  RoundRobin: ["layer", "RoundRobinCore"],
  KvRouter: ["layer"],
  KvRouterOptions: ["defaultKvRouterOptions"],
  PolicyFile: ["parsePolicyFile", "profileFor"],
  ScriptedRouter: ["layer"],
  Router: ["Router"],
  Autoscaler: ["Autoscaler", "layer", "layerNone"],
  AutoscalerSchedule: ["layer", "parseStep"],
  ReferencePlanner: ["layer"],
  PlannerConfig: ["decodePlannerConfig"],
  RouterFault: ["RouterFault"],
  Timing: ["Timing"],
  PolynomialTiming: ["layer"],
  AicTiming: ["layer", "prefillEstimator"],
  AicError: ["AicError"],
  AicBundle: ["loadAicBundle", "parseAicBundle"],
  KvCapacity: ["withSizedPool"],
  NpzTiming: ["layer"],
  NpzError: ["NpzError"],
  ReplayEvent: [],
  Report: ["sink"],
  ReportBuilder: ["ReportBuilder"],
  ReportOptions: [],
  ReportSchema: ["Report", "wallClockKeys"],
  Metric: ["reportMetrics"],
  Condition: ["parseCondition", "parseConditions", "judge", "violation", "describeJudgement"],
  ReportJson: ["reportJson"],
  ReportTable: ["reportTable"],
  RequestLines: ["requestLine", "requestLines"],
  RequestLinesFile: ["writeRequestLines"],
  OutputFile: ["open", "write", "writeStream"],
  OutputError: ["OutputError"],
  SimRequest: ["SimRequest"],
  BlockIdentity: [],
  EngineArgs: ["make", "engineArgsOf", "defaultEngineArgs"],
  EngineProfile: ["engineProfiles", "defaultEngineProfile", "isVllmProfile"],
  RouterConfig: ["make", "routerConfigOf", "defaultRouterConfig"],
  SettingsError: ["SettingsError"],
  SettingsText: ["parseEngineArgs", "parseRouterConfig"],
  ConfigFile: ["parseConfigFile"],
  ReplayFlags: ["replayFlags"],
  GivenOptions: ["readGivenOptions"],
  ReplayOptions: [],
  ValidateReplayOptions: ["validateReplayOptions"],
  ConfigError: ["ConfigError"],
  UsageError: ["UsageError"],
  Pcg32: ["Pcg32"]
}

const surface: Readonly<Record<string, Readonly<Record<string, unknown>>>> = dynosim

const documents = [
  "README.md",
  ...["docs", "examples", "bench"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(md|ts)$/.test(name))
      .map((name) => `${folder}/${name}`)
  )
].map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }))

/** Names that a text imports from the package. */
const importedNames = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/import (?:type )?\{([^}]*)\} from "dynosim"/g)].flatMap(([, names]) =>
    names!
      .split(",")
      .map((name) => name.trim().replace(/^type /, ""))
      .filter((name) => name !== "")
  )

describe("the public surface", () => {
  it("has the namespaces that are listed here, each with what it is for", () => {
    assert.deepStrictEqual(Object.keys(surface).toSorted(), Object.keys(offered).toSorted())
    for (const [name, members] of Object.entries(offered)) {
      assert.deepStrictEqual(
        members.filter((member) => surface[name]?.[member] === undefined),
        [],
        name
      )
    }
  })

  it("has every name that documentation and examples import", () => {
    for (const { name, text } of documents) {
      assert.deepStrictEqual(
        importedNames(text).filter((imported) => !(imported in offered)),
        [],
        name
      )
    }
  })

  it("has every member that documentation names with its namespace", () => {
    for (const { name, text } of documents.filter(({ name }) => name.endsWith(".md"))) {
      for (const [, namespace, member] of text.matchAll(/\b([A-Z]\w+)\.([a-z]\w+)\b(?!\.|")/g)) {
        const found = surface[namespace!]
        if (found === undefined || Object.keys(found).length === 0 || member === "ts" || member === "md") continue
        const isIn = (holder: object): boolean => Object.hasOwn(holder, member!)
        const known = isIn(found) || Object.values(found).some((value) => typeof value === "function" && isIn(value))
        assert(known, `${name} names ${namespace}.${member}`)
      }
    }
  })

  it("works without @effect/platform-node", () => {
    const seen = new Set<string>()
    const packages = new Set<string>()
    const visit = (file: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      for (const [, target] of readFileSync(file, "utf8").matchAll(/^(?:import|export) .*? from "([^"]+)"/gms)) {
        if (target!.startsWith(".")) visit(resolve(dirname(file), target!))
        else
          packages.add(
            target!
              .split("/")
              .slice(0, target!.startsWith("@") ? 2 : 1)
              .join("/")
          )
      }
    }
    visit(join(root, "src/index.ts"))
    assert.isAbove(seen.size, 100)
    assert.deepStrictEqual([...packages].filter((name) => !name.startsWith("node:")).toSorted(), [
      "effect",
      "fflate",
      "jsonc-parser",
      "yaml"
    ])
  })

  it.effect("is enough to read settings, build a deployment, run it and report", () =>
    Effect.gen(function* () {
      const engine = Result.getOrThrow(
        dynosim.SettingsText.parseEngineArgs('{"engine_type": "sglang", "num_gpu_blocks": 4096}')
      )
      const router = Result.getOrThrow(dynosim.SettingsText.parseRouterConfig('{"router_temperature": 0.5}'))
      const events = yield* dynosim.Replay.run({ check: true }).pipe(
        Stream.runCollect,
        Effect.provide(
          dynosim.Topology.layerMulti({ workers: 2 }).pipe(
            Layer.provide(dynosim.KvRouter.layer({ ...dynosim.KvRouterOptions.defaultKvRouterOptions, ...router })),
            Layer.provide(dynosim.SglangEngine.layer(engine)),
            Layer.provide(dynosim.PolynomialTiming.layer),
            Layer.merge(
              dynosim.Workload.Workload.layerSynthetic({
                inputTokens: { distribution: "uniform", low: 100, high: 900 },
                outputTokens: 7,
                requestCount: 30,
                blockTokens: 64,
                arrivals: { process: "poisson", requestsPerSecond: 50 }
              })
            ),
            Layer.merge(dynosim.VirtualClock.VirtualClock.layer)
          )
        )
      )
      const report = yield* Stream.run(Stream.fromIterable(events), dynosim.Report.sink())
      assert.strictEqual(report.completed_requests, 30)
      assert.include(dynosim.ReportTable.reportTable(report), "Request Count (requests)")
      assert.strictEqual(dynosim.RequestLines.requestLines(events).trim().split("\n").length, 30)
      const refused = Result.getOrThrow(Result.flip(dynosim.SettingsText.parseEngineArgs('{"block_siz": 4}')))
      assert.strictEqual(refused.message, "engine arguments: block_siz: unknown key")
    })
  )
})

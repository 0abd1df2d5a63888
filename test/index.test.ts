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

/** Every value that each namespace has; those of types only have none. A name that is added or taken away is a change of the interface. */
const offered: Readonly<Record<string, ReadonlyArray<string>>> = {
  AicTiming: [
    "AicBundleFile",
    "AicError",
    "blocksPerRank",
    "layer",
    "loadAicBundle",
    "parseAicBundle",
    "prefillEstimator",
    "sizedPool",
    "withSizedPool"
  ],
  Autoscaler: [
    "Autoscaler",
    "AutoscalerError",
    "decodePlannerConfig",
    "layer",
    "layerNone",
    "layerReferencePlanner",
    "layerSchedule",
    "layerSla",
    "layerTargetUtilisation",
    "makeSlaConfig",
    "makeUtilisationConfig",
    "none",
    "plannerSettings",
    "scheduleSettings",
    "slaSettings",
    "stepOf",
    "utilisationSettings"
  ],
  Compare: [
    "calibrateRun",
    "calibrationText",
    "compare",
    "comparisonText",
    "curvesOf",
    "dynosimReport",
    "engineArgsText",
    "joined",
    "measurementOf",
    "measurementsOf",
    "metrics",
    "readMeasurements"
  ],
  Engine: [
    "Engine",
    "EngineStalled",
    "KvEventBuffer",
    "PassOutcome",
    "PassesAhead",
    "Signal",
    "TokenGaps",
    "defaultEngineProfile",
    "engineProfiles",
    "isVllmProfile",
    "kvEventVisibilityOf",
    "layerMixed"
  ],
  EngineArgs: ["decodeEngineArgs", "defaultEngineArgs", "engineArgsOf", "make"],
  HtmlReport: ["comparisonPage", "runPage", "sweepPage", "watchRun"],
  KvRouter: [
    "DecisionWatch",
    "decodeRouterConfig",
    "defaultKvRouterOptions",
    "defaultRouterConfig",
    "layer",
    "makeConfig",
    "parsePolicyFile",
    "profileFor",
    "routerConfigOf"
  ],
  NpzTiming: ["NpzError", "layer", "parseProfile"],
  Online: [
    "LagMeter",
    "LiveTopology",
    "Pace",
    "Turn",
    "layerAggregated",
    "layerDisaggregated",
    "layerLive",
    "run",
    "runInVirtualTime"
  ],
  OutputFile: ["OutputError", "open", "write", "writeStream"],
  PolynomialTiming: ["layer", "polynomialModel"],
  Probe: ["SeriesProbe", "TimelineProbe", "defaultSeriesIntervalMs", "seriesColumns", "timelineText"],
  Replay: ["ReplayError", "SimulationView", "passes", "requests", "run"],
  Report: [
    "ConditionError",
    "Report",
    "ReportBuilder",
    "behaviourProfile",
    "countKeys",
    "describeJudgement",
    "judge",
    "metricNamed",
    "parseCondition",
    "parseConditions",
    "reportCsv",
    "reportJson",
    "reportMetrics",
    "reportTable",
    "requestLine",
    "requestLines",
    "scalingLine",
    "sink",
    "violation",
    "wallClockKeys",
    "writeRequestLines"
  ],
  Request: ["SimRequest", "emptyBlocks", "noRoutingHints"],
  RoundRobin: ["RoundRobinCore", "layer"],
  Router: ["ImmediateRouter", "Pcg32", "Router", "RouterFault"],
  Run: ["deploy", "deployWith", "events", "prepare", "replayModes", "report", "routerModes"],
  ScriptedRouter: ["ScriptedRouterCore", "layer"],
  Settings: [
    "ConfigError",
    "SettingsError",
    "UsageError",
    "isFlagName",
    "parseConfigFile",
    "parseEngineArgs",
    "parseRouterConfig",
    "readGivenOptions",
    "replayFlags",
    "validateReplayOptions"
  ],
  Sweep: [
    "CellRunner",
    "CellStore",
    "Search",
    "SweepInputError",
    "allPoints",
    "compareCandidates",
    "descent",
    "figureOf",
    "files",
    "find",
    "grid",
    "outcomeOf",
    "paretoSet",
    "parsePlan",
    "planSettings",
    "resolve",
    "run",
    "strategyOf",
    "summarise",
    "sweepCsv",
    "sweepJson",
    "sweepMetrics",
    "table"
  ],
  SglangEngine: ["layer"],
  Timing: ["Timing"],
  Topology: [
    "DecodePool",
    "DisaggregationUnsupported",
    "PrefillPool",
    "Topology",
    "layerDisaggregated",
    "layerMulti",
    "layerSingle"
  ],
  Trace: [
    "TraceError",
    "TraceFileObserver",
    "agenticMooncakeLine",
    "agenticMooncakeText",
    "anonymise",
    "capGaps",
    "convertTrace",
    "defaultTraceBlockTokens",
    "editedText",
    "fromRows",
    "merge",
    "mooncakeLine",
    "mooncakeText",
    "openAgenticMooncake",
    "openAppliedCompute",
    "openDynamo",
    "openMooncake",
    "openMooncakeDelta",
    "openTrace",
    "openTraceFile",
    "sample",
    "scale",
    "shift",
    "slice",
    "surveyRows",
    "traceStatistics"
  ],
  VirtualClock: ["VirtualClock", "VirtualTime", "layer"],
  VllmEngine: ["layer", "layerTrtllm"],
  Workload: [
    "Workload",
    "WorkloadError",
    "decodeWorkload",
    "fitTrace",
    "layerClosedLoop",
    "layerOpenLoop",
    "layerRows",
    "layerSynthetic",
    "planJson",
    "planSynthetic",
    "planYaml",
    "plannedRows"
  ]
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
  it("has exactly the namespaces and names that are listed here", () => {
    assert.deepStrictEqual(Object.keys(surface).toSorted(), Object.keys(offered).toSorted())
    for (const [name, members] of Object.entries(offered)) {
      assert.deepStrictEqual(Object.keys(surface[name] ?? {}).toSorted(), members.toSorted(), name)
    }
  })

  it("is listed in docs/api.md, with every example", () => {
    const [, ...rows] = readFileSync(join(root, "docs/api.md"), "utf8").split("| namespace | what it is for |")
    const listed = [...(rows[0] ?? "").split("\n\n")[0]!.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names]) =>
      names!.replaceAll("`", "").split(", ")
    )
    assert.deepStrictEqual(listed.toSorted(), Object.keys(surface).toSorted())
    const api = documents.find(({ name }) => name === "docs/api.md")!.text
    const programs = documents.map(({ name }) => name).filter((name) => /^examples\/[^.]+\.ts$/.test(name))
    assert.deepStrictEqual(
      programs.filter((name) => !api.includes(name)),
      []
    )
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

  it("has every namespace of which code in documentation takes something", () => {
    const ofEffect = ["Effect", "Layer", "Schema", "Stream"]
    for (const { name, text } of documents.filter(({ name }) => name.endsWith(".md"))) {
      for (const [, code] of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
        for (const [whole, namespace, member] of code!.matchAll(/(?<![.\w])([A-Z]\w+)\.(\w+)/g)) {
          if (ofEffect.includes(namespace!)) continue
          assert(Object.hasOwn(surface[namespace!] ?? {}, member!), `${name} takes ${whole}`)
        }
      }
    }
  })

  it("says of every name what it is", () => {
    const read = (path: string): string => readFileSync(path, "utf8")
    const undescribed = readdirSync(join(root, "src/api")).flatMap((file) =>
      [...read(join(root, "src/api", file)).matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm)].flatMap(
        ([, names, from]) => {
          const text = read(resolve(root, "src/api", from!))
          return names!
            .split(",")
            .map((name) =>
              name
                .trim()
                .replace(/^type /, "")
                .replace(/ as .*/, "")
            )
            .filter((name) => name !== "")
            .flatMap((name) => {
              const declaration = new RegExp(
                `(.*)\nexport (?:abstract )?(?:class|const|function\\*?|interface|type) ${name}\\b`
              )
              const [, before] = declaration.exec(text) ?? []
              // What is handed on from another module is described there.
              return before === undefined || before.endsWith("*/") ? [] : [`${file}: ${name}`]
            })
        }
      )
    )
    assert.deepStrictEqual(undescribed, [])
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
        dynosim.Settings.parseEngineArgs('{"engine_type": "sglang", "num_gpu_blocks": 4096}')
      )
      const router = Result.getOrThrow(dynosim.Settings.parseRouterConfig('{"router_temperature": 0.5}'))
      const events = yield* dynosim.Replay.run({ check: true }).pipe(
        Stream.runCollect,
        Effect.provide(
          dynosim.Topology.layerMulti({ workers: 2 }).pipe(
            Layer.provide(dynosim.KvRouter.layer({ ...dynosim.KvRouter.defaultKvRouterOptions, ...router })),
            Layer.provide(dynosim.SglangEngine.layer(engine)),
            Layer.provide(dynosim.PolynomialTiming.layer),
            Layer.merge(
              dynosim.Workload.layerSynthetic({
                inputTokens: { distribution: "uniform", low: 100, high: 900 },
                outputTokens: 7,
                requestCount: 30,
                blockTokens: 64,
                arrivals: { process: "poisson", requestsPerSecond: 50 }
              })
            ),
            Layer.merge(dynosim.VirtualClock.layer)
          )
        )
      )
      const report = yield* Stream.run(Stream.fromIterable(events), dynosim.Report.sink())
      assert.strictEqual(report.completed_requests, 30)
      assert.include(dynosim.Report.reportTable(report), "Request Count (requests)")
      assert.strictEqual(dynosim.Report.requestLines(events).trim().split("\n").length, 30)
      const refused = Result.getOrThrow(Result.flip(dynosim.Settings.parseEngineArgs('{"block_siz": 4}')))
      assert.strictEqual(refused.message, "engine arguments: block_siz: unknown key")
    })
  )
})

/**
 * Whole runs against the reference: runs whose outcome no tie can change must agree to 1e-9 whatever the seed; of the others,
 * twenty seeds must look like twenty runs of the reference.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import type { TieBreak } from "../../src/router/kv/Choice.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { assertClose } from "../support/Assertions.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { replay } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"
import { figures, goldenNames, type GoldenReports, loadGolden, run, type RunSpec } from "./GoldenRun.ts"
import { kolmogorovSmirnov } from "./KolmogorovSmirnov.ts"

type Figures = readonly [meanTtftMs: number, meanE2eMs: number, reusedRatio: number, durationMs: number]

const conversation = (lines: number, workers: number, ...more: ReadonlyArray<string>): RunSpec => ({
  trace: "conv_1500.jsonl",
  lines,
  arguments: ["--router-mode", "kv_router", "--num-workers", String(workers), ...more]
})

const drawFree: ReadonlyArray<readonly [name: string, spec: RunSpec, expected: Figures]> = [
  ["160 requests, 2 workers", conversation(160, 2), [956.191751731, 8457.28180653, 0.0375994792356, 60958.343625]],
  ["130 requests, 3 workers", conversation(130, 3), [708.020196385, 5577.48487742, 0.0338135863805, 48929.663448]],
  [
    "160 requests, 3 workers, 30 in flight",
    conversation(160, 3, "--replay-concurrency", "30"),
    [565.736268562, 7357.77428293, 0.0422413902523, 42008.704856]
  ],
  [
    "160 requests, 2 workers, 24 in flight, parked by wspt",
    conversation(
      160,
      2,
      "--replay-concurrency",
      "24",
      "--router-config",
      '{"router_queue_threshold": 0.5, "router_queue_policy": "wspt"}'
    ),
    [453.811759144, 8257.39331839, 0.0464191101674, 58103.260426]
  ],
  [
    "160 requests, 2 workers, 24 in flight, little memory",
    conversation(160, 2, "--replay-concurrency", "24", "--extra-engine-args", '{"num_gpu_blocks": 1600}'),
    [12498.5662001, 24843.6293859, 0.0495340121946, 173549.803422]
  ]
]

const check = (actual: ReturnType<typeof figures>, [meanTtftMs, meanE2eMs, reusedRatio, durationMs]: Figures): void => {
  assertClose(actual.meanTtftMs, meanTtftMs, "mean TTFT")
  assertClose(actual.meanE2eMs, meanE2eMs, "mean end-to-end latency")
  assertClose(actual.reusedRatio, reusedRatio, "reused ratio")
  assertClose(actual.durationMs, durationMs, "duration")
}

const tieBreaks: ReadonlyArray<readonly [seed: number, tieBreak: TieBreak]> = [
  [0, "lowest"],
  [0, "random"],
  [1, "random"],
  [2, "random"]
]

describe("runs that no tie can change", () => {
  for (const [name, spec, expected] of drawFree) {
    it.effect(name, () =>
      Effect.gen(function* () {
        for (const [seed, tieBreak] of tieBreaks) check(figures(yield* run(spec, { seed, tieBreak })), expected)
      })
    )
  }

  it.effect("round robin", () =>
    Effect.gen(function* () {
      const spec = { trace: "conv_1500.jsonl", lines: 1500, arguments: ["--num-workers", "4"] }
      check(figures(yield* run(spec, {})), [543.842044815858, 4279.72162089192, 0.0895285949136394, 525547.2415300017])
    })
  )
})

/** Two long prompts with a common prefix 1 ms apart, and a short prompt that comes with the first. */
const probe = (
  engineLayer: typeof VllmEngine.layer,
  seed: number
): Effect.Effect<ReadonlyArray<RequestRecord>, unknown> => {
  const prompt = Array.from({ length: 10 }, (_, i) => i)
  const rows = [
    row({ timestampMs: 0, promptTokens: 5120, outputTokens: 20, hashIds: prompt }, 1),
    row({ timestampMs: 0, promptTokens: 128, outputTokens: 21, hashIds: [100] }, 2),
    row({ timestampMs: 1, promptTokens: 5120, outputTokens: 22, hashIds: prompt }, 3)
  ]
  const engine = engineLayer(engineArgs()).pipe(Layer.provide(PolynomialTiming.layer))
  const router = KvRouter.layer({ ...defaultKvRouterOptions, seed })
  return Effect.gen(function* () {
    const topology = Topology.layerMulti({ workers: 2 }).pipe(Layer.provide(Layer.merge(engine, router)))
    const workload = Workload.layerRows({ rows: Stream.fromIterable(rows), name: "probe", traceBlockTokens: 512 })
    const { records } = yield* replay(topology, Layer.succeedContext(yield* Layer.build(workload)))
    return records.toSorted((a, b) => a.id - b.id)
  }).pipe(Effect.scoped)
}

describe("visibility of cache events", () => {
  it.effect("a vLLM pass's blocks are seen from its start", () =>
    Effect.gen(function* () {
      for (const seed of [0, 1, 2, 3]) {
        const [a, c, b] = yield* probe(VllmEngine.layer, seed)
        assert.strictEqual(b!.workerIndex, a!.workerIndex)
        assert.notStrictEqual(c!.workerIndex, a!.workerIndex)
        assertClose(b!.firstTokenMs, 117.286361, "first token")
      }
    })
  )

  it.effect("an SGLang pass's blocks are not seen before its end", () =>
    Effect.gen(function* () {
      for (const seed of [0, 1, 2, 3]) {
        const [a, c, b] = yield* probe(SglangEngine.layer, seed)
        assert.strictEqual(b!.workerIndex, c!.workerIndex)
        assert.notStrictEqual(c!.workerIndex, a!.workerIndex)
        assertClose(b!.firstTokenMs, 135.484977, "first token")
      }
    })
  )
})

const runsPerSide = 20
/** Of a thousand requests: the same deployments with two hundred of them, or with less load, have the full number. */
const runsOfMany = 10
const columns: ReadonlyArray<keyof GoldenReports> = ["meanTtftMs", "meanE2eMs", "reusedRatio", "durationMs"]

describe("twenty seeds look like twenty runs of the reference", () => {
  for (const name of goldenNames) {
    const golden = loadGolden(name)
    if (golden.reports.meanTtftMs.length < runsPerSide) continue
    it.effect(name, () =>
      Effect.gen(function* () {
        const ours = []
        const runs = name.endsWith("_1000") ? runsOfMany : runsPerSide
        for (let seed = 0; seed < runs; seed++) ours.push(figures(yield* run(golden, { seed })))
        for (const column of columns) {
          const p = kolmogorovSmirnov(
            ours.map((each) => each[column]),
            golden.reports[column]
          )
          assert.isAbove(p, 0.01, column)
        }
      })
    )
  }
})

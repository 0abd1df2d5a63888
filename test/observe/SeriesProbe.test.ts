/** What a time series says in parts must add up to what the run's report says as a whole. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Autoscaler from "../../src/autoscaler/Autoscaler.ts"
import { make as makeEngineArgs } from "../../src/engine/EngineArgs.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import { SeriesProbe } from "../../src/observe/SeriesProbe.ts"
import { seriesColumns, type SeriesRow } from "../../src/observe/SeriesRow.ts"
import { SeriesWriter } from "../../src/observe/SeriesWriter.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import { emptyCells } from "../../src/report/TableWriter.ts"
import type { RunProbe } from "../../src/simulation/RunProbe.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { randomRun } from "../simulation/RandomRun.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, multiTopology, type Outcome, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

const sum = (rows: ReadonlyArray<SeriesRow>, of: (row: SeriesRow) => number): number =>
  rows.reduce((total, each) => total + of(each), 0)

/** Rows of workers add up to their pool's, and intervals follow one another without gap or overlap. */
const checkShape = (rows: ReadonlyArray<SeriesRow>): void => {
  let endMs = 0
  const runs = rows.filter(({ scope }) => scope === "run")
  for (const each of runs) {
    assert.strictEqual(each.startMs, endMs)
    assert.isAtLeast(each.endMs, each.startMs)
    endMs = each.endMs
  }
  const pools = rows.filter(({ scope }) => scope === "pool")
  const workers = rows.filter(({ scope }) => scope === "worker")
  const counts: ReadonlyArray<(row: SeriesRow) => number> = [
    (each) => each.passes,
    (each) => each.prefillTokens,
    (each) => each.decodeTokens,
    (each) => each.preemptions,
    (each) => each.waiting,
    (each) => each.running,
    (each) => each.activeBlocks,
    (each) => each.firstTokens,
    (each) => each.tokenGaps
  ]
  for (const of of counts) {
    assert.strictEqual(sum(workers, of), sum(pools, of))
    assert.strictEqual(sum(pools, of), sum(runs, of))
  }
  assert.approximately(
    sum(workers, (each) => each.busyMs),
    sum(runs, (each) => each.busyMs),
    1e-6 * (1 + endMs)
  )
  for (const each of workers) assert.isAtMost(each.busyMs, (each.endMs - each.startMs) * (1 + 1e-9) + 1e-6)
}

const near = (actual: number, expected: number): void => {
  assert.approximately(actual, expected, 1e-9 * Math.max(1, Math.abs(expected)))
}

/** Everything that both know must be equal. */
const checkSums = (rows: ReadonlyArray<SeriesRow>, { gaps, records, summary }: Outcome, passes: number): void => {
  const builder = new ReportBuilder()
  for (const event of [...records, ...gaps, summary]) builder.add(event)
  const report = builder.finish()
  const runs = rows.filter(({ scope }) => scope === "run")
  const total = (of: (row: SeriesRow) => number) => sum(runs, of)
  assert.strictEqual(
    total((each) => each.arrivals),
    report.num_requests
  )
  assert.strictEqual(
    total((each) => each.completed),
    report.dynosim.completed_requests
  )
  assert.strictEqual(
    total((each) => each.rejected),
    report.dynosim.rejected_requests
  )
  assert.strictEqual(
    total((each) => each.firstTokens),
    report.completed_requests
  )
  assert.strictEqual(
    total((each) => each.inputTokens),
    report.total_input_tokens
  )
  near(
    total((each) => each.sharedReusedTokens),
    report.shared_prefix_reused_ratio * report.total_input_tokens
  )
  near(
    total((each) => (each.meanTtftMs ?? 0) * each.firstTokens),
    report.mean_ttft_ms * report.completed_requests
  )
  near(Math.max(0, ...runs.map(({ maxTtftMs }) => maxTtftMs ?? 0)), report.max_ttft_ms)
  near(Math.max(0, ...runs.map(({ maxItlMs }) => maxItlMs ?? 0)), report.max_itl_ms)
  const tokenGaps = total((each) => each.tokenGaps)
  near(
    total((each) => (each.meanItlMs ?? 0) * each.tokenGaps),
    report.mean_itl_ms * tokenGaps
  )
  assert.strictEqual(
    tokenGaps,
    records.reduce((count, { emittedTokens }) => count + Math.max(0, emittedTokens - 1), 0)
  )
  const visible = rows.filter(({ role, scope }) => scope === "pool" && role !== "prefill")
  assert.strictEqual(
    sum(visible, (each) => each.decodeTokens),
    report.total_output_tokens
  )
  assert.strictEqual(
    total((each) => each.passes),
    passes
  )
  checkShape(rows)
}

/** The series as a table, and the rows that it was given. */
const tabled = (intervalMs: number) => {
  const cells = emptyCells(seriesColumns)
  const rows: Array<ReadonlyArray<number | string | null>> = []
  const add = (): void => {
    rows.push(
      seriesColumns.map(({ type }, index) => {
        if (type === "text") return cells.texts[index] ?? null
        const value = cells.numbers[index] ?? Number.NaN
        return Number.isNaN(value) ? null : value
      })
    )
  }
  const nothing = (): Uint8Array => new Uint8Array()
  return { probe: new SeriesWriter(intervalMs, { cells, add, take: nothing, end: nothing }), rows }
}

/** Runs under a series, takes its rows at the end, and holds both against each other. */
const checked = Effect.fnUntraced(function* (
  pools: Layer.Layer<Topology.Topology>,
  load: ReturnType<typeof workload>,
  intervalMs: number
) {
  const series = new SeriesProbe(intervalMs)
  const table = tabled(intervalMs)
  let passes = 0
  let preemptions = 0
  const counter: RunProbe = {
    pass: (_, startMs, outcome) => {
      if (outcome.progressed || outcome.endMs > startMs) passes += 1
      preemptions += outcome.preemptions
    }
  }
  const outcome = yield* replay(pools, load, { check: true, probes: [series, table.probe, counter] })
  const rows = series.take()
  assert.deepStrictEqual(
    table.rows,
    rows.map((each) => seriesColumns.map(({ of }) => of(each)))
  )
  checkSums(rows, outcome, passes)
  assert.strictEqual(
    sum(
      rows.filter(({ scope }) => scope === "run"),
      (each) => each.preemptions
    ),
    preemptions
  )
  return { rows, outcome, preemptions }
})

const traceBlockTokens = 64
const blocks = (index: number): ReadonlyArray<number> => Array.from({ length: 10 }, (_, block) => index * 100 + block)
const rowsEvery = (everyMs: number, count: number, outputTokens = 300) =>
  Array.from({ length: count }, (_, index) =>
    row({ timestampMs: index * everyMs, promptTokens: 640, outputTokens, hashIds: blocks(index % 20) }, index + 1)
  )
const workload = (rows = rowsEvery(2, 60)) => PlainWorkload.layer({ rows, traceBlockTokens })

const single = (engine: typeof SglangEngine.layer, args: Parameters<typeof SglangEngine.layer>[0]) =>
  Layer.orDie(Topology.layerSingle.pipe(Layer.provide(engine(args)), Layer.provide(PolynomialTiming.layer)))

describe("a time series", () => {
  it.effect.prop(
    "adds up to the report, whatever the interval",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        for (const intervalMs of [1, 37.3, 1e6]) {
          yield* checked(topology(run.args, run.workers), PlainWorkload.layer(run), intervalMs)
        }
      }).pipe(Effect.catchTag("ReplayError", () => Effect.void)),
    { arbitrary: { runs: 60, size: 40 } }
  )

  it.effect("counts preemptions, and sees SGLang-style and vLLM-profile workers", () =>
    Effect.gen(function* () {
      const tight = yield* checked(topology(engineArgs({ numGpuBlocks: 40 }), 2), workload(), 100)
      assert.isAbove(tight.preemptions, 0)
      const args = engineArgs({ engineType: "sglang", blockTokens: 16, numGpuBlocks: 180 })
      yield* checked(single(SglangEngine.layer, args), workload(), 100)
      for (const asyncScheduling of [false, true]) {
        const profile = makeEngineArgs({
          engineProfile: "vllm-0.33",
          blockTokens: 64,
          numGpuBlocks: 40,
          maxNumSeqs: 64,
          maxNumBatchedTokens: 2_048,
          vllmScheduler: { schedulerReserveFullIsl: false, asyncScheduling }
        })
        const { preemptions } = yield* checked(single(VllmEngine.layer, profile), workload(), 100)
        assert.isAbove(preemptions, 0)
      }
    })
  )

  it.effect("has both pools of a disaggregated run, hidden tokens apart", () =>
    Effect.gen(function* () {
      const pools = disaggregatedTopology(engineArgs(), { prefillWorkers: 2, decodeWorkers: 1 })
      const { rows } = yield* checked(pools, workload(rowsEvery(50, 4)), 50)
      const prefill = rows.filter(({ role, scope }) => scope === "pool" && role === "prefill")
      assert.deepStrictEqual(
        [sum(prefill, (each) => each.decodeTokens), sum(prefill, (each) => each.firstTokens)],
        [4, 0]
      )
      assert.strictEqual(
        sum(prefill, (each) => each.arrivals),
        4
      )
    })
  )

  it.effect("makes one row of a stretch in which nothing happens", () =>
    Effect.gen(function* () {
      const far = [...rowsEvery(1, 2, 5), ...rowsEvery(1, 2, 5).map((each) => ({ ...each, timestampMs: 1e12 }))]
      const { rows } = yield* checked(topology(engineArgs()), workload(far), 1000)
      assert.isBelow(rows.length, 50)
      const longest = rows.reduce((most, each) => Math.max(most, each.endMs - each.startMs), 0)
      assert.isAbove(longest, 1e11)
    })
  )

  it.effect("follows workers that come and go", () =>
    Effect.gen(function* () {
      const ticks: ReadonlyArray<number> = [3, 5, 1, 2]
      const autoscaler = Autoscaler.layer("steps", (pools) => {
        let tick = 0
        return {
          firstTickMs: 200,
          watchesPasses: false,
          decide: () =>
            Effect.sync(() => {
              const target = ticks[tick] ?? 1
              tick += 1
              return {
                targets: Object.fromEntries(pools.map(({ role }) => [role, target])),
                nextTickMs: tick <= ticks.length ? (tick + 1) * 200 : undefined
              }
            })
        }
      })
      const pools = multiTopology(engineArgs({ startupTimeS: 0.05 }), 2)
      const { rows } = yield* checked(pools, workload(rowsEvery(20, 60, 60)), 10).pipe(
        Effect.provide(autoscaler, { local: true })
      )
      const runs = rows.filter(({ scope }) => scope === "run")
      const at = (ms: number) => runs.find(({ endMs, startMs }) => startMs <= ms && ms < endMs)
      assert.deepInclude(at(100), { workersUp: 2, workersStarting: 0 })
      assert.deepInclude(at(425), { workersUp: 3, workersStarting: 2 })
      assert.deepInclude(at(575), { workersUp: 5, workersStarting: 0 })
      assert.deepInclude(runs.at(-1), { workersUp: 1, workersStarting: 0 })
    })
  )

  it.effect("serves one run after another", () =>
    Effect.gen(function* () {
      const series = new SeriesProbe(100)
      const run = () => replay(topology(engineArgs(), 2), workload(), { probes: [series] })
      yield* run()
      const first = series.take()
      yield* run()
      assert.deepStrictEqual(series.take(), first)
      assert.deepStrictEqual(series.take(), [])
    })
  )
})

/** Describe a trace, make another one by the description: the same lengths, gaps and reuse. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { plainMap } from "../../../src/settings/JsonNode.ts"
import { parse } from "../../../src/settings/StrictJson.ts"
import { parseYaml } from "../../../src/settings/YamlTree.ts"
import type { TraceRow } from "../../../src/trace/TraceRow.ts"
import { fromRows, openMooncake, type TraceSource } from "../../../src/trace/TraceSource.ts"
import { traceStatistics } from "../../../src/trace/TraceStatistics.ts"
import { meanOf, valueAt } from "../../../src/workload/classes/PercentileTable.ts"
import { plannedRows } from "../../../src/workload/classes/PlannedRows.ts"
import { decodeWorkload, type WorkloadPlan } from "../../../src/workload/classes/WorkloadPlan.ts"
import { fittedTable } from "../../../src/workload/fit/FittedTable.ts"
import { fitTrace } from "../../../src/workload/fit/FitTrace.ts"
import { planJson, planYaml } from "../../../src/workload/fit/PlanText.ts"
import { jsonLines, sourceOf } from "../../trace/TraceTexts.ts"

const traces = resolve(import.meta.dirname, "../../../traces")

/** Mean, p50 and p99 of the times between rows; a percentile is the least value that so many do not exceed. */
const gapsOf = (rows: ReadonlyArray<TraceRow>) => {
  const times = rows.map(({ timestampMs }) => timestampMs ?? Number.NaN)
  const gaps = times
    .slice(1)
    .map((timeMs, index) => timeMs - times[index]!)
    .toSorted((a, b) => a - b)
  const at = (percent: number) => gaps[Math.ceil((gaps.length * percent) / 100) - 1]!
  return { mean: gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length, p50: at(50), p99: at(99) }
}

const figuresOf = Effect.fnUntraced(function* (trace: TraceSource) {
  const { outputTokens, promptTokens, sharing } = yield* traceStatistics(trace)
  const gaps = gapsOf(yield* Stream.runCollect(trace.rows))
  return {
    "prompts, mean": promptTokens.mean,
    "prompts, p50": promptTokens.p50,
    "prompts, p99": promptTokens.p99,
    "outputs, mean": outputTokens.mean,
    "outputs, p50": outputTokens.p50,
    "outputs, p99": outputTokens.p99,
    "gaps, mean": gaps.mean,
    "gaps, p50": gaps.p50,
    "gaps, p99": gaps.p99,
    reuse: sharing?.tokenRatio ?? 0
  }
})

const made = (plan: WorkloadPlan, seed: number) =>
  Effect.flatMap(plannedRows(plan, { requestCount: undefined, seed }), (rows) =>
    fromRows({ rows, name: "made", traceBlockTokens: plan.blockTokens })
  )

const read = (text: string, parser: typeof parse | typeof parseYaml): WorkloadPlan => {
  const node = Result.getOrThrow(parser(text))
  assert(node._tag === "Object")
  return Result.getOrThrow(decodeWorkload(plainMap(node)))
}

describe("fitTrace", () => {
  for (const [name, seeds] of [
    ["conversation_trace", [1]],
    ["synthetic_trace", [1, 2]],
    ["conversation_sample", [1, 2, 3]]
  ] as const) {
    const file = join(traces, `${name}.jsonl`)
    it.effect.skipIf(!existsSync(file))(`keeps lengths, gaps and reuse of ${name} within 5 %`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const trace = yield* openMooncake({ file, traceBlockTokens: 512 })
          const expected = yield* figuresOf(trace)
          const plan = yield* fitTrace(trace)
          assert.isBelow(planYaml(plan).length, 20_000)
          for (const seed of seeds) {
            const found = yield* figuresOf(yield* made(read(planYaml(plan), parseYaml), seed))
            for (const [figure, value] of Object.entries(expected)) {
              const is = new Map(Object.entries(found)).get(figure) ?? Number.NaN
              assert.closeTo(is, value, Math.abs(value) * 0.05, `${figure}, seed ${seed}`)
            }
          }
        })
      ).pipe(Effect.provide(NodeServices.layer))
    )
  }

  const turn = (fields: object) => ({ input_length: 100, output_length: 10, hash_ids: [1, 2], ...fields })

  it.effect("describes sessions by their turns, waits and what turns add", () =>
    Effect.gen(function* () {
      const trace = yield* sourceOf(
        jsonLines([
          turn({ timestamp: 0, session_id: "a" }),
          turn({ session_id: "a", delay: 300, input_length: 128 }),
          turn({ timestamp: 50, session_id: "b" }),
          turn({ timestamp: 90, session_id: "c", class: "batch", priority: 2 })
        ])
      )
      const plan = yield* fitTrace(trace)
      assert.strictEqual(plan.requestCount, 3)
      assert.deepStrictEqual(
        plan.classes.map(({ name, priority }) => [name, priority]),
        [
          ["requests", 0],
          ["batch", 2]
        ]
      )
      const [chat] = plan.classes
      assert.deepStrictEqual(chat?.turns, [
        [0, 1],
        [50, 1],
        [50, 2],
        [100, 2]
      ])
      assert.deepStrictEqual(chat?.waitMs, [
        [0, 300],
        [100, 300]
      ])
      assert.deepStrictEqual(chat?.turnInputTokens, [
        [0, 18],
        [100, 18]
      ])
      const { sessions } = yield* traceStatistics(yield* made(plan, 1))
      assert.deepStrictEqual(sessions, { sessions: 3, multiTurnSessions: 1, meanTurns: 4 / 3, mostTurns: 2 })
      for (const back of [read(planYaml(plan), parseYaml), read(planJson(plan), parse)])
        assert.deepStrictEqual(back, plan)
    })
  )

  it.effect("refuses what it cannot describe", () =>
    Effect.gen(function* () {
      const timeless = yield* Effect.flip(fitTrace(yield* sourceOf(jsonLines([turn({})]))))
      assert.match(timeless.message, /has no timestamp/)
    })
  )
})

describe("fittedTable", () => {
  it("stays close to the values with few points", () => {
    const values = Float64Array.from({ length: 5000 }, (_, index) => Math.round(Math.exp(index / 600)))
    const table = fittedTable(values, 0)
    assert.isAtMost(table.length, 48)
    const mean = values.reduce((sum, value) => sum + value / values.length, 0)
    assert.closeTo(meanOf(table), mean, 0.01 * mean)
    for (const share of [0.5, 0.9, 0.99]) {
      const value = values[Math.ceil(share * values.length) - 1]!
      assert.closeTo(valueAt(table, share), value, 0.02 * value + 1)
    }
  })

  it("keeps steps, and takes a single value", () => {
    assert.deepStrictEqual(fittedTable(Float64Array.of(7), 0), [
      [0, 7],
      [100, 7]
    ])
    assert.deepStrictEqual(fittedTable(Float64Array.of(3, 0, 0, 0), 0), [
      [0, 0],
      [75, 0],
      [75, 3],
      [100, 3]
    ])
  })
})

/** Runs whose pools the reference's planner scaled: every event of scaling, every tick, every figure of the report. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import * as Autoscaler from "../../src/autoscaler/Autoscaler.ts"
import { scalingLine } from "../../src/report/ReportTable.ts"
import { type RecordedReport, reportDifferences } from "../support/Comparison.ts"
import { isClose } from "../support/Assertions.ts"
import { runCommand } from "../support/CommandRun.ts"
import { goldenFolder, goldenNames, temporaryTrace } from "../support/GoldenRun.ts"

const folder = goldenFolder("planner")
const scripted = join(folder, "scripted")

type Pass = Readonly<Record<string, number>>

/** What the reference showed its hook at a tick. */
interface ScriptTick {
  readonly now_ms: number
  readonly active_prefill_count: number
  readonly active_decode_count: number
  readonly total_prefill_count: number
  readonly total_decode_count: number
  readonly n_prefill_fpm: number
  readonly n_decode_fpm: number
  readonly first_decode_fpm: ReadonlyArray<Pass>
  readonly traffic: Readonly<Record<string, number | null>>
}

/** Scaling by a script through the reference's library: targets of prefill and decode pool and the next tick, step by step. */
interface ScriptedRun {
  readonly trace: string
  readonly arguments: ReadonlyArray<string>
  readonly script: {
    readonly initial_tick_ms: number
    readonly steps: ReadonlyArray<readonly [number | null, number | null, number | null]>
  }
  readonly ticks: ReadonlyArray<ScriptTick>
  readonly report: RecordedReport
}

const gunzipped = (file: string): string => gunzipSync(readFileSync(file)).toString("utf8")

const load = (name: string): ScriptedRun => JSON.parse(gunzipped(join(scripted, `${name}.json.gz`)))

const traceText = (name: string): string => gunzipped(join(folder, "traces", `${name}.jsonl.gz`))

const poolOf = ({ pools }: Autoscaler.Observation, role: Autoscaler.PoolRole): Autoscaler.PoolObservation | undefined =>
  pools.find((pool) => pool.role === role)

const decodePool = (observation: Autoscaler.Observation) =>
  poolOf(observation, "aggregated") ?? poolOf(observation, "decode")

const shownPass = (pass: Autoscaler.PassObservation): Pass => ({
  worker_id: pass.workerIndex,
  num_prefill_requests: pass.prefillRequests,
  sum_prefill_tokens: pass.prefillTokens,
  num_decode_requests: pass.decodeRequests,
  sum_decode_kv_tokens: pass.decodeKvTokens,
  num_queued_prefill: pass.queuedPrefillRequests,
  sum_queued_prefill_tokens: pass.queuedPrefillTokens,
  num_queued_decode: pass.queuedDecodeRequests,
  sum_queued_decode_kv_tokens: pass.queuedDecodeKvTokens,
  wall_time: (pass.endMs - pass.startMs) / 1000
})

const shownTraffic = ({ traffic }: Autoscaler.Observation): Readonly<Record<string, number | null>> => ({
  duration_s: traffic.durationS,
  num_req: traffic.requests,
  avg_isl: traffic.meanPromptTokens,
  avg_osl: traffic.meanOutputTokens,
  avg_ttft_ms: traffic.meanTtftMs,
  avg_itl_ms: traffic.meanItlMs,
  avg_accept_length: traffic.meanAcceptLength ?? null,
  avg_kv_hit_rate: traffic.meanHitRate,
  hit_rate_count: traffic.routedRequests
})

const compared = (
  what: string,
  found: Readonly<Record<string, number | null>>,
  wanted: Readonly<Record<string, number | null>>
): Array<string> =>
  Object.keys(found)
    .filter((key) => !isClose(found[key] ?? Number.NaN, wanted[key] ?? Number.NaN))
    .map((key) => `${what} ${key}: expected ${wanted[key]}, got ${found[key]}`)

const tickDifferences = (observation: Autoscaler.Observation, tick: ScriptTick): Array<string> => {
  const [decode, prefill] = [decodePool(observation), poolOf(observation, "prefill")]
  const total = (pool: Autoscaler.PoolObservation | undefined): number =>
    pool === undefined ? 0 : pool.ready + pool.starting + pool.draining
  return [
    ...compared(
      `tick ${tick.now_ms}`,
      {
        now_ms: observation.nowMs,
        active_decode_count: decode?.ready ?? 0,
        active_prefill_count: prefill?.ready ?? 0,
        total_decode_count: total(decode),
        total_prefill_count: total(prefill),
        n_decode_fpm: decode?.passes.length ?? 0,
        n_prefill_fpm: prefill?.passes.length ?? 0
      },
      { ...tick, first_decode_fpm: null, traffic: null }
    ),
    ...tick.first_decode_fpm.flatMap((pass, index) =>
      compared(`tick ${tick.now_ms} pass ${index}`, shownPass(decode!.passes[index]!), pass)
    ),
    ...compared(`tick ${tick.now_ms} traffic`, shownTraffic(observation), tick.traffic)
  ]
}

const scriptOf = (
  { script }: ScriptedRun,
  pools: ReadonlyArray<Autoscaler.ScaledPool>,
  seen: Array<Autoscaler.Observation>
): Autoscaler.OwnDecider<never, never> => ({
  firstTickMs: script.initial_tick_ms,
  watchesPasses: true,
  decide: (observation) =>
    Effect.sync(() => {
      const [prefill, decode, next] = script.steps[seen.length] ?? [null, null, null]
      seen.push(observation)
      return {
        targets: {
          ...(prefill === null || pools.length === 1 ? {} : { prefill }),
          ...(decode === null ? {} : { [pools.at(-1)!.role]: decode })
        },
        nextTickMs: next ?? undefined
      }
    })
})

describe("scaling by a script", () => {
  for (const name of goldenNames(scripted)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const run = load(name)
        const seen: Array<Autoscaler.Observation> = []
        const trace = yield* temporaryTrace(traceText(run.trace))
        const outcome = yield* runCommand([trace], run.arguments).pipe(
          Effect.provide(Autoscaler.layer("script", (pools) => scriptOf(run, pools, seen)))
        )
        const found = [
          ...seen.flatMap((observation, index) => tickDifferences(observation, run.ticks[index]!)),
          ...reportDifferences(outcome.report, run.report)
        ]
        assert.strictEqual(seen.length, run.ticks.length)
        assert.strictEqual(found.length, 0, found.slice(0, 30).join("\n"))
      }).pipe(Effect.scoped)
    )
  }
})

/** A run of the reference's command with its planner. */
interface PlannerRun {
  readonly trace: string | null
  readonly arguments: ReadonlyArray<string>
  readonly error: string | null
  readonly scalingEvents: ReadonlyArray<string>
  readonly ticks: ReadonlyArray<unknown>
  readonly report: RecordedReport | null
}

const loadPlanner = (name: string): PlannerRun => JSON.parse(gunzipped(join(folder, `${name}.json.gz`)))

const rerun = (run: PlannerRun) =>
  Effect.gen(function* () {
    const traces = run.trace === null ? [] : [yield* temporaryTrace(traceText(run.trace))]
    return yield* runCommand(traces, run.arguments)
  })

describe("the reference's planner", () => {
  for (const name of goldenNames(folder)) {
    const run = loadPlanner(name)
    if (run.error !== null || run.report === null) {
      it.effect(`${name} never ends there and is refused here`, () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(rerun(run))
          assert.match(String(error), /max_gpu_budget: 1 cannot hold both pools/)
        }).pipe(Effect.scoped)
      )
      continue
    }
    const { report } = run
    it.effect(name, () =>
      Effect.gen(function* () {
        const outcome = yield* rerun(run)
        assert.deepStrictEqual(outcome.report.dynosim.scaling?.scaling_events.map(scalingLine), run.scalingEvents)
        assert.strictEqual(outcome.report.dynosim.scaling?.ticks, run.ticks.length)
        const found = reportDifferences(outcome.report, report)
        assert.strictEqual(found.length, 0, found.slice(0, 20).join("\n"))
      }).pipe(Effect.scoped)
    )
  }
})

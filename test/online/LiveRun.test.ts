/** What only the live clock shows: interruption, back-pressure, failures, measured times. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { LagMeter } from "../../src/online/LagMeter.ts"
import * as OnlineReplay from "../../src/online/OnlineReplay.ts"
import { Pace } from "../../src/online/Pace.ts"
import { sink } from "../../src/report/ReportSink.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import type { SimulationView } from "../../src/simulation/SimulationView.ts"
import * as ScriptedRouter from "../../src/router/ScriptedRouter.ts"
import { TraceError } from "../../src/trace/TraceError.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { layer as plainWorkload } from "../support/PlainWorkload.ts"
import { row } from "../support/RequestBuilder.ts"
import { countedPace } from "./CountedPace.ts"
import { aggregated, engineOf, online, type Setup } from "./OnlineRuns.ts"

/** `count` rows, one every `everyMs`. */
const rowsEvery = (count: number, everyMs: number, outputTokens: number): ReadonlyArray<TraceRow> =>
  Array.from({ length: count }, (_, index) =>
    row({ timestampMs: index * everyMs, promptTokens: 200, outputTokens, hashIds: [index] }, index + 1)
  )

const plain = (rows: ReadonlyArray<TraceRow>, concurrency?: number) =>
  plainWorkload({ rows, traceBlockTokens: 512, concurrency })

const setup = (workload: Setup["workload"], changes: Partial<Setup> = {}): Setup => ({
  engine: engineOf(engineArgs()),
  router: RoundRobin.layer,
  workers: 2,
  workload,
  ...changes
})

const liveOf = (workers: number, engine = engineOf(engineArgs())) =>
  aggregated({ engine, router: RoundRobin.layer, workers }).live

const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const startedMs = performance.now()
    return Effect.map(effect, (value) => ({ value, tookMs: performance.now() - startedMs }))
  })

describe("a run on the live clock", () => {
  it.live("takes the time it simulates and measures it", () =>
    Effect.gen(function* () {
      const lag = new LagMeter()
      const views: Array<SimulationView["Service"]> = []
      const monitor = (view: SimulationView["Service"]) => void views.push(view)
      const { tookMs, value } = yield* timed(online(setup(plain(rowsEvery(6, 30, 5))), { lag, monitor }))
      assert.deepStrictEqual(
        views.map((view) => [
          view.arrivedRequests(),
          view.finishedRequests(),
          view.parkedRequests(),
          view.workers().length
        ]),
        [[6, 6, 0, 2]]
      )
      assert.strictEqual(value.summary.ended, "drained")
      assert.strictEqual(value.records.length, 6)
      for (const record of value.records) {
        assert.strictEqual(record.emittedTokens, 5)
        // 200 tokens of prefill take 19.5 ms, a decode step at least 5.7 ms; nothing happens before its time.
        assert.isAtLeast(record.firstTokenMs - record.arrivalMs, 19.5 + 5.7)
        assert.isAtLeast(record.lastTokenMs - record.arrivalMs, 19.5 + 5 * 5.7)
      }
      assert.isAtLeast(tookMs, 150)
      assert.strictEqual(
        value.gaps.reduce((sum, { counts }) => sum + counts.reduce((a, b) => a + b, 0), 0),
        24
      )
      assert.isAbove(lag.passes, 0)
      assert.isAtLeast(lag.maxMs, lag.meanMs)
    }).pipe(Effect.provide(Pace.layerLive))
  )

  it.live("stops when asked, reports what was cut off, and leaves nobody asleep", () => {
    const pace = countedPace()
    const endless = Stream.map(Stream.range(0, 1e9), (index) =>
      row({ timestampMs: index * 10, promptTokens: 200, outputTokens: 1000, hashIds: [index] }, index + 1)
    )
    const workload = Workload.layerRows({ rows: endless, name: "endless", traceBlockTokens: 512 })
    let arrived = (): number => 0
    const monitor = (view: SimulationView["Service"]) => void (arrived = () => view.arrivedRequests())
    // A request takes seconds; two workers that slept this often have run passes.
    const stopWhen = Effect.sleep(10).pipe(Effect.repeat({ until: () => arrived() > 8 && pace.sleeps > 60 }))
    return Effect.gen(function* () {
      const value = yield* online(setup(workload), { monitor, stopWhen })
      assert.strictEqual(value.summary.ended, "interrupted")
      assert.strictEqual(value.records.length, value.summary.arrivedRequests)
      assert.isAbove(value.records.length, 5)
      assert.isTrue(value.records.every(({ status }) => status === "in_flight"))
      assert.isTrue(value.records.some(({ emittedTokens }) => emittedTokens > 0))
      for (const record of value.records) {
        assert.strictEqual(Number.isNaN(record.firstTokenMs), record.emittedTokens === 0)
        if (record.emittedTokens > 0) assert.isAtMost(record.lastTokenMs, value.summary.endMs)
      }
      assert.isAbove(pace.sleeps, 0)
      assert.strictEqual(pace.asleep, 0)
    }).pipe(Effect.provide(pace.layer))
  })

  it.live("makes a truncated report of a run that its time limit ends", () => {
    const maxTimeMs = 1e9
    let finished = (): number => 0
    const monitor = (view: SimulationView["Service"]) => void (finished = () => view.finishedRequests())
    /** A clock on which the limit comes once a request has ended, however long that takes. */
    const pace = Layer.effect(
      Pace,
      Effect.map(Pace, ({ start }) =>
        Pace.of({
          start: Effect.map(start, ({ nowMs, sleepUntil }) => ({
            nowMs,
            sleepUntil: (timeMs, turn) =>
              timeMs === maxTimeMs
                ? Effect.asVoid(Effect.sleep(5).pipe(Effect.repeat({ until: () => finished() > 0 })))
                : sleepUntil(timeMs, turn)
          }))
        })
      )
    ).pipe(Layer.provide(Pace.layerLive))
    return Effect.gen(function* () {
      const report = yield* Stream.run(OnlineReplay.run({ maxTimeMs, monitor }), sink()).pipe(
        Effect.provide([liveOf(2), plain(rowsEvery(1000, 100, 3))])
      )
      assert.strictEqual(report.dynosim.ended, "max-sim-time")
      assert.isTrue(report.dynosim.truncated)
      assert.isBelow(report.num_requests, 1000)
      assert.isAbove(report.completed_requests, 0)
      assert.strictEqual(report.decode_worker_seconds, 0)
      assert.strictEqual(report.gpu_hours, 0)
    }).pipe(Effect.provide(pace))
  })

  it.live("ends with its consumer", () => {
    const pace = countedPace()
    return Effect.gen(function* () {
      const run = OnlineReplay.run().pipe(Stream.provide(Layer.merge(liveOf(2), plain(rowsEvery(50, 5, 4)))))
      const fiber = yield* Effect.forkChild(Stream.runDrain(run))
      yield* Effect.sleep(5).pipe(Effect.repeat({ until: () => pace.sleeps > 0 }))
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(pace.asleep, 0)
      const first = yield* Stream.runCollect(Stream.take(run, 1))
      assert.strictEqual(first.length, 1)
      assert.strictEqual(pace.asleep, 0)
    }).pipe(Effect.provide(pace.layer))
  })

  const paces = [
    ["passes", 1000],
    ["passes without duration", 1e12]
  ] as const
  it.live.each(paces)("lets %s wait for a consumer that is behind", ([, speedupRatio]) => {
    const lag = new LagMeter()
    const engine = engineOf(engineArgs({ speedupRatio }))
    return Effect.gen(function* () {
      const hold = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        Stream.runForEachArray(OnlineReplay.run({ lag }), () => Deferred.await(hold)).pipe(
          Effect.provide([liveOf(1, engine), plain(rowsEvery(500, 0, 1), 1)])
        )
      )
      let passes = -1
      for (let look = 0; look < 50 && (passes === 0 || passes !== lag.passes); look++) {
        passes = lag.passes
        yield* Effect.sleep(200)
      }
      assert.strictEqual(lag.passes, passes)
      assert.isAbove(passes, 0)
      assert.isBelow(passes, 100)
      yield* Deferred.succeed(hold, undefined)
      yield* Fiber.join(fiber)
      assert.strictEqual(lag.passes, 500)
    }).pipe(Effect.provide(Pace.layerLive))
  })
})

describe("a run on the live clock that fails", () => {
  const failing = (workload: Setup["workload"], changes: Partial<Setup> = {}) => {
    const pace = countedPace()
    return online(setup(workload, changes)).pipe(
      Effect.provide(pace.layer),
      Effect.flip,
      Effect.tap(() => Effect.sync(() => assert.strictEqual(pace.asleep, 0)))
    )
  }

  it.live("fails with the trace's error", () =>
    Effect.gen(function* () {
      const broken = new TraceError({ file: "x.jsonl", problem: "line 4 is broken" })
      const rows = Stream.concat(Stream.fromIterable(rowsEvery(3, 10, 2)), Stream.fail(broken))
      const error = yield* failing(Workload.layerRows({ rows, name: "x.jsonl", traceBlockTokens: 512 }))
      assert.strictEqual(error, broken)
    })
  )

  it.live("fails when no worker can ever go on", () =>
    Effect.gen(function* () {
      const engine = engineOf(engineArgs({ enableChunkedPrefill: false, maxNumBatchedTokens: 100 }))
      const small = row({ timestampMs: 1, promptTokens: 50, outputTokens: 20, hashIds: [9] }, 4)
      const error = yield* failing(plain([...rowsEvery(1, 1, 2), small]), { engine })
      assert.match(
        error.message,
        /online replay reached a dead end with 1 in-flight requests remaining .* request 0 \(200 prompt \+ 2 output/
      )
    })
  )

  it.live("fails when the router has to end the run", () =>
    Effect.gen(function* () {
      const error = yield* failing(plain(rowsEvery(3, 10, 2)), { router: ScriptedRouter.layer([0, 1]) })
      assert.match(error.message, /no entry for request 2/)
    })
  )
})

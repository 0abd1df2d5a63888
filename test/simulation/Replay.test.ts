import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import type { ReplayEvent } from "../../src/report/ReplayEvent.ts"
import type { BlockIdentity } from "../../src/request/BlockIdentity.ts"
import type { SimRequest } from "../../src/request/SimRequest.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { Router } from "../../src/router/Router.ts"
import { stubborn } from "../support/WrongRouters.ts"
import * as ScriptedRouter from "../../src/router/ScriptedRouter.ts"
import * as Replay from "../../src/simulation/Replay.ts"
import type { ReplayError } from "../../src/simulation/ReplayError.ts"
import { SimulationView } from "../../src/simulation/SimulationView.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import { VirtualClock } from "../../src/simulation/VirtualClock.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { Timing } from "../../src/timing/Timing.ts"
import { TraceError } from "../../src/trace/TraceError.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, multiTopology, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

const traceBlockTokens = 64

/** `count` rows of their own content, `everyMs` apart. */
const rowsEvery = (everyMs: number, count: number, changes: Partial<TraceRow> = {}): ReadonlyArray<TraceRow> =>
  Array.from({ length: count }, (_, index) => ({
    ...row({ timestampMs: index * everyMs, promptTokens: 640, outputTokens: 20, hashIds: ids(index) }, index + 1),
    ...changes
  }))

const ids = (index: number): ReadonlyArray<number> => Array.from({ length: 10 }, (_, block) => index * 100 + block)

const plain = (rows: ReadonlyArray<TraceRow>, changes: Partial<PlainWorkload.PlainWorkloadOptions> = {}) =>
  PlainWorkload.layer({ rows, traceBlockTokens, ...changes })

/** The layers of one run with a clock of its own. */
const layers = (workload: Layer.Layer<Workload>, workers = 1, args: Partial<EngineArgs> = {}) =>
  Layer.mergeAll(topology(engineArgs(args), workers), workload, VirtualClock.layer)

/** A workload that never ends: a request every 100 ms. */
const endless = Layer.effect(Workload)(
  Effect.map(Workload, (workload) =>
    Workload.of({
      ...workload,
      rows: Stream.rechunk(
        Stream.map(
          Stream.iterate(0, (index) => index + 1),
          (index) => row({ timestampMs: index * 100, promptTokens: 640, outputTokens: 20, hashIds: ids(index % 50) })
        ),
        16
      )
    })
  )
).pipe(Layer.provide(plain([])))

const isSummary = (event: ReplayEvent): boolean => event._tag === "Summary"

const failureOf = <A, R>(
  effect: Effect.Effect<A, ReplayError | TraceError, R>
): Effect.Effect<ReplayError | TraceError, never, R> =>
  Effect.flip(effect).pipe(Effect.catch(() => Effect.die(new Error("the run was expected to fail"))))

/** A policy that never ends by itself and tells of its interruption. */
const lasting = () => {
  const seen = { interrupted: 0, started: 0 }
  const policy = Effect.suspend(() => {
    seen.started += 1
    return Effect.forever(Effect.sleep("1 second"))
  }).pipe(Effect.onInterrupt(() => Effect.sync(() => void (seen.interrupted += 1))))
  return { policy, seen }
}

describe("a run", () => {
  for (const workers of [1, 3]) {
    it.effect(`emits every request and ends with its summary, ${workers} workers`, () =>
      Effect.gen(function* () {
        const events = yield* Stream.runCollect(Replay.run({ check: true })).pipe(
          Effect.provide(layers(plain(rowsEvery(7, 300)), workers), { local: true })
        )
        assert.lengthOf(events.filter(isSummary), 1)
        const summary = events.at(-1)!
        assert(summary._tag === "Summary")
        assert.deepStrictEqual([summary.arrivedRequests, summary.ended], [300, "drained"])
        const records = events.filter((event) => event._tag === "Request")
        assert.deepStrictEqual(
          records.map(({ id }) => id).toSorted((a, b) => a - b),
          rowsEvery(7, 300).map((_, id) => id)
        )
        assert.isTrue(records.every(({ emittedTokens, status }) => status === "completed" && emittedTokens === 20))
        // In the order in which they end.
        assert.deepStrictEqual(
          records,
          records.toSorted((a, b) => a.lastTokenMs - b.lastTokenMs)
        )
        assert.isAtLeast(summary.endMs, Math.max(...records.map(({ lastTokenMs }) => lastTokenMs)))
        // One gap for every token but the first of each request.
        let gaps = 0
        for (const event of events) if (event._tag === "TokenGaps") for (const count of event.counts) gaps += count
        assert.strictEqual(gaps, 300 * 19)
      })
    )

    it.effect(`does not depend on how its rows come in chunks, ${workers} workers`, () =>
      Effect.gen(function* () {
        const runs = yield* Effect.forEach([1, 7, 300], (chunkRows) =>
          replay(topology(engineArgs(), workers), plain(rowsEvery(7, 300), { chunkRows }), { check: true })
        )
        for (const { gaps, records } of runs) {
          assert.deepStrictEqual(records, runs[0]!.records)
          assert.deepStrictEqual(gaps, runs[0]!.gaps)
        }
      })
    )

    it.effect(`recycles the identities of what no engine caches any more, ${workers} workers`, () =>
      Effect.gen(function* () {
        let identity: BlockIdentity | undefined = undefined
        const workload = plain(rowsEvery(7, 300), {
          recyclesAlways: true,
          onIdentity: (made) => void (identity = made)
        })
        yield* replay(topology(engineArgs({ numGpuBlocks: 100 }), workers), workload, { check: true })
        // 3,000 blocks went by; a new one gets the identity of one that is gone.
        const [fresh] = identity!.blocksOfHashIds([123_456_789], 64)
        assert.isBelow(fresh!, 1_000)
      })
    )

    it.effect(`of nothing is over at once, ${workers} workers`, () =>
      Effect.gen(function* () {
        const { records, summary } = yield* replay(topology(engineArgs(), workers), plain([]), { check: true })
        assert.deepStrictEqual(
          [records.length, summary.arrivedRequests, summary.endMs, summary.ended],
          [0, 0, 0, "drained"]
        )
      })
    )

    it.effect(`keeps to its closed loop, ${workers} workers`, () =>
      Effect.gen(function* () {
        const { records } = yield* replay(
          topology(engineArgs(), workers),
          plain(rowsEvery(0, 40), { concurrency: 5 }),
          {
            check: true
          }
        )
        for (const { arrivalMs } of records) {
          const active = records.filter((other) => other.arrivalMs <= arrivalMs && other.lastTokenMs > arrivalMs)
          assert.isAtMost(active.length, 5)
        }
        assert.strictEqual(records.filter(({ arrivalMs }) => arrivalMs === 0).length, 5)
      })
    )

    it.effect(`accounts for every request that a time limit cuts off, ${workers} workers`, () =>
      Effect.gen(function* () {
        const rows = rowsEvery(7, 300)
        for (const maxSimTimeMs of [0, 500, 1_000.5]) {
          const { records, summary } = yield* replay(topology(engineArgs(), workers), plain(rows), {
            check: true,
            maxSimTimeMs
          })
          assert.strictEqual(summary.ended, "max-sim-time")
          assert.strictEqual(records.length, summary.arrivedRequests)
          assert.strictEqual(new Set(records.map(({ id }) => id)).size, records.length)
          assert.isBelow(summary.arrivedRequests, 300)
          const cut = records.filter(({ status }) => status === "in_flight")
          assert.isNotEmpty(cut)
          assert.isTrue(
            cut.every(({ emittedTokens, firstTokenMs }) => emittedTokens > 0 === !Number.isNaN(firstTokenMs))
          )
        }
      })
    )
  }

  it.effect("starts nobody beyond its time limit in a closed loop", () =>
    Effect.gen(function* () {
      // The first request ends far beyond the limit; its place is not filled again.
      const { records, summary } = yield* replay(
        topology(engineArgs()),
        plain(rowsEvery(0, 5, { outputTokens: 1 }), { concurrency: 1 }),
        {
          check: true,
          maxSimTimeMs: 0
        }
      )
      assert.deepStrictEqual([records.length, summary.arrivedRequests], [1, 1])
    })
  )

  it.effect("charges several workers for the time they are there", () =>
    Effect.gen(function* () {
      const { summary } = yield* replay(topology(engineArgs({ gpusPerWorker: 4 }), 3), plain(rowsEvery(7, 30)))
      assert.approximately(summary.workerSeconds!.decode, (3 * summary.endMs) / 1_000, 1e-9)
      assert.strictEqual(summary.workerSeconds!.prefill, 0)
      assert.deepStrictEqual(summary.gpusPerWorker, { prefill: 0, decode: 4 })
      const single = yield* replay(topology(engineArgs()), plain(rowsEvery(7, 30)))
      assert.isUndefined(single.summary.workerSeconds)
    })
  )

  it.effect("emits in chunks, so that a long run holds little", () =>
    Effect.gen(function* () {
      let largest = 0
      let chunks = 0
      let gapBatches = 0
      yield* Replay.run().pipe(
        Stream.runForEachArray((events) =>
          Effect.sync(() => {
            chunks += 1
            gapBatches += events.filter(({ _tag }) => _tag === "TokenGaps").length
            largest = Math.max(largest, events.length)
          })
        ),
        Effect.provide(layers(plain(rowsEvery(50, 5_000), { chunkRows: 100 })), { local: true })
      )
      assert.isAtLeast(chunks, 10)
      assert.isBelow(largest, 520)
      // Equal gaps are counted together for longer.
      assert.isAtMost(gapBatches, 5)
    })
  )
})

/** A router that never lets anybody through. */
const closedRouter = Layer.succeed(Router, {
  name: "closed",
  make: () => {
    const parked: Array<SimRequest> = []
    return {
      route: (request: SimRequest) => {
        parked.push(request)
        return -1
      },
      prefillDone: () => undefined,
      freed: () => undefined,
      takeReleased: () => undefined,
      get parked() {
        return parked.length
      },
      parkedRequests: () => parked,
      kvEvents: () => undefined,
      markBlocks: () => undefined
    }
  }
})

describe("requests that a router holds back", () => {
  const blocked = Topology.layerMulti({ workers: 2 }).pipe(
    Layer.provide(Layer.merge(VllmEngine.layer(engineArgs()).pipe(Layer.provide(PolynomialTiming.layer)), closedRouter))
  )

  it.effect("are cut off by a time limit like all others", () =>
    Effect.gen(function* () {
      const { records, summary } = yield* replay(blocked, plain(rowsEvery(10, 9)), { check: true, maxSimTimeMs: 40 })
      // What happens at the limit still happens.
      assert.deepStrictEqual([summary.arrivedRequests, summary.ended], [5, "max-sim-time"])
      assert.deepStrictEqual(
        records.map(({ id, status }) => [id, status]),
        [0, 1, 2, 3, 4].map((id) => [id, "in_flight"])
      )
    })
  )

  it.effect("are named when nothing can happen any more", () =>
    Effect.gen(function* () {
      const error = yield* failureOf(replay(blocked, plain(rowsEvery(10, 9)), { check: true }))
      assert.match(error.message, /9 in-flight requests remaining.*request 0.*and 6 more/)
    })
  )
})

describe("a disaggregated run", () => {
  it.effect("counts a request as completed although its source still holds its KV at the end", () =>
    Effect.gen(function* () {
      // 640 tokens take 10 ms to transfer. Meanwhile the prefill worker starts on a long prompt, and cannot release before its end.
      const args = engineArgs({ kvBytesPerToken: 1_000_000, kvTransferBandwidthGbS: 64 })
      const rows = [
        row({ timestampMs: 0, promptTokens: 640, outputTokens: 1, hashIds: ids(0) }),
        row({
          timestampMs: 1,
          promptTokens: 6_400,
          outputTokens: 1,
          hashIds: Array.from({ length: 100 }, (_, id) => id + 1_000)
        })
      ]
      const pools = disaggregatedTopology(args, { prefillWorkers: 1, decodeWorkers: 1 })
      const { records } = yield* replay(pools, plain(rows), { check: true, maxSimTimeMs: 100 })
      assert.deepStrictEqual(
        records.map(({ handoff, id, status }) => [id, status, handoff!.sourceReleasedMs]),
        [
          [0, "completed", Number.NaN],
          [1, "in_flight", Number.NaN]
        ]
      )
      const whole = yield* replay(pools, plain(rows), { check: true })
      assert.isAbove(whole.records[0]!.handoff!.sourceReleasedMs, 100)
    })
  )
})

describe("stopWhen", () => {
  for (const workers of [1, 2]) {
    it.live(`ends an endless run with a truncated summary, ${workers} workers`, () =>
      Effect.gen(function* () {
        const stop = yield* Deferred.make<void>()
        const at = Effect.andThen(Effect.sleep("3 seconds"), Deferred.succeed(stop, undefined))
        const { records, summary } = yield* replay(topology(engineArgs(), workers), endless, {
          check: true,
          stopWhen: Deferred.await(stop),
          policies: [at]
        })
        assert.strictEqual(summary.ended, "interrupted")
        assert.isAtLeast(summary.endMs, 3_000)
        assert.strictEqual(records.length, summary.arrivedRequests)
      })
    )
  }

  it.live("ends a run that has not begun", () =>
    Effect.gen(function* () {
      const { summary } = yield* replay(topology(engineArgs()), endless, { stopWhen: Effect.void })
      assert.strictEqual(summary.ended, "interrupted")
    })
  )
})

describe("policies", () => {
  it.effect("live in simulated time and see the simulation", () =>
    Effect.gen(function* () {
      const samples: Array<{
        readonly ms: number
        readonly clockMs: number
        readonly arrived: number
        readonly active: number
      }> = []
      const sampler = Effect.gen(function* () {
        const view = yield* SimulationView
        for (;;) {
          const clockMs = yield* Clock.currentTimeMillis
          const active = view.workers().reduce((sum, { activeBlocks }) => sum + activeBlocks, 0)
          samples.push({ ms: view.nowMs(), clockMs, arrived: view.arrivedRequests(), active })
          yield* Effect.sleep("1 second")
        }
      })
      const { records, summary } = yield* replay(topology(engineArgs(), 2), plain(rowsEvery(10, 500)), {
        check: true,
        policies: [sampler]
      })
      const seconds = Math.floor(summary.endMs / 1_000)
      assert.isAtLeast(seconds, 5)
      assert.deepStrictEqual(
        samples.map(({ ms }) => ms),
        Array.from({ length: seconds + 1 }, (_, index) => index * 1_000)
      )
      assert.deepStrictEqual(
        samples.map(({ clockMs }) => clockMs),
        samples.map(({ ms }) => ms)
      )
      for (const { arrived, ms } of samples.slice(1)) {
        // Those of the very instant arrive before the policy looks, or after: both are that instant.
        assert.approximately(arrived, records.filter(({ arrivalMs }) => arrivalMs <= ms).length, 1)
      }
      assert.isAbove(samples[2]!.active, 0)
    })
  )

  it.effect("see the same in every run", () =>
    Effect.gen(function* () {
      const sampled = Effect.gen(function* () {
        const seen: Array<string> = []
        const policy = Effect.gen(function* () {
          const view = yield* SimulationView
          for (;;) {
            yield* Effect.sleep("333 millis")
            seen.push(JSON.stringify([view.nowMs(), view.finishedRequests(), view.parkedRequests(), view.workers()]))
          }
        })
        yield* replay(topology(engineArgs(), 3), plain(rowsEvery(11, 200)), { policies: [policy, policy] })
        return seen
      })
      assert.deepStrictEqual(yield* sampled, yield* sampled)
    })
  )

  /** 1 ms per prompt token and 10 ms per decode step: all times are whole milliseconds. */
  const roundTiming = Layer.succeed(Timing, {
    source: "test",
    make: () => ({ prefillMs: (batch, isl, prefix) => batch * (isl - prefix), decodeMs: () => 10 })
  })

  for (const workers of [1, 2]) {
    it.effect(`see everything of their instant, the last one too, ${workers} workers`, () =>
      Effect.gen(function* () {
        const engine = VllmEngine.layer(engineArgs()).pipe(Layer.provide(roundTiming))
        const round =
          workers === 1
            ? Topology.layerSingle.pipe(Layer.provide(engine))
            : Topology.layerMulti({ workers }).pipe(Layer.provide(Layer.merge(engine, RoundRobin.layer)))
        const seen: Array<readonly [number, number, number]> = []
        const at = (ms: number) =>
          Effect.gen(function* () {
            yield* Effect.sleep(ms)
            const view = yield* SimulationView
            seen.push([view.nowMs(), view.arrivedRequests(), view.finishedRequests()])
          })
        // Of 640 prompt tokens and one output token each, the second arrives when the first is done.
        const rows = [0, 650].map((timestampMs) =>
          row({ timestampMs, promptTokens: 640, outputTokens: 1, hashIds: ids(timestampMs) })
        )
        const { summary } = yield* replay(round, plain(rows), { policies: [at(649), at(650), at(1_300), at(1_301)] })
        assert.strictEqual(summary.endMs, 1_300)
        assert.deepStrictEqual(seen, [
          [649, 1, 0],
          [650, 2, 1],
          [1_300, 2, 2]
        ])
      })
    )
  }

  it.effect("only observe", () =>
    Effect.gen(function* () {
      const restless = Effect.forever(Effect.andThen(SimulationView, Effect.sleep("17 millis")))
      const rows = plain(rowsEvery(11, 200))
      const watched = yield* replay(topology(engineArgs(), 3), rows, { policies: [restless, restless] })
      const alone = yield* replay(topology(engineArgs(), 3), rows)
      assert.deepStrictEqual(watched.records, alone.records)
      assert.deepStrictEqual(watched.gaps, alone.gaps)
    })
  )

  it.effect("may end before the run", () =>
    Effect.gen(function* () {
      const { summary } = yield* replay(topology(engineArgs()), plain(rowsEvery(10, 20)), {
        policies: [Effect.sleep("5 millis")]
      })
      assert.strictEqual(summary.ended, "drained")
    })
  )

  it.effect("are interrupted when the run is drained", () =>
    Effect.gen(function* () {
      const { policy, seen } = lasting()
      yield* replay(topology(engineArgs()), plain(rowsEvery(10, 20)), { policies: [policy, policy] })
      assert.deepStrictEqual(seen, { started: 2, interrupted: 2 })
    })
  )

  it.effect("are interrupted when the run fails", () =>
    Effect.gen(function* () {
      const { policy, seen } = lasting()
      const args = engineArgs({ enableChunkedPrefill: false, maxNumBatchedTokens: 100 })
      yield* failureOf(replay(topology(args), plain(rowsEvery(10, 1)), { policies: [policy] }))
      assert.deepStrictEqual(seen, { started: 1, interrupted: 1 })
    })
  )

  it.effect("are interrupted when nobody wants more of the run", () =>
    Effect.gen(function* () {
      const { policy, seen } = lasting()
      const first = yield* Replay.run({ policies: [policy] }).pipe(
        Stream.take(1),
        Stream.runCollect,
        Effect.provide(layers(endless), { local: true })
      )
      assert.lengthOf(first, 1)
      assert.deepStrictEqual(seen, { started: 1, interrupted: 1 })
    })
  )

  class Overloaded extends Schema.TaggedError<Overloaded>()("Overloaded", { atMs: Schema.Number }) {}

  for (const workers of [1, 3]) {
    it.effect(`fail the run with their typed error, at that instant, ${workers} workers`, () =>
      Effect.gen(function* () {
        let lastMs = -1
        const { policy: other, seen } = lasting()
        const fails = Effect.gen(function* () {
          yield* Effect.sleep("1 second")
          return yield* new Overloaded({ atMs: yield* Clock.currentTimeMillis })
        })
        const error = yield* Replay.run({
          policies: [fails, other],
          probes: [{ time: (nowMs) => void (lastMs = nowMs) }]
        }).pipe(Stream.runDrain, Effect.provide(layers(endless, workers), { local: true }), Effect.flip)
        assert.instanceOf(error, Overloaded)
        assert.strictEqual(error.atMs, 1_000)
        // Nothing is simulated beyond the step in which it failed.
        assert.isAtMost(lastMs, 1_200)
        assert.deepStrictEqual(seen, { started: 1, interrupted: 1 })
      })
    )
  }

  it.effect("fail the run before its first pass when they fail at once, and when they die", () =>
    Effect.gen(function* () {
      let passes = 0
      const probes = [{ pass: () => void (passes += 1) }]
      const run = <E>(policy: Effect.Effect<unknown, E>) =>
        Stream.runDrain(Replay.run({ policies: [policy], probes })).pipe(
          Effect.provide(layers(plain(rowsEvery(10, 20))), { local: true }),
          Effect.exit
        )
      assert.deepStrictEqual(yield* run(Effect.fail("no")), Exit.fail("no"))
      const died = yield* run(Effect.die(new Error("broken")))
      assert.isTrue(Exit.isFailure(died) && Cause.hasDies(died.cause))
      assert.strictEqual(passes, 0)
      assert.isTrue(Exit.isSuccess(yield* run(Effect.interrupt)))
    })
  )

  it.effect("run in the context of whoever runs the stream", () =>
    Effect.gen(function* () {
      const Tenant = Context.Reference<string>("test/Tenant", { defaultValue: () => "nobody" })
      class Budget extends Context.Service<Budget, { readonly requests: number }>()("test/Budget") {}
      const logged: Array<unknown> = []
      const logger = Logger.make(({ message }) => void logged.push(message))
      const policy = Effect.gen(function* () {
        yield* Effect.sleep("50 millis")
        yield* Effect.log(`${yield* Tenant} has ${(yield* Budget).requests} at ${yield* Clock.currentTimeMillis}`)
      })
      yield* Replay.run({ policies: [policy] }).pipe(
        Stream.runDrain,
        Effect.provide(layers(plain(rowsEvery(10, 20))), { local: true }),
        Effect.provideService(Tenant, "somebody"),
        Effect.provideService(Budget, { requests: 7 }),
        Effect.provide(Logger.layer([logger]))
      )
      assert.deepStrictEqual(logged, [["somebody has 7 at 50"]])
    })
  )

  it.live("are interrupted with the run", () =>
    Effect.gen(function* () {
      const { policy, seen } = lasting()
      const fiber = yield* Effect.forkChild(replay(topology(engineArgs()), endless, { policies: [policy] }))
      yield* Effect.sleep("30 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(seen, { started: 1, interrupted: 1 })
    })
  )
})

describe("the clock of a run", () => {
  it.effect("cannot be shared by two runs at a time", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.gen(function* () {
        const first = yield* Effect.forkChild(Stream.runDrain(Replay.run()), { startImmediately: true })
        const error = yield* failureOf(Stream.runDrain(Replay.run()))
        yield* Fiber.interrupt(first)
        return error
      }).pipe(Effect.provide(layers(endless), { local: true }))
      assert(refused._tag === "ReplayError")
      assert.strictEqual(refused.reason, "clock-in-use")
      assert.match(refused.message, /local: true/)
    })
  )

  it.effect("is no other run's, even after the first has failed", () =>
    Effect.gen(function* () {
      yield* Effect.gen(function* () {
        const first = yield* Effect.flip(Stream.runDrain(Replay.run()))
        const second = yield* Effect.flip(Stream.runDrain(Replay.run()))
        assert.deepStrictEqual(
          [first, second].map((error) => (error._tag === "ReplayError" ? error.reason : error._tag)),
          ["dead-end", "clock-in-use"]
        )
      }).pipe(
        Effect.provide(layers(plain(rowsEvery(10, 1)), 1, { enableChunkedPrefill: false, maxNumBatchedTokens: 100 }), {
          local: true
        })
      )
    })
  )

  it.effect("wakes everything that sleeps under its layer", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const nap = (ms: number) =>
        Effect.andThen(
          Effect.sleep(ms),
          Effect.map(Clock.currentTimeMillis, (now) => seen.push(now))
        )
      yield* Effect.gen(function* () {
        for (const ms of [3_000.5, 1_000, 1e9]) yield* Effect.forkChild(nap(ms), { startImmediately: true })
        yield* Stream.runDrain(Replay.run())
      }).pipe(Effect.provide(layers(plain(rowsEvery(100, 50))), { local: true }))
      assert.deepStrictEqual(seen, [1_000, 3_000.5])
    })
  )

  it.live("lets a timeout count simulated time", () =>
    Effect.gen(function* () {
      const timed = yield* Stream.runDrain(Replay.run()).pipe(
        Effect.timeout("10 seconds"),
        Effect.exit,
        Effect.provide(layers(endless), { local: true })
      )
      assert(Exit.isFailure(timed))
      assert.strictEqual(Cause.squash(timed.cause) instanceof Cause.TimeoutError, true)
      const enough = yield* Stream.runDrain(Replay.run()).pipe(
        Effect.timeout("1 hour"),
        Effect.provide(layers(plain(rowsEvery(100, 50))), { local: true })
      )
      assert.isUndefined(enough)
    })
  )
})

describe("a run that cannot go on", () => {
  for (const answer of [2, 0.5, -2, Number.NaN]) {
    it.effect(`says so when a router sends requests to worker ${answer}`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf(replay(multiTopology(engineArgs(), 2, stubborn(answer)), plain(rowsEvery(0, 5))))
        assert(error._tag === "ReplayError")
        assert.strictEqual(error.reason, "router")
        assert.strictEqual(
          error.message.split(" (")[0],
          `the stubborn router sent request 0 to worker ${answer} of the aggregated pool, where there are 0, 1`
        )
      })
    )
  }

  it.effect("says so when a router parks requests and forgets them", () =>
    Effect.gen(function* () {
      const error = yield* failureOf(replay(multiTopology(engineArgs(), 2, stubborn(-1)), plain(rowsEvery(0, 5))))
      assert(error._tag === "ReplayError")
      assert.match(error.message, /dead end with 5 in-flight .*: no worker has them, and the router keeps them; /)
    })
  )

  for (const workers of [1, 2]) {
    it.effect(`names the requests that can never be scheduled, ${workers} workers`, () =>
      Effect.gen(function* () {
        const args = engineArgs({ enableChunkedPrefill: false, maxNumBatchedTokens: 600 })
        const error = yield* failureOf(replay(topology(args, workers), plain(rowsEvery(0, 5)), { check: true }))
        assert(error._tag === "ReplayError")
        assert.strictEqual(error.reason, "dead-end")
        assert.match(error.message, /dead end with 5 in-flight requests remaining at 0 ms/)
        assert.match(error.message, /request 0 \(640 prompt \+ 20 output tokens\)/)
        assert.match(error.message, /and 2 more/)
        assert.match(error.message, /max_num_batched_tokens/)
      })
    )

    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 1e300]) {
      it.effect(`says so when a timing model answers ${ms}, ${workers} workers`, () =>
        Effect.gen(function* () {
          for (const part of ["prefill", "decode"] as const) {
            const timing = Layer.succeed(Timing, {
              source: "own",
              make: () => ({
                prefillMs: () => (part === "prefill" ? ms : 1),
                decodeMs: () => (part === "decode" ? ms : 1)
              })
            })
            const engine = VllmEngine.layer(engineArgs()).pipe(Layer.provide(timing), Layer.orDie)
            const deployed = workers === 1 ? Topology.layerSingle : Topology.layerMulti({ workers })
            const pools = deployed.pipe(Layer.provide(Layer.merge(engine, RoundRobin.layer)), Layer.orDie)
            const error = yield* failureOf(replay(pools, plain(rowsEvery(0, 5))))
            assert(error._tag === "ReplayError")
            assert.strictEqual(error.reason, "timing")
            assert.include(error.message, `the ${part} part of a pass takes ${ms} ms: expected a number`)
          }
        })
      )
    }

    it.effect(`says so when requests preempt each other for ever, ${workers} workers`, () =>
      Effect.gen(function* () {
        const args = engineArgs({ blockTokens: 2, numGpuBlocks: 5, preemptionMode: "fifo", maxNumBatchedTokens: 3 })
        const pair = [
          [3, 4],
          [1, 4]
        ].flatMap(([promptTokens, outputTokens], index) =>
          Array.from({ length: workers }, () =>
            row({ timestampMs: 0, promptTokens: promptTokens!, outputTokens: outputTokens!, hashIds: [index] })
          )
        )
        const error = yield* failureOf(replay(topology(args, workers), plain(pair), { check: true }))
        assert(error._tag === "ReplayError")
        assert.strictEqual(error.reason, "stalled")
        assert.match(error.message, /preempt each other without end/)
      })
    )
  }

  it.effect("hands on what a router refuses", () =>
    Effect.gen(function* () {
      const engine = VllmEngine.layer(engineArgs()).pipe(Layer.provide(PolynomialTiming.layer))
      const scripted = Topology.layerMulti({ workers: 2 }).pipe(
        Layer.provide(Layer.merge(engine, ScriptedRouter.layer([0, 1, 5])))
      )
      const error = yield* failureOf(replay(scripted, plain(rowsEvery(10, 5))))
      assert(error._tag === "ReplayError")
      assert.strictEqual(error.reason, "router")
      assert.match(error.message, /request 2 to worker 5/)
    })
  )

  it.effect("fails with the trace", () =>
    Effect.gen(function* () {
      const broken = Layer.effect(Workload)(
        Effect.map(Workload, (workload) =>
          Workload.of({
            ...workload,
            rows: Stream.concat(
              workload.rows,
              Stream.fail(new TraceError({ file: "a.jsonl", problem: "the 21st row is broken" }))
            )
          })
        )
      ).pipe(Layer.provide(plain(rowsEvery(10, 20))))
      const error = yield* failureOf(replay(topology(engineArgs()), broken))
      assert(error._tag === "TraceError")
      assert.match(error.message, /21st row/)
    })
  )
})

/** Pools that grow and shrink at random while they serve: what holds in every run holds there, too. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Arbitrary from "effect/Arbitrary"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Autoscaler from "../../src/autoscaler/Autoscaler.ts"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import * as MixedEngine from "../../src/engine/MixedEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import { ImmediateRouter } from "../../src/router/ImmediateRouter.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { Router } from "../../src/router/Router.ts"
import type { RunProbe } from "../../src/simulation/RunProbe.ts"
import type { WorkerEvent } from "../../src/simulation/WorkerEvent.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, multiTopology, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"
import { type RandomRun, randomRun } from "./RandomRun.ts"

const Script = Schema.Struct({
  stepMs: Schema.Literals([1, 7, 50, 200]),
  startupS: Schema.Literals([0, 0, 0.01, 0.1]),
  targets: Schema.Array(Schema.Tuple([Schema.Literals([1, 1, 2, 3, 5]), Schema.Literals([0, 1, 2, 3, 40])])).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(12)
  ),
  faults: Schema.Array(
    Schema.Struct({
      atMs: Schema.Literals([0, 3, 20, 50, 120, 250, 400]),
      kind: Schema.Literals(["fail", "fail", "drain", "slow", "add"]),
      onFirst: Schema.Boolean,
      worker: Schema.Literals([0, 1, 2, 3, 7]),
      requests: Schema.Literals(["retry", "fail"])
    })
  ).check(Schema.isMaxLength(5)),
  kvRouter: Schema.Boolean,
  /** A second group of workers, of which those are that come later: smaller, slower, and starting at another pace. */
  mixed: Schema.Boolean,
  /** Blocks in host memory. */
  hostBlocks: Schema.Literals([0, 0, 3, 40]),
  offloadPolicy: Schema.Literals(["on_evict", "write_through"]),
  disaggregated: Schema.Boolean
})
type Script = typeof Script.Type

/** The last step leaves one worker in each pool, so that everything gets done. */
const decider = ({ stepMs, targets }: Script, roles: ReadonlyArray<Autoscaler.PoolRole>): Autoscaler.Decider => {
  let tick = 0
  return {
    firstTickMs: stepMs,
    watchesPasses: true,
    decide: () =>
      Effect.sync(() => {
        const [first, second] = targets[tick] ?? [1, 1]
        tick += 1
        return {
          targets: Object.fromEntries(roles.map((role, pool) => [role, pool === 0 ? second : first])),
          nextTickMs: tick <= targets.length ? (tick + 1) * stepMs : undefined
        }
      })
  }
}

const scaledBy = (script: Script) =>
  Autoscaler.layer("random", (pools) =>
    decider(
      script,
      pools.map(({ role }) => role)
    )
  )

const engineOf = (args: EngineArgs, workers: number, { hostBlocks, mixed, offloadPolicy, startupS }: Script) => {
  const given = {
    ...args,
    startupTimeS: startupS,
    maxNumBatchedTokens: Math.max(args.maxNumBatchedTokens, 8),
    numG2Blocks: hostBlocks,
    offloadPolicy,
    kvBytesPerToken: 1000
  }
  const engine = VllmEngine.layer(given)
  if (!mixed || workers < 2) return engine
  const numGpuBlocks = args.numGpuBlocks > 500 ? args.numGpuBlocks - 100 : args.numGpuBlocks + 7
  const other = VllmEngine.layer({ ...given, numGpuBlocks, decodeSpeedupRatio: 0.5, startupTimeS: 0.02 })
  return MixedEngine.layer({ name: "one", workers: 1, engine }, { name: "other", workers: workers - 1, engine: other })
}

const poolOf = (args: EngineArgs, workers: number, script: Script) =>
  Layer.merge(
    engineOf(args, workers, script).pipe(Layer.provide(PolynomialTiming.layer)),
    script.kvRouter
      ? KvRouter.layer({ ...defaultKvRouterOptions, routerQueueThreshold: 1, routerTierEvents: true })
      : RoundRobin.layer
  )

const topologyOf = ({ args, workers }: RandomRun, script: Script) =>
  (script.disaggregated
    ? Topology.layerDisaggregated({ prefillWorkers: workers, decodeWorkers: 2 }).pipe(
        Layer.provide(
          Layer.merge(
            Topology.PrefillPool.layer.pipe(Layer.provide(poolOf({ ...args, workerType: "prefill" }, workers, script))),
            Topology.DecodePool.layer.pipe(Layer.provide(poolOf({ ...args, workerType: "decode" }, 2, script)))
          )
        )
      )
    : Topology.layerMulti({ workers }).pipe(Layer.provide(poolOf(args, workers, script)))
  ).pipe(Layer.orDie)

/** After all of them one worker more comes to each pool, so that somebody is there. */
const faultsOf = ({ disaggregated, faults }: Script): ReadonlyArray<WorkerEvent> => {
  const roles: ReadonlyArray<Autoscaler.PoolRole> = disaggregated ? ["prefill", "decode"] : ["aggregated"]
  const poolOfFault = (onFirst: boolean) => (onFirst ? roles[0]! : roles.at(-1)!)
  return [
    ...faults.map(({ atMs, kind, onFirst, requests, worker }): WorkerEvent => {
      const common = { atMs, pool: poolOfFault(onFirst) }
      if (kind === "add") return { ...common, kind, workers: 1 }
      if (kind === "slow") return { ...common, kind, worker, factor: 3 }
      return kind === "fail" ? { ...common, kind, worker, requests } : { ...common, kind, worker }
    }),
    ...roles.map((pool): WorkerEvent => ({ atMs: 2500, pool, kind: "add", workers: 1 }))
  ]
}

/** Nothing may be placed on a worker that is not there, and nothing may be left on one that goes. */
const watch = (): RunProbe => {
  const gone = new Set<string>()
  const name = ({ role, workerIndex }: { readonly role: string; readonly workerIndex: number }) =>
    `${role} ${workerIndex}`
  return {
    joined: (worker) => assert.isFalse(gone.has(name(worker)), "an index came back"),
    left: (worker, _, hasFailed) => {
      worker.core.checkInvariants()
      if (!hasFailed) {
        assert.strictEqual(worker.core.requests().length, 0)
        assert.strictEqual(worker.core.snapshot().activeBlocks, 0, "it leaves with KV of somebody")
      }
      gone.add(name(worker))
    },
    placed: (_, worker) => assert.isFalse(gone.has(name(worker)), "a request went to a worker that is gone"),
    pass: (worker) => assert.isFalse(gone.has(name(worker)), "a worker that is gone ran a pass")
  }
}

const plainArgs = engineArgs({ numGpuBlocks: 64, blockTokens: 4 })
const oneSecond = Array.from({ length: 20 }, (_, index) =>
  row({ timestampMs: index * 50, promptTokens: 8, outputTokens: 20, hashIds: [index, 100 + index] }, index + 1)
)
const plainLoad = PlainWorkload.layer({
  rows: oneSecond,
  traceBlockTokens: 4,
  concurrency: undefined,
  chunkRows: 100
})

/** A random run with arguments that every script can have. */
const saneRun = (run: RandomRun): RandomRun => ({
  ...run,
  args: {
    ...run.args,
    engineType: "vllm" as const,
    enableChunkedPrefill: true,
    preemptionMode: "lifo" as const
  }
})

describe("elastic pools", () => {
  it.effect.prop(
    "account for every request that was offered, wherever the run is cut off",
    [randomRun, Arbitrary.schema(Script)],
    ([run, script]) =>
      Effect.gen(function* () {
        const sane = saneRun(run)
        const seen = new Map<string, number>()
        const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)
        const counting: RunProbe = {
          arrival: () => count("offered"),
          record: ({ status }) => count(status),
          end: (_, { cutOff }) => seen.set("in_flight", cutOff)
        }
        const { records, summary } = yield* replay(topologyOf(sane, script), PlainWorkload.layer(sane), {
          check: true,
          probes: [watch(), counting],
          workerEvents: faultsOf(script),
          maxSimTimeMs: sane.limitMs
        }).pipe(Effect.provide(scaledBy(script), { local: true }))
        const of = (status: string): number => records.filter((record) => record.status === status).length
        const statuses = ["completed", "rejected", "failed", "in_flight"]
        for (const status of statuses) assert.strictEqual(of(status), seen.get(status) ?? 0, status)
        // A retried attempt is no second request.
        assert.strictEqual(summary.arrivedRequests, seen.get("offered") ?? 0)
        assert.strictEqual(
          statuses.reduce((sum, status) => sum + of(status), 0),
          summary.arrivedRequests
        )
      }),
    { arbitrary: { runs: 60, size: 40 } }
  )

  it.effect.prop(
    "lose no request and no block, use no index twice, and repeat",
    [randomRun, Arbitrary.schema(Script)],
    ([run, script]) =>
      Effect.gen(function* () {
        const sane = saneRun(run)
        const once = () =>
          replay(topologyOf(sane, script), PlainWorkload.layer(sane), {
            check: true,
            probes: [watch()],
            workerEvents: faultsOf(script)
          }).pipe(Effect.provide(scaledBy(script), { local: true }))
        const { records, summary } = yield* once()
        assert.strictEqual(records.length, sane.rows.length)
        assert.isTrue(records.every(({ status }) => status !== "in_flight"))
        assert.strictEqual(new Set(records.map(({ id }) => id)).size, records.length)
        assert.strictEqual(summary.ended, "drained")
        const again = yield* once()
        assert.deepStrictEqual(
          again.records.map(({ id, lastTokenMs, workerIndex }) => [id, lastTokenMs, workerIndex]),
          records.map(({ id, lastTokenMs, workerIndex }) => [id, lastTokenMs, workerIndex])
        )
        assert.deepStrictEqual(again.summary.scaling, summary.scaling)
        assert.deepStrictEqual(again.summary.workerSeconds, summary.workerSeconds)
        const seconds = (summary.workerGroups ?? []).reduce((sum, group) => sum + group.workerSeconds, 0)
        const { decode, prefill } = summary.workerSeconds!
        const isMixed = script.mixed && sane.workers > 1
        if (isMixed) assert.closeTo(seconds, decode + prefill, 1e-9)
      }),
    { arbitrary: { runs: 110, size: 40 } }
  )

  it.effect("count a request once that starts again while its decode worker, in mid-pass, still has it", () =>
    Effect.gen(function* () {
      const pool = (workerType: "prefill" | "decode") =>
        Layer.merge(
          VllmEngine.layer({ ...plainArgs, workerType }).pipe(Layer.provide(PolynomialTiming.layer)),
          RoundRobin.layer
        )
      const pools = Topology.layerDisaggregated({ prefillWorkers: 2, decodeWorkers: 1 }).pipe(
        Layer.provide(Topology.PrefillPool.layer.pipe(Layer.provide(pool("prefill")))),
        Layer.provide(Topology.DecodePool.layer.pipe(Layer.provide(pool("decode")))),
        Layer.orDie
      )
      let startedAgain = 0
      for (let atMs = 100; atMs < 150; atMs++) {
        const { records, summary } = yield* replay(pools, plainLoad, {
          check: true,
          probes: [{ lost: () => void (startedAgain += 1) }],
          workerEvents: [{ atMs, pool: "prefill", kind: "fail", worker: 0, requests: "retry" }],
          maxSimTimeMs: atMs
        })
        assert.strictEqual(records.length, summary.arrivedRequests, `${atMs} ms`)
      }
      assert.isAbove(startedAgain, 0)
    })
  )

  it.effect("hold requests back while nobody is there, and serve them when somebody is", () =>
    Effect.gen(function* () {
      const { records, summary } = yield* replay(multiTopology(plainArgs, 1), plainLoad, { check: true }).pipe(
        Effect.provide(
          Autoscaler.layer("pause", () => ({
            firstTickMs: 100,
            decide: ({ nowMs }) =>
              Effect.succeed({
                targets: { aggregated: nowMs < 5000 ? 0 : 1 },
                nextTickMs: nowMs < 5000 ? 5000 : undefined
              })
          }))
        )
      )
      assert.isTrue(records.every(({ status }) => status === "completed"))
      assert.isAtLeast(records.filter(({ firstAdmitMs }) => firstAdmitMs === 5000).length, 15)
      assert.deepStrictEqual(
        summary.scaling?.events.map(({ from, reason, timeMs, to }) => [timeMs, from, to, reason]),
        [
          [100, 1, 0, "scale_down"],
          [5000, 0, 1, "scale_up"]
        ]
      )
      assert.isBelow(summary.workerSeconds!.decode, summary.endMs / 1000 - 4)
    })
  )

  it.effect("end in a dead end when nobody ever comes", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        replay(multiTopology(plainArgs, 1), plainLoad).pipe(
          Effect.provide(
            Autoscaler.layer("nobody", () => ({
              firstTickMs: 0,
              decide: ({ nowMs }) => Effect.succeed({ targets: { aggregated: 0 }, nextTickMs: nowMs + 1000 })
            }))
          )
        )
      )
      assert.strictEqual(error._tag, "ReplayError")
      assert.match(
        error.message,
        /dead end with \d+ in-flight .*: the aggregated pool has no worker left, and none is to come\./
      )
    })
  )

  it.effect("let requests that are in each other's way go on, however often the autoscaler is asked", () =>
    Effect.gen(function* () {
      // 8 blocks of 4 tokens for decoding: the second is preempted, and the third has KV there before it is back.
      const rows = [16, 12, 24].map((promptTokens, index) =>
        row({ timestampMs: 0, promptTokens, outputTokens: 4, hashIds: [10 * index, 10 * index + 1] }, index + 1)
      )
      const pools = disaggregatedTopology(engineArgs({ blockTokens: 4, numGpuBlocks: 8 }), {
        prefillWorkers: 1,
        decodeWorkers: 1
      })
      const { records } = yield* replay(pools, PlainWorkload.layer({ rows, traceBlockTokens: 12 }), {
        check: true
      }).pipe(
        Effect.provide(
          Autoscaler.layer("always", () => ({
            firstTickMs: 0,
            decide: ({ nowMs }) => Effect.succeed({ targets: {}, nextTickMs: nowMs + 1 })
          }))
        )
      )
      assert.deepStrictEqual(
        records.map(({ status }) => status),
        ["completed", "completed", "completed"]
      )
    })
  )

  it.effect("wait for a decision that takes its time", () =>
    Effect.gen(function* () {
      const { summary } = yield* replay(multiTopology(plainArgs, 1), plainLoad, { check: true }).pipe(
        Effect.provide(
          Autoscaler.layer("slow", () => ({
            firstTickMs: 100,
            decide: () =>
              Effect.as(Effect.sleep(333), { targets: { aggregated: 2 }, nextTickMs: undefined, reason: "late" })
          }))
        )
      )
      assert.deepStrictEqual(summary.scaling?.events, [
        { timeMs: 433, pool: "aggregated", from: 1, to: 2, reason: "late" }
      ])
      assert.strictEqual(summary.scaling?.ticks, 1)
    })
  )

  it.effect("fail with the autoscaler, and with targets that no pool can have", () =>
    Effect.gen(function* () {
      const failing = (decide: Autoscaler.OwnDecider<string, never>["decide"]) =>
        Effect.flip(
          replay(multiTopology(plainArgs, 2), plainLoad).pipe(
            Effect.provide(Autoscaler.layer("mine", () => ({ firstTickMs: 10, decide })))
          )
        )
      assert.include((yield* failing(() => Effect.fail("no metrics"))).message, "autoscaler mine: no metrics")
      const half = yield* failing(() => Effect.succeed({ targets: { aggregated: 1.5 }, nextTickMs: undefined }))
      assert.include(half.message, "wants 1.5 workers")
    })
  )

  it.effect("refuse a topology of one worker, and a router that cannot follow", () =>
    Effect.gen(function* () {
      const grow = Autoscaler.layer("grow", () => ({
        firstTickMs: 10,
        decide: () => Effect.succeed({ targets: { aggregated: 3 }, nextTickMs: undefined })
      }))
      const single = yield* Effect.flip(replay(topology(plainArgs), plainLoad).pipe(Effect.provide(grow)))
      assert.include(single.message, "layerMulti")
      class FirstWorker extends ImmediateRouter {
        override route(): number {
          return 0
        }
      }
      const stubborn = Topology.layerMulti({ workers: 2 }).pipe(
        Layer.provide(VllmEngine.layer(plainArgs).pipe(Layer.provide(PolynomialTiming.layer))),
        Layer.provide(Layer.succeed(Router, Router.of({ name: "stubborn", make: () => new FirstWorker() }))),
        Layer.orDie
      )
      const refused = yield* Effect.flip(replay(stubborn, plainLoad).pipe(Effect.provide(grow)))
      assert.include(refused.message, "stubborn router cannot follow")
    })
  )
})

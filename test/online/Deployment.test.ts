/** A deployment used directly, in virtual time: requests come and are taken back at chosen moments. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Engine } from "../../src/engine/Engine.ts"
import type { Deployment } from "../../src/online/Deployment.ts"
import { LagMeter } from "../../src/online/LagMeter.ts"
import { LiveTopology } from "../../src/online/LiveTopology.ts"
import type { LiveRequest } from "../../src/online/LiveRequest.ts"
import { Pace, type Timeline, Turn } from "../../src/online/Pace.ts"
import * as VirtualPace from "../../src/online/VirtualPace.ts"
import { HashIdTrie } from "../../src/request/HashIdTrie.ts"
import type { RequestStatus } from "../../src/request/SimRequest.ts"
import * as KvRouter from "../../src/router/kv/KvRouter.ts"
import { defaultKvRouterOptions } from "../../src/router/kv/KvRouterOptions.ts"
import type { SettingsError } from "../../src/settings/SettingsError.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import type { Router } from "../../src/router/Router.ts"
import { RunChecks } from "../../src/simulation/RunChecks.ts"
import type { PoolRole } from "../../src/autoscaler/Autoscaler.ts"
import { layer as layerSchedule } from "../../src/autoscaler/Schedule.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { replay } from "../support/Replays.ts"
import { blocksFrom, request, row } from "../support/RequestBuilder.ts"
import { aggregated, disaggregated, engineOf, type Wiring } from "./OnlineRuns.ts"

interface Used {
  readonly deployment: Deployment
  readonly time: Timeline
  readonly ended: Array<readonly [id: number, status: RequestStatus, atMs: number]>
  /** Those that have left. */
  readonly left: Array<number>
  /** Tokens seen per request. */
  readonly tokens: Map<number, number>
  /** Prompts of equal content share their blocks; by default each has its own. */
  readonly submit: (id: number, promptTokens: number, outputTokens: number, content?: number) => LiveRequest
  readonly until: (timeMs: number) => Effect.Effect<void>
}

const use = <A>(
  body: (used: Used) => Effect.Effect<A>,
  options: {
    readonly workers?: number
    readonly engine?: Layer.Layer<Engine>
    readonly router?: Layer.Layer<Router, SettingsError>
    /** In place of all that. */
    readonly live?: Layer.Layer<LiveTopology>
  } = {}
): Effect.Effect<A> =>
  VirtualPace.run(
    Effect.gen(function* () {
      const time = yield* (yield* Pace).start
      const deployment = yield* (yield* LiveTopology).make({
        time,
        identity: new HashIdTrie(64, 64),
        lag: new LagMeter(),
        probe: new RunChecks(),
        maxLagMs: 20
      })
      const ended: Used["ended"] = []
      const left: Array<number> = []
      const tokens = new Map<number, number>()
      yield* Effect.forkScoped(
        deployment.run({
          emitted: (batch) =>
            batch.emitting.forEach(({ aborted, request: { id } }, index) => {
              if (!aborted) tokens.set(id, (tokens.get(id) ?? 0) + batch.tokens[index]!)
            }),
          left: ({ request: { id } }) => void left.push(id),
          refused: (_live, fault) => {
            throw fault
          },
          ended: ({ request: { id } }, status, atMs) => void ended.push([id, status, atMs]),
          settled: Effect.void,
          resting: () => Effect.void
        })
      )
      return yield* body({
        deployment,
        time,
        ended,
        left,
        tokens,
        submit: (id, promptTokens, outputTokens, content = id) =>
          deployment.submit(
            request({
              id,
              promptTokens,
              outputTokens,
              blocks: blocksFrom(1000 * content, Math.floor(promptTokens / 64))
            })
          ),
        until: (timeMs) => time.sleepUntil(timeMs, Turn.start + 1000)
      })
    }).pipe(
      Effect.scoped,
      Effect.provide(
        options.live
          ?? aggregated({
            engine: options.engine ?? engineOf(engineArgs()),
            router: options.router ?? RoundRobin.layer,
            workers: options.workers ?? 1
          }).live
      )
    )
  )

describe("a deployment", () => {
  it.effect("serves what is submitted at any time", () =>
    use(({ ended, submit, tokens, until }) =>
      Effect.gen(function* () {
        submit(0, 1000, 10)
        yield* until(50)
        submit(1, 500, 3)
        yield* until(10_000)
        assert.deepStrictEqual(
          ended.map(([id, status]) => [id, status]),
          [
            [1, "completed"],
            [0, "completed"]
          ]
        )
        assert.deepStrictEqual(
          [...tokens],
          [
            [0, 10],
            [1, 3]
          ]
        )
      })
    )
  )

  it.effect("rejects what can never fit", () =>
    use(
      ({ deployment, ended, submit, until }) =>
        Effect.gen(function* () {
          submit(0, 64 * 10, 1)
          yield* until(1000)
          assert.deepStrictEqual(
            ended.map(([id, status]) => [id, status]),
            [[0, "rejected"]]
          )
          assert.strictEqual(deployment.inFlight, 0)
        }),
      { engine: engineOf(engineArgs({ numGpuBlocks: 10 })) }
    )
  )

  it.effect("takes a decoding request back: no more tokens, its blocks free when the pass is over, others go on", () =>
    use(({ deployment, ended, submit, tokens, until }) =>
      Effect.gen(function* () {
        const gone = submit(0, 640, 500)
        submit(1, 640, 60)
        yield* until(300)
        const seen = tokens.get(0)!
        assert.isAbove(seen, 3)
        assert.isAtLeast(deployment.snapshots()[0]!.activeBlocks, 22)
        deployment.abort(gone)
        deployment.abort(gone)
        assert.strictEqual(gone.request.status, "failed")
        yield* until(320)
        assert.strictEqual(tokens.get(0), seen)
        assert.isAtMost(deployment.snapshots()[0]!.activeBlocks, 11)
        yield* until(20_000)
        assert.deepStrictEqual(
          ended.map(([id, status]) => [id, status]),
          [[1, "completed"]]
        )
        assert.strictEqual(tokens.get(1), 60)
        assert.strictEqual(deployment.inFlight, 0)
        assert.strictEqual(deployment.snapshots()[0]!.activeBlocks, 0)
      })
    )
  )

  it.effect("takes a request back before its worker has looked at it", () =>
    use(({ deployment, ended, submit, tokens, until }) =>
      Effect.gen(function* () {
        deployment.abort(submit(0, 640, 5))
        yield* until(1000)
        assert.deepStrictEqual([ended.length, tokens.size, deployment.snapshots()[0]!.waiting], [0, 0, 0])
        assert.isTrue(deployment.atRest)
      })
    )
  )

  it.effect("ignores the end of a request that is taken back during its last pass", () =>
    use(({ deployment, ended, submit, tokens, until }) =>
      Effect.gen(function* () {
        const live = submit(0, 1000, 1)
        yield* until(20)
        deployment.abort(live)
        yield* until(1000)
        assert.deepStrictEqual([ended.length, tokens.size], [0, 0])
        deployment.abort(live)
        assert.strictEqual(deployment.snapshots()[0]!.activeBlocks, 0)
      })
    )
  )

  it.effect("never runs a request that is taken back while the router holds it", () => {
    const router = KvRouter.layer({ ...defaultKvRouterOptions, routerQueueThreshold: 0 })
    return use(
      ({ deployment, ended, submit, tokens, until }) =>
        Effect.gen(function* () {
          submit(0, 2000, 2)
          const parked = submit(1, 2000, 2)
          submit(2, 2000, 2)
          assert.strictEqual(deployment.parked, 2)
          yield* until(10)
          deployment.abort(parked)
          yield* until(5000)
          assert.deepStrictEqual(
            ended.map(([id]) => id),
            [0, 2]
          )
          assert.isFalse(tokens.has(1))
          assert.strictEqual(deployment.parked, 0)
          assert.strictEqual(deployment.inFlight, 0)
        }),
      { router }
    )
  })

  it.effect("frees the load of an aborted request at the router, which lets a parked one go", () => {
    const router = KvRouter.layer({ ...defaultKvRouterOptions, routerQueueThreshold: 0 })
    return use(
      ({ deployment, ended, submit, until }) =>
        Effect.gen(function* () {
          const first = submit(0, 8000, 2)
          submit(1, 640, 2)
          assert.strictEqual(deployment.parked, 1)
          yield* until(1)
          deployment.abort(first)
          assert.strictEqual(deployment.parked, 0)
          yield* until(5000)
          assert.deepStrictEqual(
            ended.map(([id]) => id),
            [1]
          )
        }),
      { router }
    )
  })
})

describe("a disaggregated deployment", () => {
  const link = { kvBytesPerToken: 131_072, kvTransferBandwidthGbS: 4 }
  const queueing = KvRouter.layer({ ...defaultKvRouterOptions, routerQueueThreshold: 0.5 })
  const sizes = { prefillWorkers: 2, decodeWorkers: 2 }

  it.effect("serves what is submitted at any time, and lets a request leave when its source is released", () =>
    use(
      ({ ended, left, submit, tokens, until }) =>
        Effect.gen(function* () {
          submit(0, 1000, 10)
          yield* until(50)
          submit(1, 500, 3)
          yield* until(10_000)
          assert.deepStrictEqual(ended.map(([id, status]) => [id, status]).toSorted(), [
            [0, "completed"],
            [1, "completed"]
          ])
          assert.deepStrictEqual(left.toSorted(), [0, 1])
          assert.deepStrictEqual([tokens.get(0), tokens.get(1)], [10, 3])
        }),
      { live: disaggregated(engineArgs(link), engineArgs(), RoundRobin.layer, sizes).live }
    )
  )

  const warmMs = 2000
  const ascending = (a: number, b: number): number => a - b
  const stages: ReadonlyArray<readonly [name: string, engineType: "vllm" | "sglang", decodeBlocks: number]> = [
    ["vllm", "vllm", 2000],
    ["vllm with a tight decode pool", "vllm", 20],
    ["sglang", "sglang", 2000],
    ["sglang with a tight decode pool", "sglang", 20]
  ]
  for (const [name, engineType, decodeBlocks] of stages) {
    it.effect(`takes requests back at any moment, and nothing of them stays: ${name}`, () =>
      Effect.forEach(
        // One request is taken back at this time, ms: before, while and after its prefill, its transfer and its decode.
        Array.from({ length: 45 }, (_, step) => step * 7.3),
        (abortMs) =>
          use(
            ({ deployment, ended, left, submit, tokens, until }) =>
              Effect.gen(function* () {
                // Both decode workers know the beginning of the victims' prompts.
                for (const id of [9, 10, 11, 12]) submit(id, 400, 2, 0)
                yield* until(warmMs)
                const victims = [submit(0, 900, 12, 0), submit(1, 700, 9, 0)]
                for (let id = 2; id < 8; id++) submit(id, 300 + 64 * id, 6)
                yield* until(warmMs + abortMs)
                for (const victim of victims) deployment.abort(victim)
                const seen = [tokens.get(0) ?? 0, tokens.get(1) ?? 0]
                yield* until(warmMs + abortMs + 30)
                submit(8, 640, 5)
                yield* until(60_000)
                const gone = new Set(victims.filter(({ aborted }) => aborted).map(({ request: { id } }) => id))
                const expected = Array.from({ length: 13 }, (_, id) => id).filter((id) => !gone.has(id))
                assert.deepStrictEqual(ended.map(([id]) => id).toSorted(ascending), expected)
                assert.isTrue(ended.every(([, status]) => status === "completed"))
                assert.deepStrictEqual(left.toSorted(ascending), expected)
                assert.deepStrictEqual([tokens.get(0) ?? 0, tokens.get(1) ?? 0], seen)
                assert.deepStrictEqual([deployment.inFlight, deployment.parked, [...deployment.leaving()]], [0, 0, []])
                assert.isTrue(deployment.atRest)
                for (const { core } of deployment.probed.flatMap(({ workers }) => workers)) {
                  core.checkInvariants()
                  assert.deepStrictEqual(
                    [core.inFlight, core.requests().length, core.snapshot().activeBlocks],
                    [0, 0, 0]
                  )
                }
              }),
            {
              live: disaggregated(
                engineArgs({ ...link, engineType }),
                engineArgs({ engineType, numGpuBlocks: decodeBlocks }),
                queueing,
                sizes
              ).live
            }
          ),
        { discard: true }
      )
    )
  }
})

const starting = engineArgs({ startupTimeS: 0.3, numGpuBlocks: 400 })

/** Requests of one pace, sizes of their own. */
const arrivals = Array.from({ length: 24 }, (_, id) => ({
  id,
  atMs: id * 41.7,
  promptTokens: 100 + 61 * (id % 5),
  outputTokens: 20 + 7 * (id % 4)
}))

/** Workers that each pool is to have from a time on; no request arrives at these times. */
const steps: ReadonlyArray<readonly [atMs: number, workers: number]> = [
  [100.3, 3],
  [500.3, 1],
  [640.3, 4],
  // One of those that start is called off.
  [700.3, 3],
  [1200.3, 1]
]

const pools: ReadonlyArray<readonly [name: string, roles: ReadonlyArray<PoolRole>, wiring: Wiring]> = [
  ["round robin", ["aggregated"], aggregated({ engine: engineOf(starting), router: RoundRobin.layer, workers: 2 })],
  [
    "the KV router",
    ["aggregated"],
    aggregated({
      engine: engineOf(starting),
      router: KvRouter.layer({ ...defaultKvRouterOptions, routerQueueThreshold: 0.05, tieBreak: "lowest" }),
      workers: 2
    })
  ],
  [
    "prefill and decode pools",
    ["prefill", "decode"],
    disaggregated(starting, starting, RoundRobin.layer, { prefillWorkers: 2, decodeWorkers: 2 })
  ]
]

describe("a deployment that is scaled", () => {
  for (const [name, roles, { live, topology }] of pools) {
    it.effect(`serves as the same one does offline by a schedule: ${name}`, () =>
      Effect.gen(function* () {
        const offline = yield* replay(
          topology,
          PlainWorkload.layer({
            rows: arrivals.map(({ atMs, id, outputTokens, promptTokens }) =>
              row(
                {
                  timestampMs: atMs,
                  promptTokens,
                  outputTokens,
                  hashIds: Array.from({ length: Math.ceil(promptTokens / 64) }, (_, block) => id * 100 + block)
                },
                id + 1
              )
            ),
            traceBlockTokens: 64,
            concurrency: undefined,
            chunkRows: 100
          }),
          { check: true }
        ).pipe(
          Effect.provide(
            layerSchedule(steps.flatMap(([atMs, workers]) => roles.map((pool) => ({ atMs, workers, pool })))),
            { local: true }
          )
        )
        const { ended, sizes } = yield* use(
          ({ deployment, ended, submit, time, until }) =>
            Effect.gen(function* () {
              const moments = [
                ...arrivals.map((arrival) => ({ atMs: arrival.atMs, arrival, workers: 0 })),
                ...steps.map(([atMs, workers]) => ({ atMs, arrival: undefined, workers }))
              ].toSorted((a, b) => a.atMs - b.atMs)
              for (const { arrival, atMs, workers } of moments) {
                yield* time.sleepUntil(atMs, Turn.arrival)
                if (arrival !== undefined) submit(arrival.id, arrival.promptTokens, arrival.outputTokens)
                else for (const role of roles) deployment.scaleTo(role, workers)
              }
              yield* until(60_000)
              assert.strictEqual(deployment.inFlight, 0)
              assert.isTrue(deployment.atRest)
              return { ended, sizes: deployment.sizes() }
            }),
          { live }
        )
        assert.deepStrictEqual(
          ended.map(([id, , atMs]) => [id, atMs]).toSorted(([a = 0], [b = 0]) => a - b),
          offline.records.map(({ id, lastTokenMs }) => [id, lastTokenMs]).toSorted(([a = 0], [b = 0]) => a - b)
        )
        assert.deepStrictEqual(
          sizes.map(({ draining, gpus, ready, role, starting: others }) => [role, ready, others, draining, gpus]),
          roles.map((role) => [role, 1, 0, 0, 1])
        )
      })
    )
  }

  it.effect("lets who drains finish, and sends it nothing more", () =>
    use(
      ({ deployment, ended, submit, until }) =>
        Effect.gen(function* () {
          for (let id = 0; id < 4; id++) submit(id, 640, 100)
          yield* until(50)
          deployment.scaleTo("aggregated", 1)
          assert.deepStrictEqual(
            deployment.sizes().map(({ draining, ready }) => [ready, draining]),
            [[1, 1]]
          )
          const later = submit(4, 64, 5)
          assert.strictEqual(later.request.workerIndex, 0)
          assert.strictEqual(deployment.probed[0]!.draining(), 1)
          yield* until(30_000)
          assert.strictEqual(ended.filter(([, status]) => status === "completed").length, 5)
          assert.deepStrictEqual(
            deployment.probed[0]!.workers.map(({ workerIndex }) => workerIndex),
            [0]
          )
          deployment.scaleTo("aggregated", 2)
          yield* until(30_100)
          assert.deepStrictEqual(
            deployment.probed[0]!.workers.map(({ workerIndex }) => workerIndex),
            [0, 2]
          )
        }),
      { workers: 2 }
    )
  )
})

/** A deployment used directly, in virtual time: requests come and are taken back at chosen moments. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Engine } from "../../src/engine/Engine.ts"
import { Deployment } from "../../src/online/Deployment.ts"
import { LagMeter } from "../../src/online/LagMeter.ts"
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
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { blocksFrom, request } from "../support/RequestBuilder.ts"
import { engineOf } from "./OnlineRuns.ts"

interface Used {
  readonly deployment: Deployment
  readonly time: Timeline
  readonly ended: Array<readonly [id: number, status: RequestStatus, atMs: number]>
  /** Tokens seen per request. */
  readonly tokens: Map<number, number>
  readonly submit: (id: number, promptTokens: number, outputTokens: number) => LiveRequest
  readonly until: (timeMs: number) => Effect.Effect<void>
}

const use = <A>(
  body: (used: Used) => Effect.Effect<A>,
  options: {
    readonly workers?: number
    readonly engine?: Layer.Layer<Engine>
    readonly router?: Layer.Layer<Router, SettingsError>
  } = {}
): Effect.Effect<A> =>
  VirtualPace.run(
    Effect.gen(function* () {
      const time = yield* (yield* Pace).start
      const deployment = yield* Deployment.make({
        workers: options.workers ?? 1,
        time,
        identity: new HashIdTrie(64, 64),
        lag: new LagMeter(),
        probe: new RunChecks(),
        maxLagMs: 20
      })
      const ended: Used["ended"] = []
      const tokens = new Map<number, number>()
      yield* Effect.forkScoped(
        deployment.run({
          emitted: (batch) =>
            batch.emitting.forEach(({ aborted, request: { id } }, index) => {
              if (!aborted) tokens.set(id, (tokens.get(id) ?? 0) + batch.tokens[index]!)
            }),
          ended: ({ request: { id } }, status, atMs) => void ended.push([id, status, atMs]),
          settled: Effect.void,
          resting: () => Effect.void
        })
      )
      return yield* body({
        deployment,
        time,
        ended,
        tokens,
        submit: (id, promptTokens, outputTokens) =>
          deployment.submit(
            request({ id, promptTokens, outputTokens, blocks: blocksFrom(1000 * id, Math.floor(promptTokens / 64)) })
          ),
        until: (timeMs) => time.sleepUntil(timeMs, Turn.start + 1000)
      })
    }).pipe(
      Effect.scoped,
      Effect.provide([options.engine ?? engineOf(engineArgs()), Layer.orDie(options.router ?? RoundRobin.layer)])
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

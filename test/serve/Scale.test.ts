/** `/scale`: the workers of a server, seen and changed while it serves. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { bareAddress, isLoopback } from "../../src/serve/AllowedHosts.ts"
import { parseScale } from "../../src/serve/ScaleRequest.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import { Router } from "../../src/router/Router.ts"
import * as Layer from "effect/Layer"
import * as Effect from "effect/Effect"
import { disaggregated } from "../online/OnlineRuns.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { answerOf, eventually, parseAnswer, post, served } from "./TestServer.ts"

interface PoolJson {
  readonly pool: string
  readonly ready: number
  readonly starting: number
  readonly draining: number
  readonly gpus: number
  readonly queued_requests: number
}

const poolsOf = async (response: Response | Promise<Response>): Promise<ReadonlyArray<PoolJson>> => {
  const { pools }: { readonly pools: ReadonlyArray<PoolJson> } = JSON.parse(await (await response).text())
  return pools
}

const sizesOf = async (response: Response | Promise<Response>) =>
  (await poolsOf(response)).map(({ draining, pool, ready, starting }) => [pool, ready, starting, draining])

const pool = (role: "prefill" | "decode") =>
  engineArgs({ speedupRatio: 20, numGpuBlocks: 1000, workerType: role, kvBytesPerToken: 1000 })

/** A router whose core knows of no changes. */
const rigid = Layer.effect(
  Router,
  Effect.map(Router, (router) =>
    Router.of({
      name: "rigid",
      make: (context) => {
        const core = router.make(context)
        return {
          route: (request, nowMs) => core.route(request, nowMs),
          prefillDone: () => {},
          freed: () => {},
          takeReleased: () => undefined,
          parked: 0,
          parkedRequests: () => [],
          kvEvents: () => undefined,
          markBlocks: () => {}
        }
      }
    })
  )
).pipe(Layer.provide(RoundRobin.layer))

describe("scaling a server", () => {
  served(
    "shows its workers, adds some, and lets those that go finish their requests",
    { workers: 2, engine: { speedupRatio: 1, startupTimeS: 0.05 } },
    async (url) => {
      assert.deepStrictEqual(await poolsOf(fetch(`${url}/scale`)), [
        { pool: "aggregated", ready: 2, starting: 0, draining: 0, gpus: 2, queued_requests: 0 }
      ])
      const pending = [0, 1].map(() =>
        answerOf(post(url, "/v1/completions", { model: "dynosim", prompt: "a long story", max_tokens: 60 }))
      )
      // Whether the one that goes had something to finish depends on how fast this is.
      const [less] = await poolsOf(post(url, "/scale", { workers: 1 }))
      assert.deepStrictEqual([less?.ready, less?.starting, less?.gpus], [1, 0, 1])
      const [more] = await poolsOf(post(url, "/scale", { workers: 3, pool: "aggregated" }))
      assert.strictEqual(more!.ready + more!.starting, 3)
      for (const { usage } of await Promise.all(pending)) assert.strictEqual(usage.completion_tokens, 60)
      await eventually(async () => ((await poolsOf(fetch(`${url}/scale`)))[0]?.ready === 3 ? 1 : 0), 1)
      const metrics = async () => (await fetch(`${url}/metrics`)).text()
      await eventually(async () => ((await metrics()).includes('dynosim:workers{state="draining"} 0') ? 1 : 0), 1)
      const text = await metrics()
      assert.include(text, 'dynosim:workers{state="ready"} 3')
      for (const engine of [0, 2, 3]) assert.include(text, `vllm:num_requests_running{engine="${engine}"`)
      assert.notInclude(text, 'engine="1"')
    }
  )

  served(
    "scales each pool of a disaggregated server",
    {
      live: disaggregated(pool("prefill"), pool("decode"), RoundRobin.layer, { prefillWorkers: 1, decodeWorkers: 1 })
        .live
    },
    async (url) => {
      await post(url, "/scale", { pool: "decode", workers: 2 })
      await eventually(async () => ((await poolsOf(fetch(`${url}/scale`)))[1]?.ready === 2 ? 1 : 0), 1)
      const answers = await Promise.all(
        ["one", "two", "three"].map((prompt) =>
          answerOf(post(url, "/v1/completions", { model: "dynosim", prompt, max_tokens: 4 }))
        )
      )
      assert.deepStrictEqual(
        answers.map(({ usage }) => usage.completion_tokens),
        [4, 4, 4]
      )
      const { error } = await answerOf(post(url, "/scale", { workers: 2 }))
      assert.strictEqual(error.message, "the pool is missing: this server has prefill and decode")
    }
  )

  served("refuses what no pool can have, and foreign names", {}, async (url) => {
    const refused = async (body: unknown, init: RequestInit = {}) => {
      const response = await post(url, "/scale", body, init)
      return [response.status, parseAnswer(await response.text()).error.message] as const
    }
    for (const workers of [0, -1, 1.5, 1e9, "2", null]) assert.strictEqual((await refused({ workers }))[0], 400)
    assert.deepStrictEqual(await refused({ workers: 2, pool: "decode" }), [
      400,
      'there is no "decode" pool: this server has aggregated'
    ])
    assert.match((await refused({ worker: 2 }))[1], /^workers: missing key$/)
    assert.strictEqual((await refused("workers=2", { headers: { "content-type": "text/plain" } }))[0], 415)
    assert.strictEqual((await fetch(`${url}/scale`, { method: "DELETE" })).status, 405)
    assert.deepStrictEqual(await sizesOf(fetch(`${url}/scale`)), [["aggregated", 1, 0, 0]])
  })

  served("says so where the router cannot follow", { router: rigid }, async (url) => {
    const response = await post(url, "/scale", { workers: 2 })
    assert.strictEqual(response.status, 503)
    assert.include(parseAnswer(await response.text()).error.message, "cannot follow workers that come and go")
  })

  it("knows callers on this machine", () => {
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) assert.isTrue(isLoopback(bareAddress(address)))
    for (const address of ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", ""]) {
      assert.isFalse(isLoopback(bareAddress(address)), address)
    }
  })

  it("names the pool for whoever has only one", () => {
    assert.deepStrictEqual(Result.getOrThrow(parseScale({ workers: 2, pool: null }, ["aggregated"])), {
      pool: "aggregated",
      workers: 2
    })
  })
})

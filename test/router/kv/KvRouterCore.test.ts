import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { SimRequest } from "../../../src/request/SimRequest.ts"
import { type DecisionHook, KvRouterCore, type RoutingDecision } from "../../../src/router/kv/KvRouterCore.ts"
import { defaultKvRouterOptions, type KvRouterOptions } from "../../../src/router/kv/KvRouterOptions.ts"
import type { Placement, RouterContext } from "../../../src/router/Router.ts"
import { blocksFrom, context, request } from "../Requests.ts"
import { markedBlocks } from "../../support/MarkedBlocks.ts"

const core = (options?: Partial<KvRouterOptions>, changes?: Partial<RouterContext>, hook?: DecisionHook) =>
  new KvRouterCore({ ...defaultKvRouterOptions, tieBreak: "lowest", ...options }, context(changes), hook)

/** A router that notes the costs of its decisions. */
const watched = (options?: Partial<KvRouterOptions>, changes?: Partial<RouterContext>) => {
  const seen: Array<RoutingDecision> = []
  const router = core(options, changes, (decision) => {
    seen.push(decision)
    return undefined
  })
  return { router, lastCosts: () => seen.at(-1)!.costs }
}

/** Prompt of 640 tokens in 10 blocks from `first` on. */
const prompt = (id: number, first: number): SimRequest =>
  request({ id, promptTokens: 640, blocks: blocksFrom(first, 10) })

const takeAll = (router: KvRouterCore): Array<SimRequest> => {
  const all: Array<SimRequest> = []
  for (const { request } of takePlacements(router)) all.push(request)
  return all
}

const takePlacements = (router: KvRouterCore): Array<Placement> => {
  const all: Array<Placement> = []
  for (let next = router.takeReleased(); next !== undefined; next = router.takeReleased()) all.push(next)
  return all
}

/** 40 picks among idle workers. */
const picks = (seed: number): Array<number> => {
  const router = core({ seed, tieBreak: "random" })
  return Array.from({ length: 40 }, (_, id) => {
    const routed = prompt(id, id * 10)
    const worker = router.route(routed, 0)
    router.freed(routed, 0)
    return worker
  })
}

describe("KV router", () => {
  it("sends equal prompts where the first is being prefilled only if that costs less", () => {
    const { lastCosts, router } = watched({}, { workers: 2 })
    assert.strictEqual(router.route(prompt(0, 100), 0), 0)
    assert.deepStrictEqual(lastCosts(), [20, 20])
    // Worker 0: 640 queued + 640 new tokens = 20 blocks, all 10 held already. Worker 1: 10 + 10.
    assert.strictEqual(router.route(prompt(1, 100), 0), 1)
    assert.deepStrictEqual(lastCosts(), [20 + 10, 10 + 10])
  })

  it("prefers the worker that has the prompt cached, and says how much it expects", () => {
    const { lastCosts, router } = watched({}, { workers: 2 })
    for (const block of blocksFrom(100, 6)) router.kvEvents(1)!.stored(block, 1)
    const routed = prompt(0, 100)
    assert.strictEqual(router.route(routed, 0), 1)
    assert.deepStrictEqual(lastCosts(), [20, 14])
    assert.strictEqual(routed.routeOverlapTokens, 384)
    router.route(prompt(1, 500), 0)
    // Only the 256 uncached tokens wait on worker 1.
    assert.deepStrictEqual(lastCosts(), [20, (256 + 640) / 64 + 20])
  })

  it("forgets the prefill at the first token and the blocks when freed, once", () => {
    const { lastCosts, router } = watched({}, { workers: 2 })
    const first = prompt(0, 100)
    router.route(first, 0)
    router.prefillDone(first, 5)
    router.prefillDone(first, 6)
    router.route(prompt(1, 500), 7)
    assert.deepStrictEqual(lastCosts(), [30, 20])
    first.letGo()
    router.freed(first, 8)
    router.freed(first, 8)
    router.route(prompt(2, 900), 9)
    assert.deepStrictEqual(lastCosts(), [20, 40])
  })

  it("ignores blocks, or prefill, when told not to track them", () => {
    const blockless = watched({ routerTrackActiveBlocks: false }, { workers: 2 })
    blockless.router.route(prompt(0, 100), 0)
    blockless.router.route(prompt(1, 100), 0)
    assert.deepStrictEqual(blockless.lastCosts(), [20, 10])
    const prefillless = watched({ routerTrackPrefillTokens: false }, { workers: 2 })
    prefillless.router.route(prompt(0, 100), 0)
    prefillless.router.route(prompt(1, 100), 0)
    assert.deepStrictEqual(prefillless.lastCosts(), [10, 10])
  })

  it("shares no blocks without the reuse assumption", () => {
    const { lastCosts, router } = watched({ routerAssumeKvReuse: false, routerTrackPrefillTokens: false })
    const first = prompt(0, 100)
    router.route(first, 0)
    router.route(prompt(1, 100), 0)
    assert.deepStrictEqual(lastCosts(), [20, 10, 10, 10])
    router.freed(first, 1)
    router.route(prompt(2, 100), 1)
    assert.deepStrictEqual(lastCosts(), [10, 20, 10, 10])
  })

  it("looks at the prompt's blocks only, not at planned output", () => {
    const { lastCosts, router } = watched({}, { workers: 1 })
    router.route(request({ promptTokens: 100, blocks: blocksFrom(0, 5) }), 0)
    assert.deepStrictEqual(lastCosts(), [100 / 64 + 1])
    router.route(request({ id: 1, promptTokens: 320, blocks: blocksFrom(0, 5) }), 0)
    assert.deepStrictEqual(lastCosts(), [420 / 64 + 1 + 4])
  })

  it("takes prefill workers without blocks and decode workers without cache or prefill", () => {
    const prefill = watched({}, { role: "prefill", workers: 2 })
    for (const block of blocksFrom(100, 10)) prefill.router.kvEvents(0)!.stored(block, 1)
    prefill.router.route(prompt(0, 100), 0)
    assert.deepStrictEqual(prefill.lastCosts(), [0, 10])
    const decode = watched({ routerQueueThreshold: 0 }, { role: "decode", workers: 2 })
    assert.isUndefined(decode.router.kvEvents(0))
    assert.strictEqual(decode.router.route(prompt(0, 100), 0), 0)
    assert.strictEqual(decode.router.route(prompt(1, 100), 0), 1)
    assert.strictEqual(decode.router.route(prompt(2, 100), 0), 0)
    assert.deepStrictEqual(decode.lastCosts(), [20, 20])
  })

  it("parks while all are busy and releases one by one, each counting for the next", () => {
    const router = core({ routerQueueThreshold: 0 }, { workers: 2 })
    const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((id) => prompt(id, id * 10))
    assert.deepStrictEqual(
      [a, b, c, d, e].map((each) => router.route(each!, 0)),
      [0, 1, -1, -1, -1]
    )
    assert.strictEqual(router.parked, 3)
    assert.deepStrictEqual(new Set(router.parkedRequests()), new Set([c, d, e]))
    router.prefillDone(b!, 1)
    assert.deepStrictEqual(takePlacements(router), [{ request: c!, workerIndex: 1 }])
    router.freed(a!, 2)
    assert.deepStrictEqual(takePlacements(router), [{ request: d!, workerIndex: 0 }])
    assert.deepStrictEqual([c!.workerIndex, d!.workerIndex], [-1, -1], "where a request is belongs to the loop")
    router.freed(d!, 3)
    router.freed(c!, 3)
    assert.deepStrictEqual(takeAll(router), [e])
    assert.strictEqual(router.parked, 0)
    assert.isUndefined(router.takeReleased())
  })

  it("keeps the overlap of the arrival while parked", () => {
    const router = core({ routerQueueThreshold: 0 }, { workers: 1 })
    const first = prompt(0, 100)
    router.route(first, 0)
    const parked = prompt(1, 100)
    assert.strictEqual(router.route(parked, 0), -1)
    for (const block of blocksFrom(100, 10)) router.kvEvents(0)!.stored(block, 1)
    router.freed(first, 1)
    assert.deepStrictEqual(takeAll(router), [parked])
    assert.strictEqual(parked.routeOverlapTokens, 0)
  })

  it("lets the engine arguments override the queue order", () => {
    const router = core({ routerQueueThreshold: 0 }, { workers: 1, queuePolicy: "lcfs" })
    const first = prompt(0, 100)
    router.route(first, 0)
    const [early, late] = [prompt(1, 200), prompt(2, 300)]
    router.route(early, 10)
    router.route(late, 20)
    router.freed(first, 30)
    assert.deepStrictEqual(takeAll(router), [late])
  })

  it("marks every identity that workers cache, of prompts the last one", () => {
    const router = core({ routerQueueThreshold: 0 }, { workers: 1 })
    router.kvEvents(0)!.stored(7, 1)
    router.route(request({ id: 0, promptTokens: 128, blocks: [1, 2] }), 0)
    router.route(request({ id: 1, promptTokens: 128, blocks: [3, 4] }), 0)
    const marked = new Set(markedBlocks(router))
    assert.deepStrictEqual(marked, new Set([7, 2, 4]))
  })

  it("counts down modelled prefills as time passes", () => {
    const { lastCosts, router } = watched({ prefillEstimator: (newTokens) => newTokens / 64 }, { workers: 1 })
    router.route(prompt(0, 100), 0)
    router.route(prompt(1, 200), 4)
    // 4 of 10 ms are over: 384 tokens left.
    assert.deepStrictEqual(lastCosts(), [(384 + 640) / 64 + 20])
  })

  it("repeats its ties with its seed and differs between seeds", () => {
    assert.deepStrictEqual(picks(1), picks(1))
    assert.notDeepEqual(picks(1), picks(2))
  })

  it("does as the hook says", () => {
    const router = core({}, {}, ({ minima, request }) => (request.id === 0 ? minima.at(-1) : undefined))
    assert.strictEqual(router.route(prompt(0, 100), 0), 3)
    assert.strictEqual(router.route(prompt(1, 500), 0), 0)
  })
})

const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))
const action = Schema.Struct({ kind: Schema.Literals(["arrive", "first", "free"]), pick: below(1000) })

describe("KV router, any course of events", () => {
  for (const options of [
    {},
    { routerQueueThreshold: 0.01 },
    { routerTemperature: 0.7 },
    { routerAssumeKvReuse: false }
  ]) {
    it.prop(`is empty again after all is freed: ${JSON.stringify(options)}`, [Schema.Array(action)], ([actions]) => {
      const { lastCosts, router } = watched(options)
      const active: Array<SimRequest> = []
      let arrived = 0
      actions.forEach(({ kind, pick }, now) => {
        const one = active[pick % Math.max(1, active.length)]
        if (kind === "arrive") {
          const length = 1 + (pick % 12)
          const next = request({
            id: arrived++,
            promptTokens: length * 64 + (pick % 64),
            blocks: blocksFrom(0, length)
          })
          if (router.route(next, now) >= 0) active.push(next)
        } else if (one !== undefined && kind === "first") {
          router.prefillDone(one, now)
        } else if (one !== undefined) {
          active.splice(active.indexOf(one), 1)
          router.freed(one, now)
        }
        active.push(...takeAll(router))
        assert.isTrue(active.length > 0 || router.parked === 0)
      })
      while (active.length > 0) {
        router.freed(active.pop()!, 1000)
        active.push(...takeAll(router))
      }
      assert.strictEqual(router.parked, 0)
      router.route(prompt(arrived, 5000), 1000)
      assert.deepStrictEqual(lastCosts(), [20, 20, 20, 20])
    })
  }
})

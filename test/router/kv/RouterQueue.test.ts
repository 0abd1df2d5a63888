import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { QueuePolicy } from "../../../src/engine/EngineArgs.ts"
import { type PolicyClass, type PolicyProfile, singleClassProfile } from "../../../src/router/kv/PolicyProfile.ts"
import { QueueLimitReached, RouterQueue } from "../../../src/router/kv/RouterQueue.ts"
import { RouterFault } from "../../../src/router/RouterFault.ts"
import { request } from "../Requests.ts"
import { markedBlocks } from "../../support/MarkedBlocks.ts"

const none = new Int32Array(1)

/** Takes everything out, in release order, as request ids. */
const drain = (queue: RouterQueue): Array<number> => {
  const ids: Array<number> = []
  for (let parked = queue.release(); parked !== undefined; parked = queue.release()) ids.push(parked.request.id)
  return ids
}

interface Waiting {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly atMs: number
  readonly priority: number
  readonly tier: number
}

const naiveScore: Readonly<Record<QueuePolicy, (w: Waiting) => number>> = {
  fcfs: (w) => Math.max(0, w.priority) - w.atMs / 1000,
  lcfs: (w) => Math.max(0, w.priority) + w.atMs / 1000,
  wspt: (w) => (1 + Math.max(0, w.priority)) / Math.max(1, w.promptTokens - w.cachedTokens)
}

const waiting = Schema.Struct({
  promptTokens: Schema.Int.check(Schema.isBetween({ minimum: 64, maximum: 300 })),
  cachedTokens: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 64 })),
  atMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
  priority: Schema.Int.check(Schema.isBetween({ minimum: -2, maximum: 2 })),
  tier: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 }))
})

const parkAll = (queue: RouterQueue, all: ReadonlyArray<Waiting>): void =>
  all.forEach((w, id) => {
    const hints = { priority: w.priority, strictPriority: w.tier }
    assert.isTrue(queue.park(request({ id, promptTokens: w.promptTokens, hints }), none, w.cachedTokens, w.atMs * 1000))
  })

describe("router queue", () => {
  for (const policy of ["fcfs", "lcfs", "wspt"] as const) {
    it.prop(`releases everything in key order: ${policy}`, [Schema.Array(waiting)], ([all]) => {
      const load = Float64Array.of(Infinity)
      const queue = new RouterQueue(singleClassProfile(policy, 1), 100, load)
      parkAll(queue, all)
      assert.strictEqual(queue.size, all.length)
      assert.deepStrictEqual(drain(queue), [])
      load[0] = 0
      const score = (w: Waiting) => naiveScore[policy]({ ...w, atMs: w.atMs * 1000 })
      const order = all
        .map((w, id) => ({ w, id }))
        .toSorted((a, b) => b.w.tier - a.w.tier || score(b.w) - score(a.w) || a.id - b.id)
        .map(({ id }) => id)
      assert.deepStrictEqual(drain(queue), order)
      assert.strictEqual(queue.size, 0)
    })
  }

  it("counts a worker as busy strictly above threshold times budget", () => {
    const load = Float64Array.of(150, 151)
    const queue = new RouterQueue(singleClassProfile("fcfs", 1.5), 100, load)
    assert.isFalse(queue.park(request({ promptTokens: 1 }), none, 0, 0))
    load[0] = 151
    assert.isTrue(queue.park(request({ promptTokens: 1 }), none, 0, 0))
  })

  it("parks behind others even when a worker is idle again", () => {
    const load = Float64Array.of(1)
    const queue = new RouterQueue(singleClassProfile("fcfs", 0), 100, load)
    assert.isTrue(queue.park(request({ id: 0, promptTokens: 1 }), none, 0, 0))
    load[0] = 0
    assert.isTrue(queue.park(request({ id: 1, promptTokens: 1 }), none, 0, 0))
    assert.deepStrictEqual(drain(queue), [0, 1])
    assert.isFalse(queue.park(request({ id: 2, promptTokens: 1 }), none, 0, 0))
  })

  it("never parks without a threshold", () => {
    const queue = new RouterQueue(singleClassProfile("fcfs", null), 1, Float64Array.of(1e15))
    assert.isFalse(queue.park(request({ promptTokens: 1 }), none, 0, 0))
  })

  it("assumes ten million tokens for an unlimited budget", () => {
    const load = Float64Array.of(5e6)
    const queue = new RouterQueue(singleClassProfile("fcfs", 0.5), Infinity, load)
    assert.isFalse(queue.park(request({ promptTokens: 1 }), none, 0, 0))
    load[0] = 5e6 + 1
    assert.isTrue(queue.park(request({ promptTokens: 1 }), none, 0, 0))
  })

  it("keeps the overlaps of the arrival and the blocks of the parked", () => {
    const overlaps = Int32Array.of(3)
    const load = Float64Array.of(1)
    const queue = new RouterQueue(singleClassProfile("fcfs", 0), 100, load)
    queue.park(request({ promptTokens: 192, blocks: [7, 8, 9] }), overlaps, 192, 0)
    overlaps[0] = 0
    assert.deepStrictEqual(markedBlocks(queue), [9])
    load[0] = 0
    assert.deepStrictEqual(Array.from(queue.release()!.overlaps), [3])
  })
})

const policyClass = (name: string, changes?: Partial<PolicyClass>): PolicyClass => ({
  name,
  member: undefined,
  queuePolicy: "fcfs",
  quantumTokens: 100,
  prefillBusyTokens: undefined,
  prefillBusyFraction: 0,
  requestLimitPerWorker: undefined,
  rawTokenLimitPerWorker: undefined,
  cachedTokenLimitPerWorker: undefined,
  ...changes
})

const profile = (...classes: Array<PolicyClass>): PolicyProfile => ({
  defaultFamily: "all",
  buckets: [{ minTokens: 0, name: "any" }],
  classes: [...classes, policyClass("rest", { member: { family: "all", bucket: "any" } })]
})

describe("router queue with policy classes", () => {
  it("judges busyness per class, by whichever threshold is exceeded", () => {
    const load = Float64Array.of(50)
    const queue = new RouterQueue(
      profile(
        policyClass("low", { prefillBusyTokens: 49, prefillBusyFraction: 10 }),
        policyClass("high", { prefillBusyTokens: 50, prefillBusyFraction: 0.5 })
      ),
      100,
      load
    )
    const park = (policyClass: string) => queue.park(request({ promptTokens: 1, hints: { policyClass } }), none, 0, 0)
    assert.deepStrictEqual(["low", "high", "unheard-of"].map(park), [true, false, true])
  })

  it("lets an open class pass a blocked one", () => {
    const load = Float64Array.of(100)
    const queue = new RouterQueue(profile(policyClass("open", { prefillBusyFraction: 0.5 })), 100, load)
    queue.park(request({ id: 0, promptTokens: 1 }), none, 0, 0)
    queue.park(request({ id: 1, promptTokens: 1, hints: { policyClass: "open" } }), none, 0, 0)
    load[0] = 30
    assert.deepStrictEqual(drain(queue), [1])
  })

  const cases: ReadonlyArray<readonly [Partial<PolicyClass>, string]> = [
    [{ requestLimitPerWorker: 1 }, 'router policy class "c" queue requests limit reached (current=2, limit=2)'],
    [
      { rawTokenLimitPerWorker: 50 },
      'router policy class "c" queue raw_isl_tokens limit reached (current=128, limit=100)'
    ],
    [
      { cachedTokenLimitPerWorker: 10 },
      'router policy class "c" queue cached_tokens limit reached (current=20, limit=20)'
    ]
  ]
  for (const [limit, message] of cases) {
    it(`stops at a limit: ${message}`, () => {
      const queue = new RouterQueue(profile(policyClass("c", limit)), 100, Float64Array.of(1, 1))
      const park = (id: number) =>
        queue.park(request({ id, promptTokens: 64, hints: { policyClass: "c" } }), none, 10, 0)
      park(0)
      park(1)
      assert.throws(() => park(2), QueueLimitReached, message)
      assert.throws(() => park(2), RouterFault)
    })
  }
})

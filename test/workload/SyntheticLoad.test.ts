import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { SyntheticOptions } from "../../src/workload/SyntheticLoad.ts"
import { planSynthetic } from "../../src/workload/SyntheticLoad.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { drive, mapIdentity } from "./Drive.ts"

const basic: SyntheticOptions = { inputTokens: 100, outputTokens: 4, requestCount: 3, blockTokens: 64 }

const rowsOf = (changes: Partial<SyntheticOptions>) =>
  Effect.flatMap(planSynthetic({ ...basic, ...changes }), (plan) => Stream.runCollect(plan.rows))

const driven = (changes: Partial<SyntheticOptions>) =>
  Effect.gen(function* () {
    const workload = yield* Workload
    const rows = yield* Stream.runCollect(workload.rows)
    const core = yield* workload.make(mapIdentity(basic.blockTokens))
    return drive(core, { rows })
  }).pipe(Effect.provide(Workload.layerSynthetic({ ...basic, ...changes })))

const problemOf = (changes: Partial<SyntheticOptions>) =>
  Effect.map(Effect.flip(planSynthetic({ ...basic, ...changes })), (error) => error.message)

describe("synthetic load", () => {
  it.effect("makes single requests at multiples of the interval that share nothing", () =>
    Effect.gen(function* () {
      const { requests } = yield* driven({ arrivalIntervalMs: 0.1, requestCount: 4, inputTokens: 200 })
      assert.deepStrictEqual(
        requests.map((r) => r.arrivalMs),
        [0, 0.1, 0.2, 3 * 0.1]
      )
      for (const request of requests) {
        assert.deepStrictEqual([request.sessionId, request.promptTokens, request.outputTokens], [null, 200, 4])
      }
      assert.strictEqual(new Set(requests.flatMap((r) => Array.from(r.blocks))).size, 12)
      const fast = yield* driven({ arrivalIntervalMs: 0.1, requestCount: 4, arrivalSpeedup: 3 })
      assert.deepStrictEqual(
        fast.requests.map((r) => r.arrivalMs),
        [0, 0.1 / 3, 0.2 / 3, (3 * 0.1) / 3]
      )
    })
  )

  it.effect("adds up the arrivals of sessions one by one", () =>
    Effect.gen(function* () {
      const rows = yield* rowsOf({ requestCount: 60, arrivalIntervalMs: 100.1, turnsPerSession: 2 })
      assert.strictEqual(rows.length, 120)
      assert.strictEqual(rows.at(-2)?.timestampMs, 5905.900000000004)
      const flat = yield* rowsOf({ requestCount: 60, arrivalIntervalMs: 100.1 })
      assert.strictEqual(flat.at(-1)?.timestampMs, 5905.9)
    })
  )

  it.effect("scales waits between turns in an open loop only", () =>
    Effect.gen(function* () {
      const session = { turnsPerSession: 2, interTurnDelayMs: 10, requestCount: 1 }
      const arrivals = (changes: Partial<SyntheticOptions>) =>
        Effect.map(driven({ ...session, ...changes }), ({ requests }) => requests.map((r) => r.arrivalMs))
      assert.deepStrictEqual(yield* arrivals({}), [0, 20])
      assert.deepStrictEqual(yield* arrivals({ arrivalSpeedup: 2 }), [0, 15])
      assert.deepStrictEqual(yield* arrivals({ concurrency: 1, arrivalSpeedup: Number.NaN }), [0, 20])
    })
  )

  it.effect("limits requests, or sessions where there are any", () =>
    Effect.gen(function* () {
      const requests = yield* driven({ requestCount: 5, concurrency: 2 })
      assert.deepStrictEqual(requests.dispatchMs, [0, 0, 10, 10, 20])
      const sessions = yield* driven({ requestCount: 3, turnsPerSession: 2, concurrency: 1 })
      assert.deepStrictEqual(
        sessions.requests.map((r) => `${r.sessionId}.${r.turnIndex}`),
        ["session_0.0", "session_0.1", "session_1.0", "session_1.1", "session_2.0", "session_2.1"]
      )
    })
  )

  it.effect("shares the rounded part of every prompt within a group", () =>
    Effect.gen(function* () {
      const shared = { inputTokens: 320, turnsPerSession: 2, sharedPrefixRatio: 0.5 }
      const { requests } = yield* driven({ ...shared, prefixGroups: 1 })
      const common = requests[0]!.blocks.slice(0, 3)
      for (const { blocks } of requests) assert.deepStrictEqual(blocks.slice(0, 3), common)
      assert.strictEqual(new Set(requests.flatMap((r) => Array.from(r.blocks))).size, 3 + 6 * 2)
      const alone = yield* driven({ ...shared, prefixGroups: 0 })
      assert.strictEqual(new Set(alone.requests.flatMap((r) => Array.from(r.blocks))).size, 6 * 5)
    })
  )

  it.effect("draws each session's group evenly, from the seed, and gives every group its own prefix", () =>
    Effect.gen(function* () {
      const options = { inputTokens: 128, requestCount: 3000, sharedPrefixRatio: 1, prefixGroups: 3 }
      const groups = (seed: number) =>
        Effect.map(rowsOf({ ...options, seed }), (rows) => rows.map((row) => Array.from(row.hashIds).join()))
      const drawn = yield* groups(42)
      assert.deepStrictEqual(drawn, yield* groups(42))
      assert.notDeepEqual(drawn, yield* groups(43))
      const counts = new Map<string, number>()
      for (const prefix of drawn) counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
      assert.deepStrictEqual([...counts.keys()].toSorted(), ["0,0", "1,1", "2,2"])
      for (const count of counts.values()) assert.isTrue(count > 900 && count < 1100, `${count}`)
    })
  )

  const refused: ReadonlyArray<readonly [Partial<SyntheticOptions>, string]> = [
    [
      { inputTokens: 0 },
      "input_tokens: expected an integer from 1 to 2147483647, uniform:LOW,HIGH or lognormal:MEAN,SIGMA, got 0"
    ],
    [
      { outputTokens: -4 },
      "output_tokens: expected an integer from 1 to 2147483647, uniform:LOW,HIGH or lognormal:MEAN,SIGMA, got -4"
    ],
    [{ requestCount: 0.5 }, "request_count: expected an integer from 1 to 4294967296, got 0.5"],
    [{ turnsPerSession: 0 }, "turns_per_session: expected an integer from 1 to 2147483647, got 0"],
    [
      { inputTokens: 2 ** 31 },
      "input_tokens: expected an integer from 1 to 2147483647, uniform:LOW,HIGH or lognormal:MEAN,SIGMA, got 2147483648"
    ],
    [{ arrivalIntervalMs: Number.NaN }, "arrival_interval_ms: expected a number from 0 to 1e12, got NaN"],
    [
      { arrivalIntervalMs: 1e308, requestCount: 100 },
      "arrival_interval_ms: expected a number from 0 to 1e12, got 1e+308"
    ],
    [{ interTurnDelayMs: -5 }, "inter_turn_delay_ms: expected a number from 0 to 1e12, got -5"],
    [{ sharedPrefixRatio: 1.5 }, "shared_prefix_ratio: expected a number from 0 to 1, got 1.5"],
    [{ sharedPrefixRatio: Number.NaN }, "shared_prefix_ratio: expected a number from 0 to 1, got NaN"],
    [{ prefixGroups: -1 }, "num_prefix_groups: expected an integer from 0"],
    [{ requestCount: 2 ** 31, turnsPerSession: 3 }, "request_count: is too large"],
    [{ arrivalSpeedup: 0 }, "arrival_speedup_ratio: expected a number above 0, from 1e-6 to 1e12, got 0"],
    [{ concurrency: 0 }, "replay_concurrency: expected an integer of at least 1, got 0"]
  ]
  for (const [changes, message] of refused) {
    it.effect(`refuses ${JSON.stringify(changes)}: ${message}`, () =>
      Effect.gen(function* () {
        assert.include(yield* problemOf(changes), message)
      })
    )
  }

  it.effect("makes long prompts in small portions", () =>
    Effect.gen(function* () {
      // 10,000 ids per row, and a chunk ends with the row that reaches 65,536.
      const plan = yield* planSynthetic({ ...basic, inputTokens: 640_000, requestCount: 30 })
      const sizes = yield* plan.rows.pipe(
        Stream.chunks,
        Stream.map((chunk) => chunk.length),
        Stream.runCollect
      )
      assert.deepStrictEqual(sizes, [7, 7, 7, 7, 2])
    })
  )

  it.effect("is one layer away", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Workload).traceBlockTokens, 64)
    }).pipe(Effect.provide(Layer.orDie(Workload.layerSynthetic(basic))))
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SeenPrefixes } from "../../src/trace/SeenPrefixes.ts"
import { traceStatistics } from "../../src/trace/TraceStatistics.ts"
import { jsonLines, sourceOf } from "./TraceTexts.ts"

const statisticsOf = (rows: ReadonlyArray<object>, maxPrefixes?: number) =>
  Effect.flatMap(sourceOf(jsonLines(rows.map((row) => ({ output_length: 1, ...row })))), (trace) =>
    traceStatistics(trace, maxPrefixes === undefined ? {} : { maxPrefixes })
  )

describe("traceStatistics", () => {
  it.effect("describes lengths exactly", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 100 }, (_, i) => ({
        timestamp: i,
        input_length: 100 - i,
        output_length: 7,
        hash_ids: [i, i]
      }))
      const { outputTokens, promptTokens } = yield* statisticsOf(rows)
      assert.deepStrictEqual(promptTokens, {
        total: 5050,
        mean: 50.5,
        std: Math.sqrt((100 * 100 - 1) / 12),
        min: 1,
        p50: 50,
        p90: 90,
        p99: 99,
        max: 100
      })
      assert.strictEqual(outputTokens.std, 0)
      assert.strictEqual(outputTokens.p99, 7)
    })
  )

  it.effect("describes arrivals", () =>
    Effect.gen(function* () {
      const at = (...timestamps: ReadonlyArray<number>) =>
        Effect.map(
          statisticsOf(timestamps.map((timestamp) => ({ timestamp, hash_ids: [1] }))),
          (found) => found.arrivals
        )
      assert.deepStrictEqual(yield* at(100, 600, 1100, 1600), {
        firstMs: 100,
        lastMs: 1600,
        ratePerSecond: 4 / 1.5,
        gapVariation: 0,
        mostInOneSecond: 2
      })
      assert.strictEqual((yield* at(0, 0, 3000, 3000))?.gapVariation, Math.SQRT2)
      assert.strictEqual((yield* at(5, 3))?.gapVariation, undefined)
      assert.strictEqual((yield* at(5, 3))?.firstMs, 3)
      assert.strictEqual((yield* at(5))?.ratePerSecond, undefined)
      assert.strictEqual((yield* statisticsOf([{ hash_ids: [1] }])).arrivals, undefined)
    })
  )

  it.effect("describes sessions", () =>
    Effect.gen(function* () {
      const row = (session_id?: string) => ({ timestamp: 0, hash_ids: [1], session_id })
      const { sessions } = yield* statisticsOf([row("a"), row(), row("a"), row("b"), row("a")])
      assert.deepStrictEqual(sessions, { sessions: 3, multiTurnSessions: 1, meanTurns: 5 / 3, mostTurns: 3 })
    })
  )

  it.effect("describes what prompts share with earlier ones", () =>
    Effect.gen(function* () {
      const prompts = [
        [1, 2, 3],
        [1, 2, 4],
        [2, 3],
        [1, 2]
      ]
      const rows = prompts.map((hash_ids, timestamp) => ({
        timestamp,
        hash_ids,
        input_length: hash_ids.length * 64 - 4
      }))
      const { sharing } = yield* statisticsOf(rows)
      assert.deepStrictEqual(sharing, {
        rows: 2,
        tokens: 128 + 124,
        tokenRatio: 252 / 624,
        totalBlocks: 10,
        distinctBlocks: 6,
        isLowerBound: false
      })
      const bounded = (yield* statisticsOf(rows, 2)).sharing
      assert.isTrue(bounded?.isLowerBound)
      assert.isAtMost(bounded?.tokens ?? 0, 252)
    })
  )
})

describe("SeenPrefixes", () => {
  it.effect.prop(
    "agrees with comparing all prefixes",
    [Schema.Array(Schema.Array(Schema.Literals([0, 1, 2, 2 ** 32 - 1])).check(Schema.isMaxLength(6)))],
    ([prompts]) =>
      Effect.sync(() => {
        const index = new SeenPrefixes(1000)
        const seen = new Set<string>()
        for (const prompt of prompts) {
          const prefixes = prompt.map((_, i) => prompt.slice(0, i + 1).join())
          const known = prefixes.findIndex((prefix) => !seen.has(prefix))
          assert.strictEqual(index.add(prompt, prompt.length), known < 0 ? prompt.length : known)
          for (const prefix of prefixes) seen.add(prefix)
        }
        assert.strictEqual(index.size, seen.size)
      })
  )

  it("grows, and stays within its bound", () => {
    const index = new SeenPrefixes(50_000)
    for (let i = 0; i < 60_000; i++) index.add([i >> 3, i, i + 1], 3)
    assert.isTrue(index.isFull)
    assert.strictEqual(index.size, 50_000)
    assert.strictEqual(index.add([0, 3, 4], 3), 3)
  })
})

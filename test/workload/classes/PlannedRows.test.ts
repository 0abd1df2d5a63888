/** Workload files: what they may say, and what rows they stand for. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { plainMap } from "../../../src/settings/JsonNode.ts"
import { parse } from "../../../src/settings/StrictJson.ts"
import { fromRows } from "../../../src/trace/TraceSource.ts"
import { traceStatistics } from "../../../src/trace/TraceStatistics.ts"
import type { TraceRow } from "../../../src/trace/TraceRow.ts"
import { levelsOf, plannedRows, sessionsPerClass } from "../../../src/workload/classes/PlannedRows.ts"
import { decodeWorkload, type WorkloadPlan } from "../../../src/workload/classes/WorkloadPlan.ts"

const decoded = (value: unknown) => {
  const node = Result.getOrThrow(parse(JSON.stringify(value)))
  assert(node._tag === "Object")
  return decodeWorkload(plainMap(node))
}

const planOf = (value: unknown): WorkloadPlan => Result.getOrThrow(decoded(value))

const problemOf = (value: unknown): string => {
  const { hint, message } = Result.getOrThrow(Result.flip(decoded(value)))
  return hint === undefined ? message : `${message}; ${hint}`
}

const lengths = { input_tokens: 100, output_tokens: 10 }
const least = { rate: 2, ...lengths }

const rowsOf = (value: unknown, requestCount: number, seed = 1) =>
  Effect.flatMap(plannedRows(planOf(value), { requestCount, seed }), (rows) => Stream.runCollect(rows))

const classOf = (rows: ReadonlyArray<TraceRow>, name: string) => rows.filter(({ className }) => className === name)

describe("a workload file", () => {
  it("needs classes that say how much of what", () => {
    const cases: ReadonlyArray<readonly [unknown, string]> = [
      [{}, "classes: is missing; a workload has a class or more"],
      [{ classes: {} }, "classes: expected an object with a class or more by name, got an empty object"],
      [{ classes: 3 }, "classes: expected an object with a class or more by name, got 3"],
      [{ classes: { a: 3 } }, "classes.a: expected an object with settings"],
      [
        { clases: {} },
        "clases: unknown key; did you mean classes? accepted keys: block_tokens, request_count, day_seconds, classes"
      ],
      [{ classes: { a: { rate: 1, output_tokens: 1 } } }, "classes.a.input_tokens: is missing"],
      [{ classes: { a: { rate: 1, input_tokens: 1 } } }, "classes.a.output_tokens: is missing"],
      [{ classes: { a: { input_tokens: 1, output_tokens: 1 } } }, "classes.a.rate: is missing; give it or gaps_ms"],
      [
        { classes: { a: { ...least, gaps_ms: 5 } } },
        "classes.a.gaps_ms: cannot stand beside rate; both say how often requests arrive; leave one out"
      ],
      [{ classes: { a: { ...least, arrivals: "gamma" } } }, "classes.a.arrival_shape: is missing; gamma gaps need it"],
      [{ classes: { a: { ...least, arrival_shape: 2 } } }, "classes.a.arrival_shape: is only for arrivals: gamma"],
      [
        { classes: { a: { ...least, prefix_groups: 2 } } },
        "classes.a.prefix_tokens: is missing; prefix_groups need it"
      ],
      [
        { classes: { a: { ...least, prefix_tokens: 2 } } },
        "classes.a.prefix_groups: is missing; prefix_tokens are those of a group"
      ],
      [
        { classes: { a: { ...least, arrivals: "possion" } } },
        'classes.a.arrivals: expected one of "constant", "poisson", "gamma", got "possion"; did you mean "poisson"?'
      ],
      [
        {
          classes: {
            a: {
              ...least,
              input_tokens: [
                [0, 5],
                [100, 4]
              ]
            }
          }
        },
        "classes.a.input_tokens: a table of percentiles must not go down, but [100, 4] comes after [0, 5]"
      ],
      [
        { classes: { a: { ...least, input_tokens: "uniform:9,3" } } },
        "classes.a.input_tokens: uniform:LOW,HIGH must be integers with 1 <= LOW <= HIGH <= 2147483647, got 9,3"
      ],
      [
        { classes: { a: { ...least, day_curve: [0, 0] } } },
        "classes.a.day_curve: expected a list of two numbers or more of at least 0, not all 0, got a list"
      ]
    ]
    for (const [value, message] of cases) assert.strictEqual(problemOf(value), message)
  })

  const Odd = Schema.Literals([-1, 0, 1e300, "", "x", "uniform:1,5", "lognormal:0,0", "exponential:-3", true])
  const Key = Schema.Literals([
    "rate",
    "arrivals",
    "arrival_shape",
    "gaps_ms",
    "day_curve",
    "input_tokens",
    "output_tokens",
    "turns",
    "turn_input_tokens",
    "wait_ms",
    "max_input_tokens",
    "prefix_groups",
    "prefix_tokens",
    "sharing",
    "priority",
    "policy_class",
    "sla_ttft_ms",
    "nonsense"
  ])

  it.effect.prop(
    "is refused in a sentence, or makes rows that can be replayed",
    [
      Schema.Array(Schema.Tuple([Key, Odd])).check(Schema.isMaxLength(4)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))
    ],
    ([changes, requestCount]) =>
      Effect.gen(function* () {
        const plan = decoded({ classes: { a: least, b: { ...least, ...Object.fromEntries(changes) } } })
        if (Result.isFailure(plan)) {
          assert.match(plan.failure.message, /^classes\.b/)
          return
        }
        const rows = yield* plannedRows(plan.success, { requestCount, seed: 3 })
        const { survey } = yield* fromRows({ rows, name: "t", traceBlockTokens: 512 })
        assert.strictEqual(survey.sessions, requestCount)
      })
  )

  it.effect("gives each class its part of the requests, in the order of their starts", () =>
    Effect.gen(function* () {
      const value = {
        classes: { fast: { ...least, rate: 6 }, slow: { ...lengths, gaps_ms: 500, priority: 3, policy_class: "p" } }
      }
      assert.deepStrictEqual(sessionsPerClass(planOf(value), 10), [8, 2])
      assert.deepStrictEqual(sessionsPerClass(planOf(value), 11), [8, 3])
      assert.deepStrictEqual(
        sessionsPerClass(planOf({ classes: { a: { ...lengths, gaps_ms: 0 }, b: least } }), 4),
        [2, 2]
      )
      const rows = yield* rowsOf(value, 400)
      assert.strictEqual(rows.length, 400)
      const times = rows.map(({ timestampMs }) => timestampMs!)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => a - b)
      )
      const slow = classOf(rows, "slow")
      assert.deepStrictEqual(
        slow.map(({ policyClass, priority, timestampMs }) => ({ policyClass, priority, timestampMs })),
        Array.from({ length: 100 }, (_, index) => ({ policyClass: "p", priority: 3, timestampMs: 500 * index }))
      )
      const fast = classOf(rows, "fast")
      assert.closeTo(fast.at(-1)!.timestampMs! / 1000, 300 / 6, 10)
      assert.deepStrictEqual(yield* rowsOf(value, 400), rows)
      assert.notDeepEqual(yield* rowsOf(value, 400, 2), rows)
    })
  )

  it.effect("lets sessions go on: prompts hold what was said and heard", () =>
    Effect.gen(function* () {
      const chat = { ...least, input_tokens: 600, output_tokens: 50, turns: 4, turn_input_tokens: 30, wait_ms: 7 }
      const rows = yield* rowsOf({ block_tokens: 100, classes: { chat } }, 2)
      assert.deepStrictEqual(
        rows.slice(0, 4).map(({ delayMs, promptTokens, sessionId }) => [sessionId, promptTokens, delayMs]),
        [
          ["chat-0", 600, undefined],
          ["chat-0", 680, 7],
          ["chat-0", 760, 7],
          ["chat-0", 840, 7]
        ]
      )
      const shared = (one: TraceRow, other: TraceRow) =>
        Array.from(one.hashIds).filter((id, block) => id === other.hashIds[block]).length
      assert.deepStrictEqual([shared(rows[0]!, rows[1]!), shared(rows[1]!, rows[2]!)], [6, 6])
      assert.strictEqual(shared(rows[0]!, rows[4]!), 0)
      const short = yield* rowsOf({ classes: { chat: { ...chat, max_input_tokens: 700 } } }, 3)
      assert.deepStrictEqual(
        short.map(({ promptTokens }) => promptTokens),
        [600, 680, 600, 680, 600, 680]
      )
    })
  )

  it.effect("lets the prompts of a group begin alike, in whole blocks", () =>
    Effect.gen(function* () {
      const rows = yield* rowsOf(
        { block_tokens: 10, classes: { a: { ...least, prefix_groups: 2, prefix_tokens: 35 } } },
        40
      )
      const begins = new Set(rows.map(({ hashIds }) => Array.from(hashIds).slice(0, 3).join()))
      assert.strictEqual(begins.size, 2)
      assert.strictEqual(new Set(rows.map(({ hashIds }) => hashIds[3])).size, 40)
    })
  )

  it.effect("shares with earlier prompts as its tables say", () =>
    Effect.gen(function* () {
      const half = {
        share: [
          [0, 0.5],
          [100, 0.5]
        ],
        requests_back: [
          [0, 1],
          [100, 1]
        ]
      }
      const rows = yield* plannedRows(planOf({ block_tokens: 10, classes: { a: { ...least, sharing: [half] } } }), {
        requestCount: 50,
        seed: 1
      })
      const { sharing } = yield* traceStatistics(yield* fromRows({ rows, name: "t", traceBlockTokens: 10 }))
      assert.strictEqual(sharing?.tokens, 49 * 50)
    })
  )

  it.effect("comes and goes with the day", () =>
    Effect.gen(function* () {
      const value = { day_seconds: 100, classes: { a: { ...lengths, gaps_ms: 100, day_curve: [1, 3] } } }
      const rows = yield* rowsOf(value, 2001)
      const inDay = rows.map(({ timestampMs }) => (timestampMs! / 1000) % 100)
      assert.closeTo(inDay.filter((second) => second < 50).length, 500, 3)
      assert.closeTo(rows.at(-1)!.timestampMs!, 200_000, 1e-6)
      const nights = { day_seconds: 100, classes: { a: { ...lengths, gaps_ms: 100, day_curve: [0, 1] } } }
      const awake = (yield* rowsOf(nights, 500)).slice(1).map(({ timestampMs }) => (timestampMs! / 1000) % 100)
      assert.isTrue(
        awake.every((second) => second === 0 || second >= 50),
        String(awake.filter((second) => second < 50))
      )
    })
  )

  it("says what a good request of a class is", () => {
    const levels = levelsOf(planOf({ classes: { a: { ...least, sla_ttft_ms: 5, sla_e2e_ms: 9 }, b: least } }))
    assert.deepStrictEqual(
      [...levels],
      [
        ["a", { ttftMs: 5, e2eMs: 9 }],
        ["b", {}]
      ]
    )
  })

  it.effect("must say how many, somewhere", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        plannedRows(planOf({ classes: { a: least } }), { requestCount: undefined, seed: 1 })
      )
      assert.match(error.message, /^request_count: is missing/)
      const rows = yield* plannedRows(planOf({ request_count: 3, classes: { a: least } }), {
        requestCount: undefined,
        seed: 1
      })
      assert.strictEqual((yield* Stream.runCollect(rows)).length, 3)
    })
  )
})

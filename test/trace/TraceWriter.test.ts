import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { mooncakeLine, mooncakeText } from "../../src/trace/TraceWriter.ts"
import { planSynthetic } from "../../src/workload/SyntheticLoad.ts"
import { mooncake } from "./TraceTexts.ts"

const traceBlockTokens = 16
const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Milliseconds = Schema.Finite.check(
  Schema.isBetween({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
)

/** Ids of up to 64 bits, as readers spell them. */
const HashId = Schema.Union([
  integer(0, 2 ** 32 - 1),
  integer(2 ** 32, Number.MAX_SAFE_INTEGER),
  Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 2n ** 53n, maximum: 2n ** 64n - 1n }))
])

/** Everything a row may hold; what the format cannot say is made to fit below. */
const AnyRow = Schema.Struct({
  timestampMs: Schema.Union([Milliseconds, Schema.Undefined]),
  unusedTokens: integer(0, traceBlockTokens - 1),
  outputTokens: integer(1, 5),
  hashIds: Schema.Array(HashId).check(Schema.isMinLength(1)),
  sessionId: Schema.Union([Schema.String, Schema.Undefined]),
  delayMs: Schema.Union([Milliseconds, Schema.Undefined]),
  plansOutputs: Schema.Boolean,
  requestId: Schema.Union([Schema.String, Schema.Undefined]),
  priority: integer(-(2 ** 31), 2 ** 31 - 1),
  strictPriority: integer(0, 2 ** 32 - 1),
  policyClass: Schema.Union([Schema.String, Schema.Undefined]),
  className: Schema.Union([Schema.String, Schema.Undefined])
})

const rowOf = ({ plansOutputs, unusedTokens, ...row }: typeof AnyRow.Type, index: number): TraceRow => ({
  ...row,
  line: index + 1,
  // `JSON.stringify` writes negative zero as zero.
  timestampMs: row.timestampMs === undefined ? undefined : row.timestampMs + 0,
  delayMs: row.delayMs === undefined ? undefined : row.delayMs + 0,
  promptTokens: row.hashIds.length * traceBlockTokens - unusedTokens,
  outputTokenIds: plansOutputs ? Array.from({ length: row.outputTokens }, (_, i) => i * 7) : undefined
})

describe("trace writer", () => {
  it("leaves out what says nothing", () => {
    const row = rowOf(
      {
        timestampMs: 1.5,
        unusedTokens: 6,
        outputTokens: 2,
        hashIds: [3, 4],
        sessionId: undefined,
        delayMs: undefined,
        plansOutputs: false,
        requestId: undefined,
        priority: 0,
        strictPriority: 0,
        policyClass: undefined,
        className: undefined
      },
      0
    )
    assert.strictEqual(mooncakeLine(row), '{"timestamp":1.5,"input_length":26,"output_length":2,"hash_ids":[3,4]}\n')
  })

  it.effect.prop("writes what the reader reads back", [Schema.Array(AnyRow)], ([plans]) =>
    Effect.gen(function* () {
      const rows = plans.map(rowOf)
      const text = (yield* Stream.runCollect(mooncakeText(Stream.fromIterable(rows)))).join("")
      const read = yield* Stream.runCollect(mooncake(text, traceBlockTokens))
      assert.deepStrictEqual(
        read,
        rows.map((row) => ({ ...row, statedTokens: row.promptTokens, clamped: false }))
      )
    })
  )

  it.effect("turns synthetic load into a trace", () =>
    Effect.gen(function* () {
      const plan = yield* planSynthetic({
        inputTokens: 40,
        outputTokens: 2,
        requestCount: 3,
        blockTokens: traceBlockTokens,
        turnsPerSession: 2
      })
      const text = (yield* Stream.runCollect(mooncakeText(plan.rows))).join("")
      const read = yield* Stream.runCollect(mooncake(text, traceBlockTokens))
      assert.deepStrictEqual(
        read.map((row) => [row.sessionId, row.timestampMs, row.delayMs, row.promptTokens]),
        [
          ["session_0", 0, undefined, 40],
          ["session_0", undefined, 0, 40],
          ["session_1", 1, undefined, 40],
          ["session_1", undefined, 0, 40],
          ["session_2", 2, undefined, 40],
          ["session_2", undefined, 0, 40]
        ]
      )
    })
  )
})

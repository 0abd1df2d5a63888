import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { fromRows } from "../../src/trace/TraceSource.ts"
import { Workload } from "../../src/workload/Workload.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { replay, topology } from "../support/Replays.ts"
import { jsonLines, sourceOf } from "../trace/TraceTexts.ts"
import { row } from "./Drive.ts"

const withoutTimes = jsonLines([{ output_length: 1, hash_ids: [1] }])
const negative = jsonLines([{ timestamp: -1, output_length: 1, hash_ids: [1] }])

const messageOf = <E extends { readonly message: string }>(layer: Layer.Layer<Workload, E>) =>
  Effect.map(Effect.flip(Effect.scoped(Layer.build(layer))), (error) => error.message)

const runRows = (rows: ReadonlyArray<TraceRow>, plansOutputs = false) =>
  replay(
    topology(engineArgs()),
    Layer.orDie(
      Workload.layerRows({ rows: Stream.fromIterable(rows), name: "made", traceBlockTokens: 64, plansOutputs })
    )
  )

describe("Workload", () => {
  it.effect("refuses a speedup or a concurrency that is none before it looks at the trace", () =>
    Effect.gen(function* () {
      const trace = yield* sourceOf(withoutTimes)
      for (const arrivalSpeedup of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.strictEqual(
          yield* messageOf(Workload.layerOpenLoop({ trace, arrivalSpeedup })),
          `ratio: expected a number above 0, from 1e-6 to 1e12, got ${arrivalSpeedup}`
        )
      }
      assert.strictEqual(
        yield* messageOf(Workload.layerClosedLoop({ trace, concurrency: 0 })),
        "replay_concurrency: expected an integer of at least 1, got 0"
      )
    })
  )

  it.effect("refuses in each loop what only that loop cannot replay", () =>
    Effect.gen(function* () {
      assert.include(
        yield* messageOf(Workload.layerOpenLoop({ trace: yield* sourceOf(withoutTimes) })),
        "t.jsonl:1: trace mode requires first_arrival_timestamp_ms for session request_1"
      )
      assert.include(
        yield* messageOf(Workload.layerClosedLoop({ trace: yield* sourceOf(negative), concurrency: 1 })),
        "t.jsonl:1: session request_1 has invalid first_arrival_timestamp_ms -1"
      )
    })
  )

  it.effect("runs rows that a program makes, and more than once", () =>
    Effect.gen(function* () {
      const rows = [0, 5, 5].map((timestampMs, i) => row(i + 1, { timestampMs, sessionId: i === 1 ? "s" : undefined }))
      const later = row(4, { timestampMs: 900, sessionId: "s" })
      for (let run = 0; run < 2; run++) {
        const { records } = yield* runRows([...rows, later])
        assert.deepStrictEqual(records.map((r) => r.turnIndex).toSorted(), [0, 0, 0, 1])
      }
    })
  )

  it.effect("runs rows of a program in any order, and in a closed loop, once they have been checked", () =>
    Effect.gen(function* () {
      const rows = Stream.fromIterable([
        row(1, { timestampMs: 5, sessionId: "s" }),
        row(2, { timestampMs: 4 }),
        row(3, { sessionId: "s" })
      ])
      const trace = yield* fromRows({ rows, name: "made", traceBlockTokens: 64 })
      for (const workload of [Workload.layerOpenLoop({ trace }), Workload.layerClosedLoop({ trace, concurrency: 1 })]) {
        assert.strictEqual((yield* replay(topology(engineArgs()), Layer.orDie(workload))).records.length, 3)
      }
      const bad = fromRows({
        rows: Stream.make(row(7, { promptTokens: 0, timestampMs: 0 })),
        name: "made",
        traceBlockTokens: 64
      })
      assert.match(
        (yield* Effect.flip(bad)).message,
        /^made:7: session request_7 turn 0 must have a positive input_length/
      )
    })
  )

  it.effect("refuses rows of a program that are out of order, or plan outputs unannounced", () =>
    Effect.gen(function* () {
      const unsorted = yield* Effect.flip(runRows([row(1, { timestampMs: 5 }), row(2, { timestampMs: 4 })]))
      assert.match(unsorted.message, /^made:2: trace line 2 is out of order/)
      const planning = [row(1, { timestampMs: 5, outputTokenIds: [3] })]
      assert.match((yield* Effect.flip(runRows(planning))).message, /^made:1: trace line 1 has output_token_ids/)
      assert.strictEqual((yield* runRows(planning, true)).records.length, 1)
      const untimed = yield* Effect.flip(runRows([row(1)]))
      assert.include(untimed.message, "trace mode requires first_arrival_timestamp_ms")
    })
  )
})

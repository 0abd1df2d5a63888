import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { ReplayEvent } from "../../src/report/ReplayEvent.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import { sink } from "../../src/report/ReportSink.ts"
import { ReusedSamples } from "../../src/report/ReusedSamples.ts"
import { SpareColumns } from "../../src/structures/SpareColumns.ts"
import { gaps, served, summary } from "./Records.ts"

const events: ReadonlyArray<ReplayEvent> = [
  ...Array.from({ length: 500 }, (_, id) =>
    served({ id, arrivalMs: id, tokensMs: [id + 10 + (id % 7), id + 90 + (id % 3)] })
  ),
  gaps([80, 300], [81, 100], [79, 100]),
  summary({ arrivedRequests: 500 })
]

describe("ReportSink", () => {
  it.effect("makes the same report whatever the chunks", () =>
    Effect.gen(function* () {
      const builder = new ReportBuilder()
      for (const event of events) builder.add(event)
      for (const size of [1, 7, 1000]) {
        const report = yield* Stream.fromIterable(events).pipe(Stream.rechunk(size), Stream.run(sink()))
        assert.deepStrictEqual(report, builder.finish())
      }
    })
  )

  it.effect("starts afresh each time it is run", () =>
    Effect.gen(function* () {
      const report = sink()
      const first = yield* Stream.run(Stream.fromIterable(events), report)
      const second = yield* Stream.run(Stream.fromIterable(events), report)
      assert.deepStrictEqual(second, first)
      assert.strictEqual(second.completed_requests, 500)
    })
  )

  it.effect("makes the same report in the columns of the reports before it", () =>
    Effect.gen(function* () {
      const spare = new SpareColumns()
      // Enough different gaps for columns to grow, and two pages of each metric.
      const many: ReadonlyArray<ReplayEvent> = [
        ...Array.from({ length: 9000 }, (_, id) =>
          served({ id, arrivalMs: id, tokensMs: [id + 10 + (id % 7), id + 90] })
        ),
        gaps(...Array.from({ length: 9000 }, (_, i) => [80 + i / 1000, 1 + (i % 5)] as const)),
        summary({ arrivedRequests: 9000 })
      ]
      for (const run of [many, events, many, many]) {
        const expected = yield* Stream.run(Stream.fromIterable(run), sink())
        const report = yield* Stream.run(Stream.fromIterable(run), sink()).pipe(
          Effect.provideService(ReusedSamples, spare)
        )
        assert.deepStrictEqual(report, expected)
      }
      assert.isDefined(spare.take(2 * 8192))
    })
  )

  const impossible: Readonly<Record<string, readonly [key: RegExp, event: ReplayEvent]>> = {
    "a token at no time": [/total_input|duration_ms|_ms/, served({ tokensMs: [10, Number.POSITIVE_INFINITY] })],
    "a request that came at no time": [/ttft_ms/, served({ arrivalMs: Number.NaN, firstAdmitMs: 1, tokensMs: [10] })],
    "an endless gap": [/itl_ms/, gaps([Number.POSITIVE_INFINITY, 1])],
    "worker time without end": [
      /decode_worker_seconds/,
      summary({ arrivedRequests: 0, workerSeconds: { prefill: 0, decode: Number.POSITIVE_INFINITY } })
    ],
    "real time that is no number": [/wall_time_ms/, summary({ arrivedRequests: 0, wallMs: Number.NaN })]
  }
  for (const [name, [key, event]] of Object.entries(impossible)) {
    it.effect(`refuses to report ${name}, and says which key it would be`, () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Stream.run(Stream.make(event), sink()))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.match(String(exit), /of the report is not a finite number/)
        assert.match(String(exit), key)
      })
    )
  }

  it.effect("looks at what it is told beside the events, too", () =>
    Effect.gen(function* () {
      const options = { deep: [{ limit: Number.POSITIVE_INFINITY, most: 3 }] }
      const unlimited = yield* Stream.run(Stream.empty, sink({ metadata: () => ({ options }) }))
      assert.deepStrictEqual(unlimited.dynosim.options, { deep: [{ limit: null, most: 3 }] })
      const exit = yield* Effect.exit(Stream.run(Stream.empty, sink({ metadata: () => ({ seed: Number.NaN }) })))
      assert.match(String(exit), /dynosim\.seed of the report/)
    })
  )

  it.effect("reports a run without events", () =>
    Effect.gen(function* () {
      const report = yield* Stream.run(Stream.empty, sink())
      assert.strictEqual(report.num_requests, 0)
    })
  )
})

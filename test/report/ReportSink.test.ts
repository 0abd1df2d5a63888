import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ReplayEvent } from "../../src/report/ReplayEvent.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import { sink } from "../../src/report/ReportSink.ts"
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

  it.effect("reports a run without events", () =>
    Effect.gen(function* () {
      const report = yield* Stream.run(Stream.empty, sink())
      assert.strictEqual(report.num_requests, 0)
    })
  )
})

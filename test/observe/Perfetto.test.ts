/** Timelines in Perfetto's own trace processor, which is what the viewer shows them with. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { gzipSync } from "node:zlib"
import { TimelineProbe } from "../../src/observe/TimelineProbe.ts"
import { timelineText } from "../../src/observe/TimelineText.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"
import { hasTraceProcessor, openTrace, type TraceProcessor } from "./TraceProcessor.ts"

const rows = Array.from({ length: 40 }, (_, index) =>
  row({ timestampMs: index * 2, promptTokens: 640, outputTokens: 200, hashIds: [index] }, index + 1)
)
const workload = PlainWorkload.layer({ rows, traceBlockTokens: 640 })

const countsIn = (text: string) => {
  const count = (pattern: RegExp): number => [...text.matchAll(pattern)].length
  return {
    slices: count(/"ph":"X"/g),
    requests: count(/"ph":"b"[^\n]*"name":"request"/g),
    stages: count(/"ph":"b"/g) - count(/"ph":"b"[^\n]*"name":"request"/g),
    // Each value of a counter is one of its own there.
    counters: 2 * count(/"ph":"C"/g),
    threads: count(/"name":"thread_name"/g)
  }
}

/** A count, or a sum. */
const numberOf = async ({ query }: TraceProcessor, sql: string): Promise<number> => Number((await query(sql))[0]?.[0])

const complaints = ({ query }: TraceProcessor) =>
  query("select name, value from stats where value > 0 and severity in ('error', 'data_loss')")

const asynchronous = "select count(*) from slice where track_id not in (select id from thread_track)"

describe.skipIf(!hasTraceProcessor)("a timeline in the trace processor of Perfetto", () => {
  for (const [what, deployed] of [
    ["of two tight workers", topology(engineArgs({ numGpuBlocks: 40 }), 2)],
    ["of two pools", disaggregatedTopology(engineArgs(), { prefillWorkers: 2, decodeWorkers: 2 })]
  ] as const) {
    it.live(`${what} loads without a complaint, all of it`, () =>
      Effect.gen(function* () {
        const probe = new TimelineProbe()
        yield* replay(deployed, workload, { probes: [probe] })
        const text = [...timelineText(probe)].join("")
        const expected = countsIn(text)
        assert.isAbove(expected.stages, 100)
        const trace = yield* Effect.promise(() => openTrace(gzipSync(text)))
        yield* Effect.promise(async () => {
          assert.deepStrictEqual(await complaints(trace), [])
          assert.strictEqual(
            await numberOf(trace, "select count(*) from slice join thread_track on slice.track_id = thread_track.id"),
            expected.slices
          )
          assert.strictEqual(await numberOf(trace, `${asynchronous} and name = 'request'`), expected.requests)
          assert.strictEqual(await numberOf(trace, `${asynchronous} and name != 'request'`), expected.stages)
          assert.strictEqual(await numberOf(trace, "select count(*) from counter"), expected.counters)
          assert.strictEqual(
            await numberOf(trace, "select count(*) from thread where name glob 'worker *'"),
            expected.threads
          )
          // No slice is left open, and stages lie inside their request.
          assert.strictEqual(await numberOf(trace, "select count(*) from slice where dur < 0"), 0)
          assert.strictEqual(await numberOf(trace, `${asynchronous} and name != 'request' and depth = 0`), 0)
        })
      })
    )
  }

  it.live("is complained about where something is wrong, so that no complaint means something", () =>
    Effect.promise(async () => {
      const event = '{"ph":"b","cat":"request","name":"request","pid":3,"tid":0,"ts":1}'
      const trace = await openTrace(Buffer.from(`{"traceEvents":[${event}]}`))
      assert.isNotEmpty(await complaints(trace))
    })
  )
})

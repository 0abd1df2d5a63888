/** A run shows itself in the traces and metrics of the program that embeds it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Replay from "../../src/simulation/Replay.ts"
import { passes, requests } from "../../src/simulation/RunTelemetry.ts"
import { VirtualClock } from "../../src/simulation/VirtualClock.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

/** Remembers the spans that end. */
const recordingTracer = () => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { spans, tracer }
}

const rows = Array.from({ length: 30 }, (_, index) =>
  // The last one is larger than the pool.
  row({ timestampMs: index * 5, promptTokens: index === 29 ? 6_400 : 64, outputTokens: 4, hashIds: [index] }, index + 1)
)

const layers = (workers: number) =>
  Layer.mergeAll(
    topology(engineArgs({ numGpuBlocks: 50 }), workers),
    PlainWorkload.layer({ rows, traceBlockTokens: 6_400 }),
    VirtualClock.layer
  )

describe("a run", () => {
  for (const workers of [1, 3]) {
    it.effect(`is one span in the trace of its program, ${workers} workers`, () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordingTracer()
        const inside = Effect.withSpan(Effect.sleep("20 millis"), "policy")
        yield* Replay.run({ policies: [inside] }).pipe(
          Stream.runDrain,
          Effect.provide(layers(workers), { local: true }),
          Effect.withSpan("study"),
          Effect.withTracer(tracer)
        )
        const named = (name: string) => {
          const found = spans.filter((span) => span.name === name)
          assert.lengthOf(found, 1, name)
          return found[0]!
        }
        const run = named("dynosim.run")
        assert.strictEqual(Option.getOrThrow(run.parent).spanId, named("study").spanId)
        assert.strictEqual(Option.getOrThrow(named("policy").parent).spanId, run.spanId)
        assert.strictEqual(run.status._tag, "Ended")
        assert.strictEqual(run.attributes.get("dynosim.topology"), workers === 1 ? "single-engine" : "multi-engine")
        assert.strictEqual(run.attributes.get("dynosim.requests"), 30)
        assert.strictEqual(run.attributes.get("dynosim.ended"), "drained")
        assert.lengthOf(spans, 3)
      })
    )

    it.effect(`counts its requests and passes in the metrics of its program, ${workers} workers`, () =>
      Effect.gen(function* () {
        let seen = 0
        const countOf = (status: string) =>
          Effect.map(Metric.value(Metric.withAttributes(requests, { status })), ({ count }) => count)
        yield* Effect.gen(function* () {
          yield* Replay.run({ probes: [{ pass: () => void (seen += 1) }] }).pipe(
            Stream.runDrain,
            Effect.provide(layers(workers), { local: true })
          )
          assert.strictEqual(yield* countOf("completed"), 29)
          assert.strictEqual(yield* countOf("rejected"), 1)
          assert.strictEqual(yield* countOf("failed"), 0)
          assert.strictEqual((yield* Metric.value(passes)).count, seen)
          assert.isAbove(seen, 4)
        }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
      })
    )
  }
})

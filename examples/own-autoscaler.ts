/**
 * An autoscaler of one's own: a worker more while time to first token misses its objective, a worker less after three calm ticks.
 *
 *     node examples/own-autoscaler.ts traces/conversation_sample.jsonl
 *
 * `make` is called for every run, so `calmTicks` belongs to one. `decide` is an Effect: it may need services and fail.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Autoscaler, Run, Settings } from "dynosim"

/** What the policy needs to know, as a service: a test gives it other numbers. */
export class Objective extends Context.Service<Objective, { readonly ttftMs: number }>()("example/Objective") {}

export const keepTtft: Layer.Layer<never, never, Objective> = Autoscaler.layer("keep-ttft", () => {
  let calmTicks = 0
  return {
    firstTickMs: 500,
    decide: ({ nowMs, pools, traffic }) =>
      Effect.map(Objective, ({ ttftMs }) => {
        const workers = pools[0]!.ready + pools[0]!.starting
        const isLate = traffic.meanTtftMs > ttftMs || pools[0]!.parked > 0
        calmTicks = isLate ? 0 : calmTicks + 1
        const step = isLate ? 1 : calmTicks % 3 === 0 ? -1 : 0
        return { targets: { aggregated: Math.min(8, Math.max(1, workers + step)) }, nextTickMs: nowMs + 500 }
      })
  }
})

const program = Effect.gen(function* () {
  const options = yield* Effect.fromResult(Settings.validateReplayOptions({ traces: [process.argv[2] ?? "-"] }))
  const fixed = yield* Run.report(options)
  const scaled = yield* Effect.provide(Run.report(options), keepTtft)
  yield* Console.log(
    `one worker:  p99 TTFT ${fixed.p99_ttft_ms.toFixed(1)} ms, ${fixed.gpu_hours.toFixed(5)} GPU hours`
  )
  yield* Console.log(
    `autoscaled:  p99 TTFT ${scaled.p99_ttft_ms.toFixed(1)} ms, ${scaled.gpu_hours.toFixed(5)} GPU hours`
  )
  yield* Console.log(`${scaled.dynosim.scaling?.scaling_events.length} scaling events`)
})

if (import.meta.main) {
  const objective = Layer.succeed(Objective, { ttftMs: 300 })
  program.pipe(Effect.provide(Layer.merge(objective, NodeServices.layer)), NodeRuntime.runMain)
}

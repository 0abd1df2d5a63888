/**
 * The decision log of a worker under a vLLM profile, one JSON line per scheduling call: what anybody needs to hold it against a
 * vLLM of their own (docs/accuracy.md).
 *
 *     node examples/decision-log.ts traces/conversation_sample.jsonl
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Run, Settings } from "dynosim"
import type { Probe } from "dynosim"

const names = (requests: ReadonlyArray<{ readonly id: number }>): ReadonlyArray<number> => requests.map(({ id }) => id)

/** Prints the first decisions. */
const printed = (most: number): Probe.DecisionProbe => {
  let calls = 0
  return {
    decided: ({ admitted, decidedMs, evicted, preempted, scheduled, usedBlocks, waiting }) => {
      if (calls++ >= most) return
      const line = {
        decidedMs,
        scheduled: scheduled.map(({ request, tokens, tokensBefore }) => [request.id, tokensBefore, tokens]),
        admitted: admitted.map(({ hitTokens, request }) => [request.id, hitTokens]),
        preempted: names(preempted),
        evicted: evicted.map(({ block, owner }) => `${owner.id}:${block}`),
        waiting: waiting.length,
        usedBlocks
      }
      process.stdout.write(`${JSON.stringify(line)}\n`)
    },
    delivered: () => {}
  }
}

const program = Effect.gen(function* () {
  const given = { traces: [process.argv[2] ?? "-"], engineProfile: "vllm-0.33" } as const
  const options = yield* Effect.fromResult(Settings.validateReplayOptions(given))
  const report = yield* Run.report(options, { probes: [{ worker: () => ({ decisions: printed(5) }) }] })
  yield* Console.log(`mean TTFT ${report.mean_ttft_ms.toFixed(1)} ms`)
})

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

/**
 * A probe: a run from options as on the command line, and a log of every pass of its two workers.
 *
 *     node examples/pass-log-probe.ts traces/conversation_sample.jsonl
 *
 * A probe looks at a run event by event and changes nothing. Its hooks are plain functions and all of them are optional; the worker
 * hook looks into the passes themselves.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Run, Settings } from "dynosim"
import type { Probe } from "dynosim"

const lines: Array<string> = []
let admitted = 0

const passLog: Probe.RunProbe = {
  worker: () => ({ admitted: () => void (admitted += 1) }),
  pass: ({ core, workerIndex }, startMs, { emittedTokens, endMs, prefillTokens }) => {
    const { activeBlocks, waiting } = core.snapshot()
    lines.push(
      `${startMs.toFixed(3)} ms: worker ${workerIndex} takes ${(endMs - startMs).toFixed(3)} ms, admits ${admitted}, `
        + `prefills ${prefillTokens}, emits ${emittedTokens}, leaves ${waiting} waiting, holds ${activeBlocks} KV blocks`
    )
    admitted = 0
  }
}

const program = Effect.gen(function* () {
  const given = { traces: [process.argv[2] ?? "-"], numWorkers: 2 }
  const options = yield* Effect.fromResult(Settings.validateReplayOptions(given))
  const report = yield* Run.report(options, { probes: [passLog] })
  for (const line of lines.slice(0, 5)) yield* Console.log(line)
  yield* Console.log(`${lines.length} passes, ${report.completed_requests} requests`)
})

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

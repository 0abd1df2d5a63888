/**
 * Two deployments of one load: what they differ by, and a page of each to look at.
 *
 *     node examples/compare-runs.ts traces/conversation_sample.jsonl .cache/pages
 *
 * Pages are text: write them where you want. A measured run (AIPerf, GuideLLM, vllm bench serve) is read by `Compare.readMeasurements`.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Compare, HtmlReport, OutputFile, Settings } from "dynosim"

const [trace = "-", folder = "pages"] = process.argv.slice(2)

const simulated = Effect.fnUntraced(function* (numWorkers: number) {
  const options = yield* Effect.fromResult(Settings.validateReplayOptions({ traces: [trace], numWorkers }))
  const { page, report } = yield* HtmlReport.runPage(options)
  yield* OutputFile.write(`${folder}/${numWorkers}-workers.html`, page)
  return Compare.dynosimReport(`${numWorkers} workers`, report)
})

const program = Effect.gen(function* () {
  const two = yield* simulated(2)
  const four = yield* simulated(4)
  yield* OutputFile.write(`${folder}/comparison.html`, yield* HtmlReport.comparisonPage(two, [four]))
  const { metrics, totals } = Compare.compare(two, four)
  yield* Console.log(`duration: ${totals.duration_s?.reference.toFixed(1)} s, ${totals.duration_s?.other.toFixed(1)} s`)
  for (const { metric, statistics } of metrics) {
    const { p99 } = statistics
    if (p99 !== undefined) yield* Console.log(`p99 ${metric}: ${p99.reference.toFixed(1)}, ${p99.other.toFixed(1)}`)
  }
})

program.pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)

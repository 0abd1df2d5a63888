/**
 * CPU seconds of runs one after the other in one process, as a library or a long-lived service makes them: what a run costs once everything is
 * loaded and compiled.
 *
 *     node bench/warm.ts [RUNS]
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { join } from "node:path"
import { readGivenOptions } from "../src/config/GivenOptions.ts"
import { validateReplayOptions } from "../src/config/ValidateReplayOptions.ts"
import * as Run from "../src/run/Run.ts"
import { root } from "./cases.ts"

const runs = Number(process.argv[2] ?? 10)
const trace = join(root, "traces/conversation_trace.jsonl")
const options = Result.getOrThrow(Result.flatMap(readGivenOptions([trace], new Map()), validateReplayOptions))

for (let run = 1; run <= runs; run++) {
  const before = process.cpuUsage()
  await Effect.runPromise(Effect.provide(Run.report(options), NodeServices.layer))
  const { system, user } = process.cpuUsage(before)
  process.stdout.write(`run ${run}: ${((user + system) / 1e6).toFixed(2)} CPU s\n`)
}

/** Runs every example as its own header says, against the built package; those that are tests run among the tests. */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "..")

const expected: Readonly<Record<string, ReadonlyArray<RegExp>>> = {
  "aic-timing.ts": [
    /^1 GPU: KV for \d+ tokens, mean ITL \d+\.\d\d ms$/m,
    /^2 GPU: KV for \d+ tokens, mean ITL \d+\.\d\d ms$/m
  ],
  "disaggregated.ts": [
    /^aggregated: mean TTFT \d+\.\d ms, mean ITL \d+\.\d\d ms, \d+\.\d % reused$/m,
    /^disaggregated: mean TTFT \d+\.\d ms, mean ITL \d+\.\d\d ms, \d+\.\d % reused$/m
  ],
  "own-autoscaler.ts": [
    /^one worker: {2}p99 TTFT \d+\.\d ms, \d+\.\d{5} GPU hours$/m,
    /^autoscaled: {2}p99 TTFT \d+\.\d ms, \d+\.\d{5} GPU hours$/m,
    /^[1-9]\d* scaling events$/m
  ],
  "own-engine.ts": [/^continuous batching: mean TTFT \d+\.\d ms$/m, /^static batching: {5}mean TTFT \d+\.\d ms$/m],
  "own-sink.ts": [/^all: mean TTFT \d+\.\d ms$/m, /^up to 16384 tokens: \d+ requests, mean TTFT \d+\.\d ms$/m],
  "compose.ts": [/^round robin: mean TTFT \d+\.\d ms$/m, /^one worker: {2}mean TTFT \d+\.\d ms$/m],
  "compare-runs.ts": [/^duration: \d+\.\d s, \d+\.\d s$/m, /^p99 ttft_ms: \d+\.\d, \d+\.\d$/m],
  "custom-timing.ts": [/^polynomial: mean ITL \d+\.\d\d ms$/m, /^roofline: {3}mean ITL \d+\.\d\d ms$/m],
  "decision-log.ts": [/^\{"decidedMs":0,"scheduled":\[\[0,0,\d+\]/m, /^mean TTFT \d+\.\d ms$/m],
  "least-loaded-router.ts": [/^round robin: {2}p99 TTFT \d+\.\d ms$/m, /^least loaded: p99 TTFT \d+\.\d ms$/m],
  "pass-log-probe.ts": [
    /^0\.000 ms: worker 0 takes \d+\.\d+ ms, admits \d+, prefills \d+, emits \d+, leaves \d+ waiting/m,
    /^\d+ passes, \d+ requests$/m
  ],
  "queue-depth-policy.ts": [/^1 s: \d+ waiting, \d+ running$/m, /^32 samples$/m]
}

const examples = readdirSync(join(root, "examples")).filter(
  (name) => name.endsWith(".ts") && !name.endsWith(".test.ts")
)

/** What its header says to type after `node`. */
const commandOf = (source: string): string | undefined => source.match(/^ \* {5}node (.+)$/m)?.[1]

const sources = new Map(examples.map((name) => [name, readFileSync(join(root, "examples", name), "utf8")]))

const run = (...words: ReadonlyArray<string>): string =>
  execFileSync(process.execPath, words, { cwd: root, encoding: "utf8" })

describe("examples", () => {
  /** Outputs by command of those that share a process; whoever wants to be the main program of one does not. */
  const outputs = new Map<string, string>()

  beforeAll(() => {
    const commands = [...sources.values()]
      .filter((source) => !source.includes("import.meta.main"))
      .map(commandOf)
      .filter((command) => command !== undefined)
    for (const part of run("test/ExampleProcess.ts", ...commands)
      .split("\n:: ")
      .slice(1)) {
      const lineEnd = part.indexOf("\n")
      outputs.set(part.slice(0, lineEnd), part.slice(lineEnd + 1))
    }
  })

  for (const [example, source] of sources) {
    it(example, () => {
      const command = commandOf(source)
      assert(command !== undefined, "the header says how to run it")
      const output = outputs.get(command) ?? run(...command.split(" "))
      for (const line of expected[example] ?? [/./]) assert.match(output, line)
    })
  }
})

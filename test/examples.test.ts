/** Runs every example as its own header says, against the built package; those that are tests run among the tests. */
import { assert, describe, it } from "@effect/vitest"
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
  "custom-timing.ts": [/^polynomial: mean ITL \d+\.\d\d ms$/m, /^roofline: {3}mean ITL \d+\.\d\d ms$/m],
  "decision-log.ts": [/^\{"decidedMs":0,"scheduled":\[\[0,0,\d+\]/m, /^mean TTFT \d+\.\d ms$/m],
  "least-loaded-router.ts": [/^round robin: {2}p99 TTFT \d+\.\d ms$/m, /^least loaded: p99 TTFT \d+\.\d ms$/m],
  "pass-log-probe.ts": [
    /^0\.000 ms: worker 0 takes \d+\.\d+ ms, admits \d+, prefills \d+, emits \d+, leaves \d+ waiting/m,
    /^\d+ passes, \d+ requests$/m
  ],
  "queue-depth-policy.ts": [/^1 s: \d+ waiting, \d+ running$/m, /^32 samples$/m]
}

describe("examples", () => {
  for (const example of readdirSync(join(root, "examples")).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts")
  )) {
    it(example, () => {
      const command = readFileSync(join(root, "examples", example), "utf8").match(/^ \* {5}node (.+)$/m)?.[1]
      assert.isDefined(command, "the header says how to run it")
      const output = execFileSync(process.execPath, command!.split(" "), { cwd: root, encoding: "utf8" })
      for (const line of expected[example] ?? [/./]) assert.match(output, line)
    })
  }
})

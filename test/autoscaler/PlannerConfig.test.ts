/** Configurations of the reference's planner: accepted or refused as there, and for the same key. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { decodePlannerConfig } from "../../src/autoscaler/reference/PlannerConfig.ts"
import { plannerProblem } from "../../src/autoscaler/reference/PlannerProblem.ts"
import { decodeSetting } from "../../src/config/DecodeSettings.ts"
import { goldenFolder } from "../support/GoldenRun.ts"

/** `JSON OK target=… load=… tput=… li=… ti=… scale=…` or `JSON ERR … | key | …`. */
const cases = readFileSync(join(goldenFolder("planner"), "config_cases.txt"), "utf8")
  .split("\n")
  .flatMap((line) => {
    const parts = /^(\S.*?) (OK|ERR) (.*)$/.exec(line)
    return parts === null ? [] : [{ text: parts[1]!, isAccepted: parts[2] === "OK", outcome: parts[3]! }]
  })

const decoded = (text: string) => decodeSetting({ _tag: "Text", flag: "--planner-config", text }, decodePlannerConfig)

const shown = (text: string): string => {
  const config = Result.getOrThrow(decoded(text))
  const word = (value: boolean): string => (value ? "True" : "False")
  const interval = Number.isInteger(config.scaleIntervalSeconds)
    ? config.scaleIntervalSeconds.toFixed(1)
    : String(config.scaleIntervalSeconds)
  return (
    `target=${config.optimizationTarget} load=${word(config.enableLoadScaling)} tput=${word(config.enableThroughputScaling)} `
    + `li=${config.loadAdjustmentIntervalSeconds} ti=${config.throughputAdjustmentIntervalSeconds} scale=${interval}`
  )
}

/** The key that the reference blames: named on a line of its own, or first in the sentence. */
const blamed = (outcome: string): string | undefined => {
  const key = /PlannerConfig \| ([a-z_.]+) \|/.exec(outcome)?.[1]
  if (key !== undefined) return key
  const sentence = /Value error, (.*)/.exec(outcome)?.[1] ?? ""
  return /[a-z_]+(?:\.[a-z_]+|_[a-z_]+)+/.exec(sentence.replace("optimization_target='load' requires ", ""))?.[0]
}

/** Keys of which the reference names another of the same rule. */
const sameRule: Readonly<Record<string, string>> = { enable_throughput_scaling: "enable_load_scaling" }

describe("planner configurations as the reference takes them", () => {
  it("are there", () => assert.isAtLeast(cases.length, 50))

  for (const { isAccepted, outcome, text } of cases) {
    if (isAccepted) it(`accepts ${text}`, () => assert.strictEqual(shown(text), outcome))
    else {
      it(`refuses ${text}`, () => {
        const result = decoded(text)
        if (Result.isSuccess(result)) throw new Error("accepted")
        const key = blamed(outcome)
        if (key !== undefined) assert.strictEqual(result.failure.path, sameRule[key] ?? key)
      })
    }
  }
})

describe("planner configurations that cannot decide here", () => {
  const problem = (text: string, isDisaggregated = false): string =>
    plannerProblem(Result.getOrThrow(decoded(text)), isDisaggregated)?.message ?? "none"

  const refused: ReadonlyArray<readonly [text: string, isDisaggregated: boolean, message: RegExp]> = [
    ['{"mode": "prefill"}', true, /^mode: a replay scales agg or disagg, got "prefill"$/],
    ["{}", false, /^mode: disagg needs --prefill-engine-args/],
    ['{"mode": "agg"}', true, /^mode: agg needs an aggregated run$/],
    ['{"mode": "agg", "optimization_target": "sla"}', false, /^load_predictor: arima is not simulated$/],
    ['{"mode": "agg", "optimization_target": "sla", "load_predictor": "nope"}', false, /unknown predictor "nope"$/],
    ['{"mode": "agg", "max_gpu_budget": 0}', false, /^max_gpu_budget: 0 cannot hold the pool/],
    ['{"max_gpu_budget": 1}', true, /^max_gpu_budget: 1 cannot hold both pools/],
    ['{"max_gpu_budget": 5, "min_endpoint": 3}', true, /^max_gpu_budget: 5 cannot hold both pools with at least 3/]
  ]
  for (const [text, isDisaggregated, message] of refused) {
    it(`refuses ${text}`, () => assert.match(problem(text, isDisaggregated), message))
  }

  it("accepts what can", () => {
    assert.strictEqual(problem("{}", true), "none")
    assert.strictEqual(problem('{"mode": "agg", "optimization_target": "sla", "load_predictor": "kalman"}'), "none")
    assert.strictEqual(problem('{"mode": "agg", "max_gpu_budget": -1, "load_predictor": "arima"}'), "none")
  })
})

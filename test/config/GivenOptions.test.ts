import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { wantsEstimate } from "../../src/config/rules/RoutingRules.ts"
import { readGivenOptions } from "../../src/config/GivenOptions.ts"
import type { JsonSetting } from "../../src/config/JsonSetting.ts"
import { replayFlags } from "../../src/config/ReplayFlags.ts"

/** Notes what it is asked for. */
class Asked extends Map<string, JsonSetting> {
  readonly names = new Set<string>()

  override get(name: string): JsonSetting | undefined {
    this.names.add(name)
    return super.get(name)
  }
}

const words = (given: Readonly<Record<string, string>>): Map<string, JsonSetting> =>
  new Map(Object.entries(given).map(([name, text]) => [name, { _tag: "Text", flag: `--${name}`, text }]))

describe("readGivenOptions", () => {
  it("reads every flag there is", () => {
    const asked = new Asked()
    readGivenOptions([], asked)
    assert.deepStrictEqual([...asked.names].toSorted(), Object.keys(replayFlags).toSorted())
  })

  it("gives words their types", () => {
    const given = Result.getOrThrow(
      readGivenOptions(
        ["a"],
        words({
          "num-workers": "+4",
          "arrival-speedup-ratio": "inf",
          "router-mode": "kv_router",
          "extra-engine-args": "{}",
          "aic-gemm-dtype": "auto",
          quiet: "true",
          "report-json": ""
        })
      )
    )
    assert.strictEqual(given.numWorkers, 4)
    assert.strictEqual(given.arrivalSpeedupRatio, Infinity)
    assert.strictEqual(given.routerMode, "kv_router")
    assert.deepStrictEqual(given.extraEngineArgs, { _tag: "Text", flag: "--extra-engine-args", text: "{}" })
    assert.strictEqual(given.aicGemmDtype, "auto")
    assert.isFalse(wantsEstimate(given))
    assert.strictEqual(given.quiet, true)
    assert.strictEqual(given.reportJson, "")
    assert.strictEqual(given.seed, undefined)
  })

  it("echoes numbers as they were written", () => {
    const message = (name: string, text: string): string =>
      Result.getOrThrow(Result.flip(readGivenOptions([], words({ [name]: text })))).message
    assert.strictEqual(
      message("seed", "18446744073709551616"),
      "--seed: expected at most 9007199254740991, beyond which integers are not exact, got 18446744073709551616"
    )
    assert.strictEqual(message("request-rate", "1E-7"), "--request-rate: expected a number from 1e-6 to 1e9, got 1E-7")
    assert.match(message("num-workers", "-0_2"), /got -0_2$/)
  })

  it("says which name was meant", () => {
    const { hint } = Result.getOrThrow(Result.flip(readGivenOptions([], words({ "tie-break": "lowst" }))))
    assert.strictEqual(hint, "did you mean lowest?")
  })

  it("refuses words of the wrong form", () => {
    const message = (name: string, text: string): string =>
      Result.getOrThrow(Result.flip(readGivenOptions([], words({ [name]: text })))).message
    assert.strictEqual(message("num-workers", "two"), '--num-workers: expected an integer from 1 to 65536, got "two"')
    assert.strictEqual(message("num-workers", "2.0"), '--num-workers: expected an integer from 1 to 65536, got "2.0"')
    assert.strictEqual(
      message("arrival-interval-ms", "fast"),
      '--arrival-interval-ms: expected a number from 0 to 1e12, got "fast"'
    )
    assert.strictEqual(
      message("replay-mode", "batch"),
      '--replay-mode: expected one of "offline", "online", got "batch"'
    )
  })
})

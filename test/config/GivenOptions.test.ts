import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
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
  it("reads every flag there is, except the one that names the configuration file", () => {
    const asked = new Asked()
    readGivenOptions([], asked)
    assert.deepStrictEqual(
      [...asked.names].toSorted(),
      Object.keys(replayFlags)
        .filter((name) => name !== "config")
        .toSorted()
    )
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
    assert.strictEqual(given.aic, undefined)
    assert.strictEqual(given.quiet, true)
    assert.strictEqual(given.reportJson, "")
    assert.strictEqual(given.seed, undefined)
  })

  it("refuses words of the wrong form", () => {
    const message = (name: string, text: string): string =>
      Result.getOrThrow(Result.flip(readGivenOptions([], words({ [name]: text })))).message
    assert.strictEqual(message("num-workers", "two"), '--num-workers: expected an integer, got "two"')
    assert.strictEqual(message("num-workers", "2.0"), '--num-workers: expected an integer, got "2.0"')
    assert.strictEqual(message("arrival-interval-ms", "fast"), '--arrival-interval-ms: expected a number, got "fast"')
    assert.strictEqual(message("replay-mode", "batch"), '--replay-mode: expected one of offline, online, got "batch"')
  })
})

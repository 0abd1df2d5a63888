/** Text that is nested too deeply, contains itself, or stands for far more than it says: one line, quickly. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { parseConfigFile } from "../../src/config/ConfigFile.ts"
import { readGivenOptions } from "../../src/config/GivenOptions.ts"
import { parseEngineArgs } from "../../src/config/DecodeSettings.ts"

const message = (file: string, text: string): string => {
  const read = Result.flatMap(parseConfigFile(file, text), ({ values }) => readGivenOptions([], values))
  return Result.getOrThrow(Result.flip(read)).message
}

const deep = (levels: number): string => "[".repeat(levels) + "]".repeat(levels)

/** Ten levels of ten aliases each. */
const bomb = Array.from({ length: 10 }, (_, level) =>
  level === 0 ? "a0: &a0 x" : `a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ")}]`
).join("\n")

describe("text of settings that is not what it seems", () => {
  it("JSON may be nested a hundred deep", () => {
    assert.match(
      message("run.json", `{"seed": ${deep(99)}}`),
      /^run\.json:1: seed: expected an integer .*, got a list$/
    )
    for (const levels of [101, 20_000]) {
      assert.strictEqual(
        message("run.json", `{"seed":\n ${deep(levels)}}`),
        "run.json:2: not JSON: nested more than 100 levels deep (column 101)"
      )
    }
    const flag = Result.getOrThrow(Result.flip(parseEngineArgs(`{"sglang": ${deep(20_000)}}`)))
    assert.match(flag.message, /^engine arguments: not JSON: line 1, column 111: nested more than 100 levels deep$/)
    assert.match(message("run.json", '{"seed": "[[[[\\"{{{{"}'), /expected an integer .*, got "/)
  })

  it("YAML may be nested a hundred deep", () => {
    for (const levels of [101, 20_000]) {
      assert.match(
        message("run.yaml", `seed: ${deep(levels)}`),
        /^run\.yaml:1: (not YAML: )?nested more than 100 levels deep$/
      )
    }
    assert.match(
      message("run.yaml", `seed:\n  ${"- ".repeat(20_000)}x`),
      /^run\.yaml:\d: (not YAML: )?nested more than 100 levels deep$/
    )
  })

  it("YAML may not contain itself", () => {
    assert.strictEqual(message("run.yaml", "x: &x {a: *x}"), "run.yaml:1: an alias stands for a value that contains it")
    assert.strictEqual(
      message("run.yaml", "seed: 1\nx: &x\n  - *x"),
      "run.yaml:3: an alias stands for a value that contains it"
    )
  })

  it("aliases may not multiply without end", () => {
    assert.match(message("run.yaml", bomb), /^run\.yaml:\d+: the file stands for more than 100000 values$/)
  })
})

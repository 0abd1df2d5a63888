import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { normaliseArgv, normaliseWords } from "../../src/cli/Argv.ts"
import { replayFlags } from "../../src/config/ReplayFlags.ts"

const normal = (...words: ReadonlyArray<string>): ReadonlyArray<string> =>
  Result.getOrThrow(normaliseWords(words, replayFlags))

const refused = (...words: ReadonlyArray<string>): string =>
  Result.getOrThrow(Result.flip(normaliseWords(words, replayFlags))).message

describe("the words of a command line", () => {
  it("joins a flag and its value, wherever trace files stand", () => {
    assert.deepStrictEqual(normal("a", "--num-workers", "2", "b", "--router-mode=kv_router"), [
      "--num-workers=2",
      "--router-mode=kv_router",
      "a",
      "b"
    ])
  })

  it("completes unique prefixes", () => {
    assert.deepStrictEqual(normal("--num-w", "2", "--extra={}"), ["--num-workers=2", "--extra-engine-args={}"])
    assert.deepStrictEqual(normal("--ver"), ["--version"])
  })

  it("takes a whole name even if it begins another one", () => {
    assert.deepStrictEqual(normal("--report-json", "r"), ["--report-json=r"])
    assert.deepStrictEqual(normal("--aic-nextn", "1"), ["--aic-nextn=1"])
  })

  it("refuses ambiguous prefixes and missing values", () => {
    assert.strictEqual(refused("--num", "2"), "--num: is ambiguous")
    assert.strictEqual(refused("--num-workers"), "--num-workers: needs a value")
    assert.strictEqual(refused("--num-workers", "--quiet"), "--num-workers: needs a value")
    assert.strictEqual(refused("--seed", "--", "1"), "--seed: needs a value")
  })

  it("lets the last of repeated flags count", () => {
    assert.deepStrictEqual(normal("--seed", "1", "--quiet", "--seed", "2"), ["--seed=2", "--quiet"])
  })

  it("takes negative numbers, a lone dash and empty words as values", () => {
    assert.deepStrictEqual(
      normal("--arrival-speedup-ratio", "-1", "--max-sim-time-seconds", "-.5e3", "--model-name", "", "-"),
      ["--arrival-speedup-ratio=-1", "--max-sim-time-seconds=-.5e3", "--model-name=", "-"]
    )
  })

  it("keeps equals signs in values, and everything after two dashes", () => {
    assert.deepStrictEqual(normal('--router-config={"a":"b=c"}', "--", "--odd-name.jsonl"), [
      '--router-config={"a":"b=c"}',
      "--",
      "--odd-name.jsonl"
    ])
  })

  it("says that a switch has no value and no opposite", () => {
    assert.strictEqual(refused("--check", "false"), '--check: takes no value, got "false"')
    assert.strictEqual(refused("--check=true"), '--check: takes no value, got "true"')
    assert.strictEqual(refused("--no-check"), "--no-check: unknown flag")
    assert.deepStrictEqual(normal("--check", "false.jsonl"), ["--check", "false.jsonl"])
  })

  it("does not give a switch a value", () => {
    assert.deepStrictEqual(normal("--quiet", "a.jsonl"), ["--quiet", "a.jsonl"])
  })

  it("leaves what it does not know to the parser", () => {
    assert.deepStrictEqual(normal("--foo", "1", "-h"), ["--foo", "-h", "1"])
  })

  const word = Schema.Literals([
    "--seed",
    "--seed=1",
    "--num-w",
    "--quiet",
    "--foo",
    "-h",
    "-1",
    "-",
    "",
    "a",
    "--",
    "--report-json="
  ])
  it.effect.prop("changes nothing when done twice", [Arbitrary.schema(Schema.Array(word))], ([words]) =>
    Effect.sync(() => {
      const once = normaliseWords(words, replayFlags)
      if (Result.isSuccess(once)) assert.deepStrictEqual(normaliseWords(once.success, replayFlags), once)
    })
  )

  it.effect("knows the options of the command that is named, and leaves other words alone", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* normaliseArgv(["trace", "convert", "--trace-f", "auto"]), [
        "trace",
        "convert",
        "--trace-format=auto"
      ])
      assert.deepStrictEqual(yield* normaliseArgv(["--num", "2"]), ["--num", "2"])
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { parseConfigFile } from "../../src/config/ConfigFile.ts"
import { type GivenOptions, readGivenOptions } from "../../src/config/GivenOptions.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"

const read = (file: string, text: string) =>
  Result.flatMap(parseConfigFile(file, text), ({ traces, values }) => readGivenOptions(traces, values))

const options = (file: string, text: string): GivenOptions => Result.getOrThrow(read(file, text))

const message = (file: string, text: string): string => {
  const result = Result.flatMap(read(file, text), validateReplayOptions)
  if (Result.isSuccess(result)) throw new Error("accepted")
  return result.failure.message
}

describe("configuration file", () => {
  it("takes YAML with dashes or underscores and nested objects", () => {
    const given = options(
      "run.yaml",
      [
        "traces: a.jsonl",
        "num-workers: 4",
        "router_mode: kv_router",
        "arrival-speedup-ratio: 2",
        "max-sim-time-seconds: 1.5",
        "seed: 0x10",
        "quiet: true",
        "report-jsonl: null",
        "extra-engine-args:",
        "  block_size: 32",
        "  max_num_seqs: null",
        "router-config: '{\"router_temperature\": 0.5}'"
      ].join("\n")
    )
    assert.deepStrictEqual(given.traces, ["a.jsonl"])
    assert.strictEqual(given.numWorkers, 4)
    assert.strictEqual(given.arrivalSpeedupRatio, 2)
    assert.strictEqual(given.seed, 16)
    assert.strictEqual(given.quiet, true)
    assert.strictEqual(given.reportJsonl, undefined)
    const checked = Result.getOrThrow(validateReplayOptions(given))
    assert(checked.deployment._tag === "Aggregated")
    assert.strictEqual(checked.deployment.engine.blockTokens, 32)
    assert.strictEqual(checked.deployment.engine.maxNumSeqs, Infinity)
    assert.strictEqual(checked.routing.config.routerTemperature, 0.5)
  })

  it("takes strict JSON", () => {
    const given = options("run.json", '{"traces": ["a", "b"], "trace-format": "dynamo", "replay_concurrency": 3}')
    assert.deepStrictEqual(given.traces, ["a", "b"])
    assert.strictEqual(given.replayConcurrency, 3)
  })

  it("follows aliases", () => {
    const given = options(
      "run.yml",
      [
        "traces: a.jsonl",
        "prefill-engine-args: &engine {block_size: 32, worker_type: prefill}",
        "decode-engine-args: *engine"
      ].join("\n")
    )
    assert.match(
      Result.getOrThrow(Result.flip(validateReplayOptions(given))).message,
      /^--decode-engine-args: worker_type must be decode, got prefill$/
    )
  })

  it("is empty when the file is", () => {
    assert.deepStrictEqual(Result.getOrThrow(parseConfigFile("run.yaml", "# nothing\n")), {
      traces: [],
      values: new Map()
    })
  })

  const refused: ReadonlyArray<readonly [file: string, text: string, expected: string | RegExp]> = [
    ["run.yaml", "traces: a\nnum-worker: 2", "run.yaml:2: num-worker: unknown option"],
    ["run.yaml", "num-workers: two", 'run.yaml:1: num-workers: expected an integer from 1 to 65536, got "two"'],
    ["run.yaml", "num-workers: 2.0", "run.yaml:1: num-workers: expected an integer from 1 to 65536, got 2.0"],
    [
      "run.yaml",
      "traces: a\naic-backend-version: 0.19",
      "run.yaml:2: aic-backend-version: expected a string, got 0.19"
    ],
    ["run.yaml", "trace-format: csv", /^run\.yaml:1: trace-format: expected one of "mooncake", /],
    ["run.yaml", "num-workers: 1\nnum_workers: 2", /^run\.yaml:2: num_workers: the same option twice/],
    ["run.yaml", "num-workers: 1\nnum-workers: 2", /^run\.yaml:2: not YAML: Map keys must be unique/],
    ["run.yaml", "traces: [a, 1]", /^run\.yaml:1: traces: expected a file or a list of files, got 1$/],
    ["run.yaml", "- a", "run.yaml:1: expected options by name, got a list"],
    ["run.yaml", "a: [1", /^run\.yaml:1: not YAML: /],
    ["run.yaml", "config: other.yaml", /^run\.yaml:1: config: a configuration file cannot name another one$/],
    [
      "run.yaml",
      "traces: a\nextra-engine-args:\n  block_size: 3.5",
      /^run\.yaml:3: extra-engine-args\.block_size: expected an integer .*, got 3\.5$/
    ],
    [
      "run.yaml",
      "traces: a\nextra-engine-args: 7",
      "run.yaml:2: extra-engine-args: expected an object with settings, got 7"
    ],
    [
      "run.yaml",
      "traces: a\nextra-engine-args: '{bad'",
      /^run\.yaml:2: extra-engine-args: not JSON: line 1, column 2: /
    ],
    ["run.yaml", "[1]: 2", /^run\.yaml:1: keys must be plain names$/],
    ["run.yaml", "1: 2", /^run\.yaml:1: 1: unknown option$/],
    ["run.yaml", "seed: 1\n---\nseed: 2\n", /^run\.yaml:2: more than one YAML document in the file$/],
    [
      "run.json",
      '{"num-workers": 2,}',
      /^run\.json:1: not JSON: expected a property name in double quotes, got } \(column 19\)$/
    ],
    ["run.json", '{\n"num-workers": "2"}', 'run.json:2: num-workers: expected an integer from 1 to 65536, got "2"']
  ]
  for (const [file, text, expected] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      if (typeof expected === "string") assert.strictEqual(message(file, text), expected)
      else assert.match(message(file, text), expected)
    })
  }

  it("suggests the option that was meant", () => {
    const result = parseConfigFile("run.yaml", "num-worker: 2")
    assert(Result.isFailure(result))
    assert.strictEqual(result.failure.hint, "did you mean num-workers?")
  })

  it("refuses a file that aliases blow up", () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const item = level === 0 ? "x" : `*l${level - 1}`
      return `l${level}: &l${level} [${Array.from({ length: 9 }, () => item).join(", ")}]`
    })
    assert.match(message("run.yaml", levels.join("\n")), /stands for more than|not YAML|Excessive alias/)
  })
})

/** What users are told when something is wrong: one line, `error: where: what; what to do`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { programIn } from "./Program.ts"

const files = {
  "a.jsonl": JSON.stringify({ timestamp: 0, input_length: 5, output_length: 2, hash_ids: [1] }),
  "cut.json": '{"num-workers":',
  "engine.json": '{\n  "block_size": 64,\n  "num_gpu_block": 9\n}',
  "router.yaml": "# of the router\nrouter_temperature: -1\n",
  "scaled.yaml": "autoscale: sla\n",
  "run.yaml": "prefill_engine_args: '@engine.json'\n",
  "wide.yaml": "binary:fffe74007200",
  "latin.yaml": "binary:23e40a",
  "many.yaml": "num-workers: many\n",
  "two.yaml": "num-workers: 2\nextra-engine-args: { num_gpu_block: 9 }\nrouter-config: '@router.yaml'\n",
  "away.yaml": "\nextra-engine-args: '@nope.json'\n",
  "plan.yaml":
    "base: { traces: a.jsonl, num-workers: many }\naxes: { num-workers: [1, 2] }\nobjective: minimise total_gpus\n",
  "dir/config.json": "{}",
  "dir2/config.json": "{"
}

const engine = (args: object): ReadonlyArray<string> => ["--extra-engine-args", JSON.stringify(args)]
const engineFile = (file: string): ReadonlyArray<string> => ["--extra-engine-args", `@${file}`]
const kv = ["--num-workers", "2", "--router-mode", "kv_router"]

const cases: ReadonlyArray<readonly [what: string, argv: ReadonlyArray<string>, message: string | RegExp]> = [
  ["a missing profile", engine({ planner_profile_data: "nope.npz" }), "nope.npz: cannot be read: no such file"],
  [
    "a folder as a profile",
    engine({ planner_profile_data: "dir" }),
    "dir: is a folder of raw profiling results; give the .npz that the profiler makes of them"
  ],
  [
    "a profile that is none",
    engine({ planner_profile_data: "a.jsonl" }),
    "a.jsonl: not a readable .npz archive: invalid zip data"
  ],
  ["a missing bundle", ["--aic-bundle", "nope.json"], "nope.json: cannot be read: no such file"],
  ["a folder as a bundle", ["--aic-bundle", "dir"], "dir: cannot be read: it is a folder"],
  ["a bundle that is none", ["--aic-bundle", "cut.json"], /^error: cut\.json: is not JSON; see data\/schema/],
  [
    "a configuration in UTF-16",
    ["--config", "wide.yaml"],
    "--config: cannot read wide.yaml: it is UTF-16 text; save it as UTF-8"
  ],
  ["a configuration in Latin-1", ["--config", "latin.yaml"], "--config: cannot read latin.yaml: it is not UTF-8 text"],
  [
    "a schedule in UTF-16",
    ["--autoscale-schedule", "wide.yaml"],
    /^error: --autoscale-schedule: cannot read wide\.yaml: it is UTF-16/
  ],
  ["settings in UTF-16", engineFile("wide.yaml"), /^error: --extra-engine-args: cannot read wide\.yaml: it is UTF-16/],
  ["a missing configuration", ["--config", "nope.yaml"], "--config: cannot read nope.yaml: no such file"],
  ["a folder as a configuration", ["--config", "dir"], "--config: cannot read dir: it is a folder"],
  [
    "a configuration that is cut off",
    ["--config", "cut.json"],
    "cut.json:1: not JSON: expected a value, got the end of the text (column 16)"
  ],
  [
    "a folder as a policy file",
    [...kv, "--router-policy-config", "dir"],
    "--router-policy-config: cannot read dir: it is a folder"
  ],
  ["a folder as lines", ["--report-jsonl", "dir"], "--report-jsonl: dir is a folder; give the name of a file in it"],
  [
    "a system without data",
    engine({ aic_backend: "vllm", aic_model_path: "Qwen/Qwen3-32B", aic_system: "b200" }),
    "--extra-engine-args: aic_system: unsupported system 'b200'; did you mean b200_sxm? available: a100_sxm, b200_sxm, b300_sxm, b60, gb200, gb300, h100_sxm, h200_sxm, l40s, "
      + "rtx_pro_6000_server; others can be imported (dynosim aic import) or come in a bundle (--aic-bundle)"
  ],
  [
    "a model's folder that is damaged",
    engine({ aic_backend: "vllm", aic_model_path: "dir2" }),
    "dir2/config.json: Expected a valid JSON string"
  ],
  [
    "a setting that is out of range",
    ["--router-config", '{"router_temperature": -1}'],
    "--router-config: router_temperature: expected 0 or a number from 1e-6 to 1e9, got -1"
  ],
  ["a missing file of settings", engineFile("nope.json"), "--extra-engine-args: cannot read nope.json: no such file"],
  ["a folder of settings", engineFile("dir"), "--extra-engine-args: cannot read dir: it is a folder"],
  ["a file of settings without a name", engineFile(""), "--extra-engine-args: expected a file after @, got none"],
  [
    "a file of settings that is cut off",
    engineFile("cut.json"),
    "cut.json:1: not JSON: expected a value, got the end of the text (column 16)"
  ],
  [
    "a file of rows in place of settings",
    engineFile("a.jsonl"),
    /^error: a\.jsonl:1: timestamp: unknown key; accepted keys: /
  ],
  [
    "an unknown setting in a file",
    engineFile("engine.json"),
    /^error: engine\.json:3: num_gpu_block: unknown key; did you mean num_gpu_blocks\?/
  ],
  [
    "a setting in a file that is out of range",
    ["--router-config", "@router.yaml"],
    "router.yaml:2: router_temperature: expected 0 or a number from 1e-6 to 1e9, got -1"
  ],
  [
    "a value of a configuration file that a flag overrides",
    ["--config", "many.yaml", "--num-workers", "2"],
    'many.yaml:1: num-workers: expected an integer from 1 to 65536, got "many"'
  ],
  [
    "an object of a configuration file that a flag overrides",
    ["--config", "two.yaml", "--extra-engine-args", "{}"],
    /^error: two\.yaml:2: extra-engine-args\.num_gpu_block: unknown key; did you mean num_gpu_blocks\?/
  ],
  [
    "a file of an object that a flag overrides",
    ["--config", "two.yaml", "--router-config", "{}"],
    /^error: router\.yaml:2: router_temperature: expected 0 or a number/
  ],
  [
    "a missing file that a configuration file names",
    ["--config", "away.yaml"],
    "away.yaml:2: extra-engine-args: cannot read nope.json: no such file"
  ],
  [
    "a degree that a model does not divide by, in the second group",
    [
      "--extra-engine-args",
      JSON.stringify([{ num_gpu_blocks: 9 }, { aic_backend: "vllm", aic_model_path: "Qwen/Qwen3-32B", aic_tp_size: 3 }])
    ],
    "--extra-engine-args: 1.aic_tp_size: num_heads 64 should be divisible by tp_size 3"
  ],
  [
    "tables of the router's estimate that are not there",
    [
      ...kv,
      "--aic-backend=vllm",
      "--aic-backend-version=9",
      "--aic-system=h200_sxm",
      "--aic-model-path=Qwen/Qwen3-32B",
      '--router-config={"router_prefill_load_model": "aic"}'
    ],
    /^error: --aic-system, --aic-backend, --aic-backend-version: no performance tables for h200_sxm-vllm-9;/
  ],
  [
    "a file that a configuration file names",
    ["--config", "run.yaml"],
    /^error: engine\.json:3: num_gpu_block: unknown key/
  ],
  [
    "a file name in place of settings",
    ["--extra-engine-args", "engine.json"],
    /^error: --extra-engine-args: not JSON: .*; give the JSON object itself, or @FILE for a file that holds it$/
  ],
  ["a flag without value", ["--num-workers"], "--num-workers: needs a value"],
  ["an unknown flag", ["--foo"], "--foo: unknown flag; see dynosim replay --help"]
]

describe("errors", () => {
  for (const [what, argv, message] of cases) {
    it.live(what, () =>
      programIn(files, ["replay", "a.jsonl", ...argv], ({ exit, stderr, stdout }, folder) => {
        assert.isAbove(exit, 0)
        if (typeof message === "string") assert.strictEqual(stderr, `error: ${message}`)
        else assert.match(stderr, message)
        assert.strictEqual(stdout, "")
        assert.deepStrictEqual(folder.added(), [])
      })
    )
  }

  it.live("words and flags that a command has, or has not", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [words: string, message: string]> = [
        ["serve a.jsonl", "a.jsonl: dynosim serve takes no such word; see dynosim serve --help"],
        ["", '"": unknown command; see dynosim --help'],
        ["sweep", "PLAN: is missing; see dynosim sweep --help"],
        ["aic compare a.jsonl", "--model: is missing; see dynosim aic compare --help"]
      ]
      for (const [words, message] of cases) {
        yield* programIn(files, words.split(" "), ({ exit, stderr }) => {
          assert.strictEqual(exit, 2)
          assert.strictEqual(stderr, `error: ${message}`)
        })
      }
    })
  )

  it.live("a value of a plan that an axis overrides", () =>
    programIn(files, ["sweep", "plan.yaml"], ({ exit, stderr }) => {
      assert.strictEqual(exit, 2)
      assert.strictEqual(stderr, 'error: plan.yaml:1: num-workers: expected an integer from 1 to 65536, got "many"')
    })
  )

  it.live("a flag of another command", () =>
    programIn(files, ["find", "fewest-workers", "a.jsonl", "--num-workers", "2"], ({ stderr }) =>
      assert.strictEqual(
        stderr,
        "error: --num-workers: unknown flag; it is one of dynosim replay, not of dynosim find fewest-workers;"
          + " see dynosim find fewest-workers --help"
      )
    )
  )

  it.live("an autoscaler where the number of workers is looked for", () =>
    programIn(
      files,
      ["find", "fewest-workers", "a.jsonl", "--where", "p99_ttft_ms < 1", "--config", "scaled.yaml"],
      ({ exit, stderr }) => {
        assert.strictEqual(exit, 2)
        assert.match(
          stderr,
          /^error: --autoscale: decides itself how many workers there are, which is what is looked for$/
        )
      }
    )
  )

  it.live("a folder as a trace", () =>
    programIn(files, ["trace", "inspect", "dir"], ({ stderr }) =>
      assert.strictEqual(stderr, "error: dir: is a folder, not a trace file")
    )
  )
})

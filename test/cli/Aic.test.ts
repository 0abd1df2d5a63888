/** `dynosim aic`: what is at hand, and bringing more of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { toyModel, wheel } from "../support/PublishedTables.ts"
import { Folder, type Outcome, program } from "./Program.ts"

/** Runs commands after each other in a folder with a wheel, a small model and a trace. */
const inFolder = <A>(
  use: (run: (...words: ReadonlyArray<string>) => Effect.Effect<Outcome>, folder: Folder) => Effect.Effect<A>
) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const folder = new Folder({
        "model/config.json": JSON.stringify(toyModel),
        "trace.jsonl": '{"timestamp": 0, "input_length": 600, "output_length": 4, "hash_ids": [1, 2]}\n'
      })
      writeFileSync("toy.whl", wheel())
      return folder
    }),
    (folder) => use((...words) => program(words, { DYNOSIM_DATA: `${folder.path}/data` }), folder),
    (folder) => Effect.sync(() => folder.leave())
  )

const timed = (extra: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({ aic_backend: "vllm", aic_system: "toy", aic_model_path: "model", ...extra })

const replay = (args: string) =>
  ["replay", "trace.jsonl", "--extra-engine-args", args, "--report-json", "report.json", "--quiet"] as const

describe("dynosim aic", () => {
  it.effect("lists systems, backends, versions, families and formats", () =>
    inFolder((run) =>
      Effect.gen(function* () {
        const { exit, stdout } = yield* run("aic", "list")
        assert.strictEqual(exit, 0)
        assert.match(
          stdout,
          /^b200_sxm +vllm +0\.19\.0 +dense moe mla .*nvfp4 .*[0-9a-f]{12} +aiconfigurator ffbab15$/m
        )
        const rows: ReadonlyArray<Readonly<Record<string, unknown>>> = JSON.parse(
          (yield* run("aic", "list", "--json")).stdout
        )
        assert.isAtLeast(rows.length, 9)
        for (const { imported, sha256 } of rows) {
          assert.isFalse(imported)
          assert.match(String(sha256), /^[0-9a-f]{64}$/)
        }
      })
    )
  )

  it.effect("shows where a model can be timed and on how many GPUs at least, or why not", () =>
    inFolder((run) =>
      Effect.gen(function* () {
        const { stdout } = yield* run("aic", "list", "--model", "deepseek-ai/DeepSeek-V3")
        assert.match(stdout, /^h200_sxm +vllm +0\.19\.0 +8 +tp 8, ep 8; 1,127,011 KV tokens$/m)
        assert.match(stdout, /^l40s +vllm +0\.14\.0 +- +.*gemm\/fp8_block/m)
        const gptOss = JSON.parse((yield* run("aic", "list", "--model", "openai/gpt-oss-120b", "--json")).stdout)
        const usable = gptOss.filter(({ gpus }: { gpus: number | null }) => gpus !== null)
        assert.deepStrictEqual(
          usable.map(({ backend, gpus, system }: Record<string, unknown>) => [system, backend, gpus]),
          [["h200_sxm", "vllm", 1]]
        )
        const unknown = yield* run("aic", "list", "--model", "deepseek-ai/DeepSeek-V3.2")
        assert.strictEqual(unknown.exit, 2)
        assert.include(unknown.stderr, "DeepseekV32ForCausalLM")
      })
    )
  )

  it.effect("replays a trace on every system at the model's smallest layout", () =>
    inFolder((run) =>
      Effect.gen(function* () {
        const compare = ["aic", "compare", "trace.jsonl", "--model", "deepseek-ai/DeepSeek-V3"] as const
        const rows = JSON.parse((yield* run(...compare, "--json")).stdout)
        const gpus = Object.fromEntries(
          rows.map((row: Readonly<Record<string, unknown>>) => [`${row["system"]} ${row["backend"]}`, row["gpus"]])
        )
        assert.deepInclude(gpus, { "h200_sxm vllm": 8, "b200_sxm vllm": 8, "h100_sxm vllm": 16 })
        assert.notProperty(gpus, "l40s vllm")
        for (const { report } of rows) assert.strictEqual(report.completed_requests, 1)
        const { stderr, stdout } = yield* run(...compare, "--system", "h200_sxm", "--backend", "sglang")
        assert.match(stdout, /^h200_sxm +sglang 0\.5\.10 +8 +tp 8, ep 8 +1 of 1 /m)
        assert.include(stderr, "note: h200_sxm sglang: latent attention is priced in bfloat16")
      })
    )
  )

  it.effect("imports the usual or newest whole version, which is used from then on", () =>
    inFolder((run, folder) =>
      Effect.gen(function* () {
        const before = yield* run(...replay(timed()))
        assert.strictEqual(before.exit, 2)
        assert.include(before.stderr, "aic_system: unsupported system 'toy'")
        const imported = yield* run("aic", "import", "toy.whl")
        assert.strictEqual(imported.exit, 0, imported.stderr)
        const hash =
          /^toy-vllm-0\.10\.0: dense; 29 rows, .* tables ([0-9a-f]{12})$/m.exec(imported.stdout)?.[1] ?? "none"
        assert.include(imported.stdout, `1 imported from aiconfigurator 9.9.1 into ${folder.path}/data/aic`)
        assert.deepStrictEqual(
          folder.added().filter((name) => name.startsWith("data/")),
          ["data/aic/toy-vllm-0.10.0.bin"]
        )
        const after = yield* run(...replay(timed()))
        assert.strictEqual(after.exit, 0, after.stderr)
        const { dynosim } = JSON.parse(folder.read("report.json"))
        const source = `toy vllm 0.10.0, model, tables ${hash} of aiconfigurator 9.9.1`
        assert.include(dynosim.timing_source, source)
        const [pool] = dynosim.pools
        assert.strictEqual(pool.timing_tables.origin, "aiconfigurator 9.9.1")
        assert.strictEqual(pool.timing_tables.sha256.slice(0, 12), hash)
        assert.include((yield* run("aic", "list")).stdout, "aiconfigurator 9.9.1, imported")
      })
    )
  )

  it.effect("takes what is asked for, and says why it does not", () =>
    inFolder((run, folder) =>
      Effect.gen(function* () {
        const data = () => folder.added().filter((name) => name.startsWith("elsewhere/"))
        const importing = (...words: ReadonlyArray<string>) =>
          run("aic", "import", "toy.whl", "--to", "elsewhere", ...words)
        const dry = yield* importing("--dry-run")
        assert.strictEqual(dry.stdout, "aiconfigurator 9.9.1 has:\ntoy-vllm-0.10.0")
        assert.deepStrictEqual(data(), [])
        const older = yield* importing("--system", "toy", "--backend", "vllm", "--backend-version", "0.9.0")
        assert.strictEqual(older.exit, 0, older.stderr)
        assert.deepStrictEqual(data(), ["elsewhere/aic/toy-vllm-0.9.0.bin"])
        const incomplete = yield* importing("--backend-version", "0.11.0")
        assert.strictEqual(incomplete.exit, 2)
        assert.include(incomplete.stderr, "toy-vllm-0.11.0 is marked incomplete")
        assert.strictEqual((yield* importing("--backend-version", "0.11.0", "--force")).exit, 0)
        const empty = yield* importing("--backend-version", "0.12.0", "--force")
        assert.strictEqual(empty.exit, 2)
        assert.include(
          empty.stderr,
          "toy-vllm-0.12.0 has no tables of its own; published versions: 0.10.0, 0.11.0, 0.9.0"
        )
        const other = yield* importing("--system", "b200")
        assert.strictEqual(other.exit, 2)
        assert.include(other.stderr, "holds no tables of what was asked for; published: toy-vllm-0.10.0")
        assert.strictEqual((yield* run("aic", "import", "missing.whl")).exit, 2)
        assert.strictEqual((yield* run("aic", "import")).exit, 2)
      })
    )
  )

  it.effect("does not believe a file of the user's that was changed or is of another format", () =>
    inFolder((run, folder) =>
      Effect.gen(function* () {
        yield* run("aic", "import", "toy.whl")
        const file = `${folder.path}/data/aic/toy-vllm-0.10.0.bin`
        folder.write("data/aic/toy-vllm-0.10.0.bin", "DYNAIC01 of long ago")
        const old = yield* run(...replay(timed()))
        assert.strictEqual(old.exit, 2)
        assert.include(
          old.stderr,
          `${file}: cannot read the performance tables: a table file of format DYNAIC01, not DYNAIC02`
        )
        assert.include(old.stderr, "import them again (dynosim aic import)")
      })
    )
  )
})

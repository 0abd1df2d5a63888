import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { programIn } from "./Program.ts"

const bundleOf = (name: string): string =>
  gunzipSync(readFileSync(new URL(`../golden/aic/${name}.json.gz`, import.meta.url))).toString("utf8")

const rows = Array.from({ length: 40 }, (_, row) =>
  JSON.stringify({
    timestamp: row * 40,
    input_length: 700 + 90 * row,
    output_length: 5 + row,
    hash_ids: [1, 2, row, row, row, row, row, row, row].slice(0, Math.ceil((700 + 90 * row) / 512))
  })
).join("\n")
const files = {
  "a.jsonl": rows,
  "h200.json": bundleOf("bundle_qwen3_32b_h200_vllm_tp2"),
  "trtllm.json": bundleOf("bundle_qwen3_32b_h200_trtllm_tp2")
}

const engine = JSON.stringify({
  aic_backend: "vllm",
  aic_system: "h200_sxm",
  aic_model_path: "Qwen/Qwen3-32B",
  aic_tp_size: 2,
  block_size: 32
})
const trtllm = JSON.stringify({ aic_backend: "trtllm", aic_model_path: "Qwen/Qwen3-32B", aic_tp_size: 2 })
const replay = ["replay", "a.jsonl", "--report-json", "r.json", "--report-jsonl", "r.jsonl"]

interface Facts {
  readonly dynosim: {
    readonly timing_source: string
    readonly warnings: ReadonlyArray<string>
    readonly options: { readonly aicBundles: ReadonlyArray<string> }
  }
}

/** Runs and gives the lines of the requests and what the report says about the run. */
const run = (...argv: ReadonlyArray<string>) =>
  programIn(files, [...replay, ...argv], ({ exit, stderr }, folder) => {
    assert.strictEqual(exit, 0, stderr)
    const { dynosim }: Facts = JSON.parse(folder.read("r.json"))
    return { lines: folder.read("r.jsonl"), stderr, ...dynosim }
  })

const refused = (message: RegExp, ...argv: ReadonlyArray<string>) =>
  programIn(
    { ...files, "bad.json": "{}", "cut.json": files["h200.json"].slice(0, 900) },
    [...replay, ...argv],
    ({ exit, stderr }) => {
      assert.strictEqual(exit, 2, stderr)
      assert.match(stderr, message)
      assert.match(stderr, /^error: [^\n]+$/)
    }
  )

describe("--aic-bundle", () => {
  it.live(
    "gives the results of the shipped tables, from the same measurements: pass times and the size of the KV pool",
    () =>
      Effect.gen(function* () {
        const shipped = yield* run("--extra-engine-args", engine)
        const bundled = yield* run("--extra-engine-args", engine, "--aic-bundle", "h200.json")
        assert.strictEqual(bundled.lines, shipped.lines)
        assert.match(shipped.timing_source, /^AIC \(/)
        assert.match(bundled.timing_source, /^AIC bundle h200\.json \(aiconfigurator 0\.10\.0; h200_sxm vllm 0\.19\.0/)
        assert.deepStrictEqual(bundled.options.aicBundles, ["h200.json"])
        assert.deepStrictEqual(bundled.warnings, [])
      })
  )

  it.live("may be an engine argument", () =>
    Effect.gen(function* () {
      const flagged = yield* run("--extra-engine-args", engine, "--aic-bundle", "h200.json")
      const argument = JSON.stringify({ ...JSON.parse(engine), aic_bundle: "h200.json" })
      const bundled = yield* run("--extra-engine-args", argument)
      assert.strictEqual(bundled.lines, flagged.lines)
      assert.strictEqual(bundled.timing_source, flagged.timing_source)
      assert.deepStrictEqual(bundled.options.aicBundles, ["h200.json"])
    })
  )

  it.live("also gives the router's estimates, and each pool its own bundle", () =>
    Effect.gen(function* () {
      const routed = [
        "--num-workers",
        "2",
        "--router-mode",
        "kv_router",
        "--router-config",
        '{"router_prefill_load_model": "aic"}',
        "--aic-backend",
        "vllm",
        "--aic-system",
        "h200_sxm",
        "--aic-model-path",
        "Qwen/Qwen3-32B",
        "--aic-tp-size",
        "2"
      ]
      const shipped = yield* run(...routed)
      const bundled = yield* run(...routed, "--aic-bundle", "h200.json")
      assert.strictEqual(bundled.lines, shipped.lines)
      const pool = (workerType: string, backend: string) =>
        JSON.stringify({
          worker_type: workerType,
          aic_backend: backend,
          aic_model_path: "Qwen/Qwen3-32B",
          aic_tp_size: 2
        })
      const pools = yield* run(
        "--prefill-engine-args",
        pool("prefill", "vllm"),
        "--decode-engine-args",
        pool("decode", "trtllm"),
        "--aic-bundle",
        "h200.json",
        "--aic-bundle=trtllm.json"
      )
      assert.match(pools.timing_source, /^AIC bundle h200\.json .*, AIC bundle trtllm\.json /)
      assert.deepStrictEqual(pools.options.aicBundles, ["h200.json", "trtllm.json"])
    })
  )

  it.live("comes from a configuration file too, one or a list", () =>
    Effect.gen(function* () {
      for (const written of ["trtllm.json", "[h200.json, trtllm.json]"]) {
        const source = yield* programIn(
          {
            ...files,
            "run.yaml": `traces: a.jsonl\naic_bundle: ${written}\nreport-json: r.json\nextra-engine-args: ${trtllm}\n`
          },
          ["replay", "--config", "run.yaml"],
          ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 0, stderr)
            const { dynosim }: Facts = JSON.parse(folder.read("r.json"))
            return dynosim.timing_source
          }
        )
        assert.match(source, /^AIC bundle trtllm\.json /)
      }
    })
  )

  it.live("says when a bundle is not used, and why", () =>
    Effect.gen(function* () {
      const plain = yield* run("--aic-bundle", "h200.json")
      assert.deepStrictEqual(plain.warnings, [
        "--aic-bundle: h200.json is not used, because nothing asks for AIC (aic_backend)"
      ])
      assert.include(plain.stderr, `note: ${plain.warnings[0]}`)
      const other = yield* run("--extra-engine-args", engine, "--aic-bundle", "trtllm.json")
      assert.deepStrictEqual(other.warnings, [
        "--aic-bundle: trtllm.json is not used: aic_backend is vllm, the bundle's is trtllm"
      ])
      yield* refused(
        /^error: --extra-engine-args: aic_system, aic_backend, aic_backend_version: no performance tables for h200_sxm-trtllm-.*no bundle fits: h200\.json: aic_backend is trtllm, the bundle's is vllm/,
        "--extra-engine-args",
        trtllm,
        "--aic-bundle",
        "h200.json"
      )
    })
  )

  it.live("is refused when it cannot be read, is none, or would be overwritten", () =>
    Effect.gen(function* () {
      yield* refused(/^error: nope\.json: cannot be read: no such file$/, "--aic-bundle", "nope.json")
      yield* refused(
        /^error: bad\.json: .*"format".*; see data\/schema\/aic-bundle\.schema\.json$/,
        "--aic-bundle",
        "bad.json"
      )
      yield* refused(/^error: cut\.json: .*; see data\/schema/, "--aic-bundle", "cut.json")
      yield* refused(/^error: --aic-bundle: needs a value/, "--aic-bundle")
      yield* refused(
        /^error: --report-json: h200\.json is the AIC bundle h200\.json, which it would overwrite/,
        "--aic-bundle",
        "trtllm.json",
        "--aic-bundle",
        "h200.json",
        "--report-json",
        "h200.json"
      )
    })
  )
})

/** The bundled command keeps what V8 compiled, and is the same with and without it. */
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const program = resolve(import.meta.dirname, "../../bundle/dynosim.mjs")

describe("compiled code of the command", () => {
  let cache = ""
  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), "dynosim-code-"))
  })
  afterEach(() => rmSync(cache, { recursive: true, force: true }))

  const run = (words: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) => {
    const env = { ...process.env, NODE_COMPILE_CACHE: cache, ...environment }
    const { status, stdout } = spawnSync(process.execPath, [program, ...words], { encoding: "utf8", env })
    return { status, stdout }
  }

  /** In the folder that Node.js has for this version, flags and user. */
  const folder = (): string | undefined =>
    readdirSync(cache)
      .map((name) => join(cache, name, "dynosim"))
      .find((path) => existsSync(path))

  /** The kept files, each with how many runs have added to it. */
  const kept = (): ReadonlyArray<readonly [file: string, runs: number]> => {
    const at = folder()
    if (at === undefined) return []
    return readdirSync(at).map((file) => [join(at, file), readFileSync(join(at, file)).at(-8)!])
  }

  it("is added to by three runs and replaced where it is not whole or damaged", () => {
    const first = run(["--version"])
    assert.strictEqual(first.status, 0)
    const [[file, runs] = ["", 0], ...others] = kept()
    assert.match(file, /dynosim-start-\S+\.js\.code$/)
    assert.deepStrictEqual([runs, others], [1, []])
    for (const expected of [2, 3, 3]) {
      assert.deepStrictEqual(run(["--version"]), first)
      assert.deepStrictEqual(kept(), [[file, expected]])
    }
    const damages = [
      (bytes: Buffer) => bytes.subarray(0, 1000),
      (bytes: Buffer) => bytes.fill(0x5a, 100_000, 100_064),
      (bytes: Buffer) => bytes.fill(0xff, bytes.length - 8, bytes.length - 4),
      () => Buffer.alloc(0)
    ]
    for (const damaged of damages) {
      writeFileSync(file, damaged(readFileSync(file)))
      assert.deepStrictEqual(run(["--version"]), first)
      assert.deepStrictEqual(kept(), [[file, 1]])
    }
  })

  it("is neither run nor written where the folder is not the user's own", () => {
    run(["--version"])
    const at = folder()!
    renameSync(at, join(cache, "elsewhere"))
    symlinkSync(join(cache, "elsewhere"), at)
    assert.strictEqual(run(["--version"]).status, 0)
    assert.deepStrictEqual(
      kept().map(([, runs]) => runs),
      [1]
    )
  })

  it("is added to by the first run of every further kind, whatever files it reads and writes", () => {
    const replay = (...words: ReadonlyArray<string>): number => {
      const load = ["--input-tokens", "64", "--output-tokens", "2", "--request-count", "2"]
      assert.strictEqual(
        run(["replay", ...load, "--quiet", "--report-json", join(cache, "report.json"), ...words]).status,
        0
      )
      return new Map(kept().map(([file, runs]) => [/(?<=replay-)\w+/.exec(file)?.[0], runs])).get("replay") ?? 0
    }
    const series = (name: string): ReadonlyArray<string> => ["--series", join(cache, name)]
    const tiers = (blocks: number): ReadonlyArray<string> => [
      "--extra-engine-args",
      JSON.stringify({ kv_bytes_per_token: 131_072, num_g2_blocks: blocks })
    ]
    assert.deepStrictEqual([replay(), replay(), replay(), replay()], [1, 2, 3, 3])
    assert.deepStrictEqual([replay(...series("1.csv")), replay(...series("2.csv")), replay()], [4, 4, 4])
    assert.deepStrictEqual([replay(...tiers(64)), replay(...tiers(128))], [5, 5])
    const config = (engineType: string, blocks: number): ReadonlyArray<string> => {
      writeFileSync(
        join(cache, "c.yaml"),
        `extra-engine-args:\n  engine_type: ${engineType}\n  num_gpu_blocks: ${blocks}\n`
      )
      return ["--config", join(cache, "c.yaml")]
    }
    assert.deepStrictEqual([replay(...config("vllm", 64)), replay(...config("vllm", 128))], [6, 6])
    assert.strictEqual(replay(...config("sglang", 64)), 7)
  })

  it("is not kept of failures and of help, nor where it is switched off", () => {
    assert.strictEqual(run(["replay", "no-such-trace.jsonl"]).status, 2)
    assert.strictEqual(run(["replay", "--help"]).status, 0)
    assert.strictEqual(run(["--version"], { NODE_DISABLE_COMPILE_CACHE: "1" }).status, 0)
    assert.isUndefined(folder())
  })
})

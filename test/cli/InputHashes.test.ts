import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { gzipSync } from "node:zlib"
import { Folder, programIn } from "./Program.ts"

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex")

const rows = Array.from({ length: 9 }, (_, row) =>
  JSON.stringify({ timestamp: row, input_length: 100, output_length: 3, hash_ids: [row] })
).join("\n")

const hashesIn = (report: string): Readonly<Record<string, string>> => JSON.parse(report).dynosim.input_sha256

describe("input_sha256", () => {
  it.live("names every file that was read, trace or not", () =>
    Effect.gen(function* () {
      const files = {
        "a.jsonl": rows,
        "run.yaml":
          "traces: a.jsonl\nreport_json: r.json\nnum_workers: 2\nextra_engine_args: '@e.yaml'\nrouter_mode: kv_router\nrouter_policy_config: p.yaml\n",
        "p.yaml": "models: {}\n",
        "e.yaml": "block_size: 32\n"
      }
      const hashes = yield* programIn(files, ["replay", "--config", "run.yaml"], ({ exit, stderr }, folder) => {
        assert.strictEqual(exit, 0, stderr)
        return hashesIn(folder.read("r.json"))
      })
      assert.deepStrictEqual(hashes, {
        "a.jsonl": sha256(files["a.jsonl"]),
        "e.yaml": sha256(files["e.yaml"]),
        "p.yaml": sha256(files["p.yaml"]),
        "run.yaml": sha256(files["run.yaml"])
      })
    })
  )

  it.live("is of files as they are stored, compressed ones too, and of large ones", () =>
    Effect.gen(function* () {
      const packed = gzipSync(rows)
      const long = Array.from({ length: 40_000 }, (_, row) =>
        JSON.stringify({ timestamp: row / 1000, input_length: 64, output_length: 1, hash_ids: [row % 7] })
      ).join("\n")
      for (const [name, content] of [
        ["a.jsonl.gz", packed],
        ["long.jsonl", Buffer.from(long)]
      ] as const) {
        const hashes = yield* programIn(
          { [name]: `binary:${content.toString("hex")}` },
          ["replay", name, "--report-json", "r.json", "--num-workers", "8"],
          ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 0, stderr)
            return hashesIn(folder.read("r.json"))
          }
        )
        assert.deepStrictEqual(hashes, { [name]: sha256(content) })
      }
    })
  )

  it("is of standard input, too", () => {
    const folder = new Folder({})
    try {
      const bundle = resolve(import.meta.dirname, "../../bundle/dynosim.mjs")
      execFileSync(process.execPath, [bundle, "replay", "-", "--report-json", "r.json"], {
        input: rows,
        stdio: ["pipe", "ignore", "pipe"]
      })
      assert.deepStrictEqual(hashesIn(readFileSync("r.json", "utf8")), { "-": sha256(rows) })
    } finally {
      folder.leave()
    }
  })

  it.live("is empty for synthetic load", () =>
    programIn(
      {},
      ["replay", "--input-tokens", "64", "--output-tokens", "2", "--request-count", "2", "--report-json", "r.json"],
      (_, folder) => assert.deepStrictEqual(hashesIn(folder.read("r.json")), {})
    )
  )
})

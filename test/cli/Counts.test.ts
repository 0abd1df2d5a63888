/** What there is one of is told as one. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Folder, program } from "./Program.ts"

const row = (fields: object) => JSON.stringify({ timestamp: 0, input_length: 1, output_length: 1, ...fields })

/** A trace of a request of one token, and a pool of one block. */
const files = { "a.jsonl": row({ hash_ids: [1] }), "bad.jsonl": row({ output_length: 0 }) }
const engine = '--extra-engine-args={"num_gpu_blocks": 1, "block_size": 2}'
const commands: ReadonlyArray<ReadonlyArray<string>> = [
  ["trace", "inspect", "--trace-block-size=1", "a.jsonl"],
  ["trace", "validate", "a.jsonl", "bad.jsonl"],
  ["trace", "convert", "a.jsonl", "converted.jsonl"],
  ["trace", "sample", "--share=1", "a.jsonl", "sampled.jsonl"],
  ["trace", "fit", "a.jsonl", "fitted.yaml"],
  ["trace", "synth", "--input-tokens=1", "--output-tokens=1", "--request-count=1", "made.jsonl"],
  ["replay", "a.jsonl", "--summary", "--table=compact", "--sla-ttft-ms=1000", engine],
  ["replay", "a.jsonl", "--summary", "--json=-", engine, "--trace-block-size=1"],
  ["find", "fewest-workers", "a.jsonl", "--where=p99_ttft_ms < 1 s", "--max-workers=1"],
  ["find", "fewest-workers", "a.jsonl", "--where=p99_ttft_ms < 0.001 ms", "--max-workers=1"]
]

describe("counts", () => {
  it.effect("of one are of one", () =>
    Effect.acquireUseRelease(
      Effect.sync(() => new Folder(files)),
      () =>
        Effect.forEach(
          commands,
          (argv) =>
            Effect.map(program(argv), ({ stderr, stdout }) => {
              const told = `${stdout}\n${stderr}`
              assert.notMatch(told, /(?<![\d.,])1 (?!is |has )[a-zA-Z]+s\b/, argv.join(" "))
              if (!argv.includes("--json=-")) assert.match(told, /(?<![\d.,])1 (?:[a-z]+|GPU)\b/, argv.join(" "))
            }),
          { discard: true }
        ),
      (folder) => Effect.sync(() => folder.leave())
    )
  )
})

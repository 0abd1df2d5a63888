/** A vLLM profile whose passes are timed by a measured profile (NPZ). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { zipSync } from "fflate"
import { programIn } from "../../cli/Program.ts"
import { doubles, npy } from "../../timing/npz/NpyWriter.ts"

/** Prefill takes 10 ms and 2 ms per token, decode 3 ms whatever it holds. */
const archive = zipSync({
  "prefill_isl.npy": npy({ shape: [2], data: doubles([0, 100]) }),
  "prefill_ttft_ms.npy": npy({ shape: [2], data: doubles([10, 210]) }),
  "decode_active_kv_tokens.npy": npy({ shape: [2], data: doubles([0, 100]) }),
  "decode_context_length.npy": npy({ shape: [2], data: doubles([0, 100]) }),
  "decode_itl.npy": npy({ shape: [2, 2], data: doubles([3, 3, 3, 3]) })
})

/** The second request arrives during the first one's second pass, which ends at 56 ms. */
const trace = [0, 54]
  .map((timestamp, id) => JSON.stringify({ timestamp, input_length: 20, output_length: 4, hash_ids: [id] }))
  .join("\n")

describe("a vLLM profile timed by measurements", () => {
  // Asynchronously the pass from 56 ms on was decided at 53 ms.
  const starts = [
    [false, 56],
    [true, 59]
  ] as const
  for (const [asynchronous, secondStartMs] of starts) {
    it.live(`takes their time, async_scheduling ${asynchronous}`, () =>
      Effect.gen(function* () {
        const files = { "a.jsonl": trace, "p.npz": `binary:${Buffer.from(archive).toString("hex")}` }
        const args = { engine_profile: "vllm-0.33", planner_profile_data: "p.npz", async_scheduling: asynchronous }
        const flags = [
          "--extra-engine-args",
          JSON.stringify(args),
          "--report-json",
          "r.json",
          "--report-jsonl",
          "l.jsonl"
        ]
        const [report, ...lines] = yield* programIn(
          files,
          ["replay", "a.jsonl", ...flags],
          ({ exit, stderr }, folder) => {
            assert.strictEqual(exit, 0, stderr)
            return [folder.read("r.json"), ...folder.read("l.jsonl").trim().split("\n")].map((text) => JSON.parse(text))
          }
        )
        assert.strictEqual(report.dynosim.timing_source, "profile p.npz")
        assert.deepStrictEqual(
          lines.map(({ first_token_ms, ttst_ms }) => [first_token_ms, ttst_ms]),
          [
            [53, 3],
            [secondStartMs + 53, 3]
          ]
        )
      })
    )
  }
})

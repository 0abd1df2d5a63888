/** Requests that no worker can ever hold, and figures that say what was really reused and generated: whole command lines. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import { runCommand } from "../support/CommandRun.ts"
import { temporaryTrace } from "../support/GoldenRun.ts"

interface Row {
  readonly timestamp: number
  readonly input_length: number
  readonly output_length: number
}

let nextHashId = 0

/** Runs rows without common prefixes. */
const runRows = (rows: ReadonlyArray<Row>, words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const lines = rows.map((row) => ({
      ...row,
      hash_ids: Array.from({ length: Math.ceil(row.input_length / 512) }, () => nextHashId++)
    }))
    const file = yield* temporaryTrace(lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
    return yield* runCommand([file], words)
  })

const small = { input_length: 1000, output_length: 10 }
const sglang = { engine_type: "sglang", block_size: 16, num_gpu_blocks: 1000 }

const pools = (prefill: object, decode: object): ReadonlyArray<string> => [
  "--prefill-engine-args",
  JSON.stringify({ worker_type: "prefill", ...prefill }),
  "--decode-engine-args",
  JSON.stringify({ worker_type: "decode", ...decode }),
  "--num-prefill-workers",
  "1",
  "--num-decode-workers",
  "1"
]

const statuses = (records: ReadonlyArray<{ readonly id: number; readonly status: string }>): ReadonlyArray<string> =>
  records.toSorted((a, b) => a.id - b.id).map(({ status }) => status)

describe("an SGLang request that never fits", () => {
  for (const [input_length, output_length] of [
    [20_000, 10],
    [15_989, 10],
    [15_990, 10],
    [15_984, 16],
    [15_999, 1]
  ] as const) {
    const rows = [
      { timestamp: 0, ...small },
      { timestamp: 100, input_length, output_length },
      { timestamp: 5000, ...small }
    ]
    it.effect(`is rejected and the others go on: ${input_length} + ${output_length} tokens`, () =>
      Effect.gen(function* () {
        for (const workers of ["1", "2"]) {
          const words = ["--extra-engine-args", JSON.stringify(sglang), "--num-workers", workers]
          const { records, report } = yield* runRows(rows, words)
          assert.deepStrictEqual(statuses(records), ["completed", "rejected", "completed"])
          assert.match(report.dynosim.warnings.join(), /1 request did not fit a worker's KV pool of 16,000 tokens/)
        }
      })
    )
  }

  it.effect("is rejected by its prefill worker, which gives back what was reserved for it", () =>
    Effect.gen(function* () {
      const rows = [
        { timestamp: 0, input_length: 12_000, output_length: 4 },
        { timestamp: 1, input_length: 12_000, output_length: 4 },
        { timestamp: 2, ...small },
        { timestamp: 3, input_length: 12_000, output_length: 4 }
      ]
      const words = pools({ ...sglang, num_gpu_blocks: 500 }, sglang)
      const { records, report } = yield* runRows(rows, words)
      // Two of the large ones do not fit the decode pool at once: the second waits for what the first had.
      assert.deepStrictEqual(statuses(records), ["rejected", "rejected", "completed", "rejected"])
      assert.strictEqual(report.dynosim.in_flight_requests, 0)
    })
  )

  it.effect("fails at its decode worker before anything is computed", () =>
    Effect.gen(function* () {
      const rows = [
        { timestamp: 0, ...small },
        { timestamp: 1, input_length: 7000, output_length: 2000 },
        { timestamp: 2, ...small }
      ]
      const words = pools(sglang, { ...sglang, num_gpu_blocks: 500 })
      const { records } = yield* runRows(rows, words)
      assert.deepStrictEqual(statuses(records), ["completed", "failed", "completed"])
    })
  )

  it.effect("does not keep a published trace from being replayed with the engine's defaults", () =>
    Effect.gen(function* () {
      const file = fileURLToPath(new URL("../../traces/conversation_sample.jsonl", import.meta.url))
      const args = { engine_type: "sglang" }
      const aggregated = yield* runCommand([file], ["--extra-engine-args", JSON.stringify(args)])
      const handedOver = yield* runCommand(
        [file],
        [...pools(args, args), "--router-mode", "kv_router", "--arrival-speedup-ratio", "10"]
      )
      for (const { records, report } of [aggregated, handedOver]) {
        for (const { id, outputTokens, promptTokens, status } of records) {
          const fits = promptTokens + outputTokens < 16_384
          assert.strictEqual(status === "completed", fits, `request ${id} of ${promptTokens} + ${outputTokens}`)
        }
        assert.strictEqual(report.dynosim.in_flight_requests, 0)
        assert.match(report.dynosim.warnings.join(), /pages of more than one token \(block_size, sglang\.page_size\)/)
      }
    })
  )
})

describe("figures that say what happened", () => {
  it.effect("a lone cold prompt reuses nothing, whatever SGLang's chunks found of its own", () =>
    Effect.gen(function* () {
      const args = { engine_type: "sglang", num_gpu_blocks: 4096, block_size: 64 }
      const { report } = yield* runRows(
        [{ timestamp: 0, input_length: 65_536, output_length: 4 }],
        ["--extra-engine-args", JSON.stringify(args)]
      )
      assert.deepStrictEqual([report.prefix_cache_reused_ratio, report.shared_prefix_reused_ratio], [0.875, 0])
      assert.match(report.dynosim.warnings.join(), /shared_prefix_reused_ratio \(0\.0 %\)/)
    })
  )

  it.effect("output that TensorRT-LLM cuts at its pool counts as generated, not as asked for", () =>
    Effect.gen(function* () {
      const args = { engine_type: "trtllm", block_size: 16, num_gpu_blocks: 1000 }
      const { records, report } = yield* runRows(
        [{ timestamp: 0, input_length: 15_000, output_length: 5000 }],
        ["--extra-engine-args", JSON.stringify(args), "--sla-itl-ms", "10"]
      )
      assert.deepStrictEqual([records[0]?.status, records[0]?.emittedTokens], ["completed", 1000])
      assert.strictEqual(report.total_output_tokens, 1000)
      assert.closeTo(report.output_throughput_tok_s, 1000 / (report.duration_ms / 1000), 1e-9)
      assert.strictEqual(report.goodput_completed_requests, 0)
      assert.match(report.dynosim.warnings.join(), /cut the output of 1 request .*: 1000 of 5000 output tokens/)
    })
  )
})

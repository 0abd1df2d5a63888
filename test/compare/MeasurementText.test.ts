/** Each kind of file, read to the same requests by the same definitions. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { compare } from "../../src/compare/Comparison.ts"
import type { Measurement } from "../../src/compare/Measurement.ts"
import { measurementsOf } from "../../src/compare/MeasurementText.ts"

const read = (text: string): Measurement => Result.getOrThrow(measurementsOf("file", text))[0]!

const json = (value: unknown): string => JSON.stringify(value)

/** Two requests: 100 + 3 tokens, 200 + 2 tokens; 40 and 60 ms to the first token, then gaps of 10 and 20, and of 30 ms. */
const dynosim = [
  { start: 0, input: 100, output: 3, ttft: 40, ttst: 10, tpot: 15, e2e: 70 },
  { start: 50, input: 200, output: 2, ttft: 60, ttst: 30, tpot: 30, e2e: 90 }
]
  .map(({ e2e, input, output, start, tpot, ttft, ttst }) =>
    json({
      uuid: `r${start}`,
      session_id: null,
      arrival_time_ms: start,
      ttft_ms: ttft,
      ttst_ms: ttst,
      itl_ms: tpot,
      e2e_latency_ms: e2e,
      input_length: input,
      output_length: output,
      terminal_status: "completed"
    })
  )
  .join("\n")

const ms = (value: number | ReadonlyArray<number>) => ({ value, unit: "ms" })

const aiperfLine = (startNs: number, phase: string, values: Record<string, unknown>): string =>
  json({
    metadata: {
      x_request_id: `x${startNs}`,
      conversation_id: "c",
      turn_index: startNs,
      request_start_ns: startNs,
      benchmark_phase: phase
    },
    metrics: values,
    error: null
  })

const tokens = (value: number) => ({ value, unit: "tokens" })

const aiperf = [
  aiperfLine(1e9, "warmup", { time_to_first_token: ms(9999), request_latency: ms(9999) }),
  aiperfLine(2e9, "profiling", {
    time_to_first_token: ms(40),
    time_to_second_token: ms(10),
    inter_token_latency: ms(15),
    inter_chunk_latency: ms([10, 20]),
    request_latency: { value: 0.07, unit: "sec" },
    input_sequence_length: tokens(100),
    output_sequence_length: tokens(3)
  }),
  aiperfLine(2.05e9, "profiling", {
    time_to_first_token: ms(60),
    time_to_second_token: ms(30),
    inter_token_latency: ms(30),
    inter_chunk_latency: ms([30]),
    request_latency: ms(90),
    input_sequence_length: tokens(200),
    output_sequence_length: tokens(2)
  })
].join("\n")

const vllm = json({
  num_prompts: 3,
  completed: 2,
  duration: 0.14,
  request_throughput: 2 / 0.14,
  output_throughput: 5 / 0.14,
  total_token_throughput: 305 / 0.14,
  input_lens: [100, 200, 7],
  output_lens: [3, 2, 0],
  ttfts: [0.04, 0.06, 0],
  itls: [[0.01, 0.02], [0.03], []],
  start_times: [5, 5.05, 5.06],
  mean_ttft_ms: 50
})

const guidellm = json({
  benchmarks: [
    {
      duration: 0.14,
      metrics: {
        request_latency: { successful: { mean: 0.08, count: 2, percentiles: { p50: 0.09 } } },
        time_to_first_token_ms: { successful: { mean: 50 } }
      },
      requests: {
        successful: [
          {
            request_id: "a",
            request_start_time: 5,
            request_latency: 0.07,
            time_to_first_token_ms: 40,
            inter_token_latency_ms: 15,
            prompt_tokens: 100,
            output_tokens: 3
          },
          {
            request_id: "b",
            request_start_time: 5.05,
            request_latency: 0.09,
            time_to_first_token_ms: 60,
            inter_token_latency_ms: 30,
            prompt_tokens: 200,
            output_tokens: 2
          }
        ]
      }
    }
  ]
})

describe("measurements", () => {
  for (const [name, text] of Object.entries({ aiperf, vllm, guidellm })) {
    it(`of ${name} equal ours of the same run`, () => {
      const { matched_by, metrics, remarks, totals } = compare(read(dynosim), read(text))
      assert.strictEqual(matched_by, "order of start")
      for (const { kolmogorov_smirnov, matched, metric, statistics } of metrics) {
        for (const [statistic, { other, reference }] of Object.entries(statistics)) {
          assert.approximately(other, reference, 1e-6, `${metric} ${statistic}`)
        }
        assert.approximately(matched?.mean_absolute_error ?? 0, 0, 1e-6)
        assert.isBelow(kolmogorov_smirnov ?? 0, 1.01)
      }
      assert.includeMembers(
        metrics.map(({ metric }) => metric),
        ["ttft_ms", "tpot_ms", "e2e_latency_ms", "input_tokens", "output_tokens"]
      )
      assert.approximately(totals.duration_s!.other, 0.14, 1e-9)
      // Lines of ours have no gaps; who has them is named.
      assert.strictEqual(
        remarks.some((remark) => remark.startsWith("itl_ms")),
        name !== "guidellm"
      )
    })
  }

  it("take gaps between tokens from all requests together", () => {
    assert.deepStrictEqual([...read(aiperf).samples.get("itl_ms")!], [10, 20, 30])
    assert.deepStrictEqual(
      [...read(vllm).samples.get("itl_ms")!].map((gap) => Math.round(gap)),
      [10, 20, 30]
    )
  })

  it("take no zeros of a report for latencies that nobody had", () => {
    const report = (completed: number, outputTokens: number): Measurement =>
      read(
        json({
          num_requests: 2,
          completed_requests: completed,
          total_input_tokens: 20,
          total_output_tokens: outputTokens,
          ...Object.fromEntries(["ttft", "ttst", "tpot", "itl", "e2e_latency"].map((name) => [`mean_${name}_ms`, 0]))
        })
      )
    assert.deepStrictEqual([...report(0, 0).statistics.keys()], [])
    assert.deepStrictEqual(report(0, 0).remarks, ["file: no request was completed, so there are no latencies"])
    assert.deepStrictEqual([...report(2, 2).statistics.keys()].toSorted(), [
      "e2e_latency_ms",
      "input_tokens",
      "output_tokens",
      "ttft_ms"
    ])
    assert.isTrue(report(2, 3).statistics.has("itl_ms"))
  })

  it("leave out what failed, and say so", () => {
    assert.deepStrictEqual(read(vllm).remarks, ["file: left out: 1 request that failed"])
    assert.strictEqual(read(vllm).requests.length, 2)
  })

  it("are read from AIPerf's summary in its units", () => {
    const summary = read(
      json({
        request_latency: { unit: "sec", avg: 0.08, p99: 0.09 },
        inter_token_latency: { unit: "ms", avg: 22.5 },
        request_count: { unit: "requests", avg: 2 }
      })
    )
    assert.deepStrictEqual(summary.statistics.get("e2e_latency_ms"), { mean: 80, p99: 90 })
    assert.deepStrictEqual(summary.statistics.get("tpot_ms"), { mean: 22.5 })
    assert.strictEqual(summary.totals.get("requests"), 2)
  })

  it("are refused in one line where they are none", () => {
    const problem = (text: string): string => Result.getOrThrow(Result.flip(measurementsOf("file", text))).message
    assert.strictEqual(problem(""), "file: is empty")
    assert.strictEqual(problem("hello"), "file: is neither JSON nor JSON Lines")
    assert.strictEqual(problem("{}"), "file: is JSON of no known kind")
    assert.strictEqual(problem(`${dynosim}\n{"uuid`), "file:3: is not JSON")
    assert.strictEqual(
      problem(`${dynosim}\n${aiperf}`),
      "file: line 3 of its requests is of another kind than the first"
    )
  })

  it("held against each other say where the sides did not serve the same load, and only there", () => {
    const lines = dynosim.split("\n")
    const remarksOf = (change: (line: string) => string): ReadonlyArray<string> =>
      compare(read(dynosim), read(lines.map(change).join("\n"))).remarks.filter((remark) =>
        remark.includes("same load")
      )
    const slower = (line: string): string => line.replace('"ttft_ms":40', '"ttft_ms":90')
    assert.deepStrictEqual(remarksOf(slower), [])
    const longer = (line: string): string => line.replace('"input_length":200', '"input_length":230')
    assert.deepStrictEqual(remarksOf(longer), [
      "the sides did not serve the same load: input_tokens differ by 10.0 % in the mean"
    ])
    const nearly = (line: string): string => line.replace('"input_length":200', '"input_length":202')
    assert.deepStrictEqual(remarksOf(nearly), [])
  })
})

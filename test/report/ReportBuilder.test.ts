import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import type { ReplayEvent } from "../../src/report/ReplayEvent.ts"
import { countKeys, Report, wallClockKeys } from "../../src/report/Report.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import type { PoolFacts, ReportOptions } from "../../src/report/ReportOptions.ts"
import { version } from "../../src/report/Version.ts"
import { gaps, record, recordedRuns, served, summary } from "./Records.ts"

const report = (events: ReadonlyArray<ReplayEvent>, options?: ReportOptions): Report => {
  const builder = new ReportBuilder(options)
  for (const event of events) builder.add(event)
  return builder.finish()
}

/** Three requests that count: tokens at 10, 14, 20; at 30 alone; at 130 and, in one burst, 130. One more was rejected. */
const fourRequests: ReadonlyArray<ReplayEvent> = [
  served({ promptTokens: 100, tokensMs: [10, 14, 20], reusedTokens: 50, firstAdmissionReusedTokens: 20 }),
  gaps([4, 1], [6, 1]),
  served({ promptTokens: 200, arrivalMs: 5, tokensMs: [30] }),
  record({ promptTokens: 999, status: "rejected", reusedTokens: 7 }),
  served({ promptTokens: 700, arrivalMs: 100, tokensMs: [130, 130] }),
  gaps([0, 1]),
  summary({ arrivedRequests: 4 })
]

describe("ReportBuilder", () => {
  it("computes counts, rates and ratios by hand-checked formulas", () => {
    const {
      duration_ms,
      gpu_hours,
      input_throughput_tok_s,
      output_throughput_tok_s,
      prefix_cache_reused_ratio,
      total_throughput_tok_s,
      ...of
    } = report(fourRequests)
    assert.deepStrictEqual(
      [of.num_requests, of.completed_requests, of.total_input_tokens, of.total_output_tokens, of.processed_tokens],
      [4, 3, 1000, 6, 1006]
    )
    assert.strictEqual(duration_ms, 130)
    assert.strictEqual(of.request_throughput_rps, 3 / 0.13)
    assert.deepStrictEqual(
      [input_throughput_tok_s, output_throughput_tok_s, total_throughput_tok_s],
      [1000 / 0.13, 6 / 0.13, 1006 / 0.13]
    )
    assert.deepStrictEqual([of.prefill_worker_seconds, of.decode_worker_seconds], [0, 0.13])
    assert.strictEqual(gpu_hours, 0.13 / 3600)
    assert.strictEqual(of.wall_time_ms, 4)
    assert.strictEqual(of.processed_tokens_per_s, 251500)
    assert.strictEqual(of.processed_output_tokens_per_s, 1500)
    assert.strictEqual(prefix_cache_reused_ratio, 0.05)
    assert.strictEqual(of.first_admission_prefix_cache_reused_ratio, 0.02)
  })

  it("computes the samples of each metric", () => {
    const of = report(fourRequests)
    assert.deepStrictEqual([of.min_ttft_ms, of.median_ttft_ms, of.max_ttft_ms], [10, 25, 30])
    assert.deepStrictEqual([of.min_e2e_latency_ms, of.median_e2e_latency_ms, of.max_e2e_latency_ms], [20, 25, 30])
    assert.deepStrictEqual([of.min_ttst_ms, of.max_ttst_ms, of.mean_ttst_ms, of.std_ttst_ms], [0, 4, 2, 2])
    assert.deepStrictEqual([of.min_tpot_ms, of.max_tpot_ms, of.median_tpot_ms], [0, 5, 5])
    assert.deepStrictEqual([of.min_itl_ms, of.max_itl_ms, of.mean_itl_ms, of.median_itl_ms], [0, 6, 10 / 3, 4])
    assert.deepStrictEqual(
      [
        of.min_output_token_throughput_per_user,
        of.max_output_token_throughput_per_user,
        of.mean_output_token_throughput_per_user
      ],
      [1000 / 6, 250, (1000 / 6 + 250) / 2]
    )
  })

  it("says where every request went", () => {
    const { dynosim } = report([
      ...fourRequests.slice(0, -1),
      record({ status: "failed" }),
      served({ tokensMs: [40], status: "in_flight" }),
      record({ status: "in_flight" }),
      summary({ arrivedRequests: 7, ended: "max-sim-time" })
    ])
    assert.deepStrictEqual(
      [
        dynosim.offered_requests,
        dynosim.completed_requests,
        dynosim.rejected_requests,
        dynosim.failed_requests,
        dynosim.in_flight_requests
      ],
      [7, 3, 1, 1, 2]
    )
    assert.isTrue(dynosim.truncated)
    assert.strictEqual(dynosim.ended, "max-sim-time")
  })

  it("shows a request that never reached its end as in flight", () => {
    assert.strictEqual(
      report([served({ tokensMs: [1] }), summary({ arrivedRequests: 2 })]).dynosim.in_flight_requests,
      1
    )
  })

  it("counts a request cut off after a token as completed, with the output it asked for", () => {
    const of = report([
      served({ tokensMs: [10, 20], outputTokens: 50, status: "in_flight" }),
      record({ firstAdmitMs: 3, status: "in_flight" }),
      summary({ arrivedRequests: 2, ended: "interrupted" })
    ])
    assert.deepStrictEqual(
      [of.num_requests, of.completed_requests, of.total_output_tokens, of.duration_ms],
      [2, 1, 50, 20]
    )
    assert.strictEqual(of.mean_tpot_ms, 10)
  })

  it("never reports a negative time", () => {
    const of = report([served({ arrivalMs: 10, tokensMs: [9, 8] }), summary()])
    assert.deepStrictEqual([of.min_ttft_ms, of.min_ttst_ms, of.min_tpot_ms, of.min_e2e_latency_ms], [0, 0, 0, 0])
  })

  it("reports zeros when nothing completed", () => {
    const of = report([record({ status: "rejected" }), summary({ wallMs: 0 })])
    assert.deepStrictEqual([of.num_requests, of.completed_requests, of.duration_ms], [1, 0, 0])
    assert.strictEqual(of.decode_worker_seconds, 1e-9)
    assert.strictEqual(of.gpu_hours, 1e-9 / 3600)
    assert.deepStrictEqual(
      [of.processed_tokens_per_s, of.prefix_cache_reused_ratio, of.mean_itl_ms, of.p99_ttft_ms],
      [0, 0, 0, 0]
    )
  })

  it("takes worker time from the run where the run keeps it", () => {
    const of = report([
      served({ tokensMs: [1000] }),
      summary({ workerSeconds: { prefill: 10, decode: 40 }, gpusPerWorker: { prefill: 4, decode: 8 } })
    ])
    assert.deepStrictEqual([of.prefill_worker_seconds, of.decode_worker_seconds], [10, 40])
    assert.deepStrictEqual([of.prefill_gpus_per_worker, of.decode_gpus_per_worker], [4, 8])
    assert.strictEqual(of.gpu_hours, (10 * 4 + 40 * 8) / 3600)
  })

  it("reports a stream without summary as interrupted, with a warning", () => {
    const of = report([served({ tokensMs: [1000] }), record({ status: "rejected" })])
    assert.strictEqual(of.num_requests, 2)
    assert.deepStrictEqual([of.decode_worker_seconds, of.gpu_hours, of.wall_time_ms], [0, 0, 0])
    assert.strictEqual(of.dynosim.ended, "interrupted")
    assert.match(of.dynosim.warnings[0] ?? "", /before the run's summary/)
  })

  it("asks for the metadata when the run has ended", () => {
    const warnings: Array<string> = []
    const builder = new ReportBuilder({
      metadata: () => ({
        timingSource: "polynomial",
        seed: 7,
        options: { workers: 2 },
        warnings,
        inputSha256: { "a.jsonl": "ff" }
      })
    })
    builder.add(summary())
    warnings.push("late")
    const { dynosim } = builder.finish()
    assert.deepInclude(dynosim, {
      timing_source: "polynomial",
      seed: 7,
      options: { workers: 2 },
      warnings: ["late"],
      input_sha256: { "a.jsonl": "ff" }
    })
    assert.notProperty(report([summary()]).dynosim, "input_sha256")
    assert.deepInclude(report([summary()]).dynosim, { timing_source: null, seed: null, options: null, warnings: [] })
  })

  it("names the sketch once it is used, for the group that uses it", () => {
    const exact = { method: "exact", relative_error: 0 }
    const sketch = { method: "log-linear histogram", relative_error: 2 ** -15 }
    assert.deepStrictEqual(report(fourRequests).dynosim.percentiles, { requests: exact, token_gaps: exact })
    assert.deepStrictEqual(report(fourRequests, { exactRequests: 2 }).dynosim.percentiles, {
      requests: sketch,
      token_gaps: exact
    })
    assert.deepStrictEqual(report(fourRequests, { exactGaps: 1 }).dynosim.percentiles, {
      requests: exact,
      token_gaps: sketch
    })
  })

  it("satisfies its own schema", () => {
    const decode = Schema.decodeUnknownSync(Report)
    for (const built of [
      report(fourRequests),
      report([], { serviceLevel: { ttftMs: 1 }, metadata: () => ({ seed: 1, inputSha256: {} }) })
    ]) {
      assert.deepStrictEqual(decode(built), built)
    }
  })

  it("has the reference's keys and two of its own", () => {
    const keys = Object.keys(recordedRuns["single_vllm_two"]?.report ?? {})
    assert.deepStrictEqual(
      Object.keys(report(fourRequests)).toSorted(),
      ["dynosim", "shared_prefix_reused_ratio", ...keys].toSorted()
    )
    const all = Object.keys(Report.fields)
    for (const key of [...countKeys, ...wallClockKeys]) assert.include(all, key)
  })

  it("carries the version of the package", () => {
    const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8")
    assert.include(manifest, `\n  "version": "${version}",\n`)
    assert.deepInclude(report([]).dynosim, { version, behaviour_profile: "1.3.1" })
  })
})

describe("what the events of a run tell", () => {
  const pool = {
    role: "aggregated",
    workers: 1,
    gpusPerWorker: 1,
    kvGib: null,
    kvPoolSource: "engine_args",
    timingSource: "t"
  } as const
  const warnings = (
    events: ReadonlyArray<ReplayEvent>,
    blockTokens = 1,
    limits: Pick<PoolFacts, "maxModelTokens"> = {}
  ): ReadonlyArray<string> =>
    report([...events, summary()], {
      metadata: () => ({
        pools: [{ ...pool, blockTokens, kvBlocks: 64 / blockTokens, kvTokens: 64, ...limits }],
        warnings: ["first"]
      })
    }).dynosim.warnings

  it("says nothing where there is nothing to say", () => {
    assert.deepStrictEqual(warnings([served({ tokensMs: [1, 2], reusedTokens: 9, sharedReusedTokens: 9 })]), ["first"])
  })

  it("counts output that an engine cut as what was generated, and says how much", () => {
    const cut = [
      served({ promptTokens: 10, tokensMs: [10, 20, 30], outputTokens: 100 }),
      served({ promptTokens: 10, tokensMs: [10, 40], outputTokens: 2 }),
      served({ promptTokens: 10, tokensMs: [10], outputTokens: 50, status: "in_flight" })
    ]
    const of = report([...cut, summary({ arrivedRequests: 3 })], { serviceLevel: { itlMs: 9 } })
    assert.deepStrictEqual([of.total_output_tokens, of.processed_tokens], [3 + 2 + 50, 30 + 55])
    assert.strictEqual(of.output_throughput_tok_s, 55 / 0.04)
    // 20 ms for 2 gaps are 10 ms each, though 20 / 99 would be good.
    assert.deepStrictEqual([of.goodput_completed_requests, of.goodput_output_throughput_tok_s], [1, 50 / 0.04])
    assert.deepStrictEqual(warnings(cut), [
      "first",
      "the engine cut the output of 1 request to what it can hold: 3 of 100 output tokens were generated, and only those are reported"
    ])
  })

  it("tells reuse of others' work from reuse of one's own", () => {
    const events = [served({ promptTokens: 200, tokensMs: [1], reusedTokens: 150, sharedReusedTokens: 50 })]
    const of = report([...events, summary()])
    assert.deepStrictEqual([of.prefix_cache_reused_ratio, of.shared_prefix_reused_ratio], [0.75, 0.25])
    assert.match(
      warnings(events)[1]!,
      /^prefix_cache_reused_ratio \(75\.0 %\) counts .* shared_prefix_reused_ratio \(25\.0 %\) counts/
    )
  })

  it("names the pool that requests did not fit, and a page size of one", () => {
    const tooLarge = record({ promptTokens: 60, outputTokens: 5, status: "rejected" })
    assert.match(
      warnings([tooLarge, record({ promptTokens: 70, status: "failed" })])[1]!,
      /^2 requests did not fit a worker's KV pool of 64 tokens \(64 blocks of 1\), the largest with 71 .*sglang\.page_size/
    )
    assert.notInclude(warnings([tooLarge], 16)[1]!, "sglang.page_size")
    const fits = record({ promptTokens: 20, status: "rejected" })
    assert.strictEqual(
      warnings([fits], 16, { maxModelTokens: 20 })[1],
      "1 request did not fit max_model_len 20, the largest with a prompt of 20 tokens"
    )
    // Rejected for another reason.
    assert.deepStrictEqual(warnings([fits], 16, { maxModelTokens: 21 }), ["first"])
  })
})

describe("goodput", () => {
  /** Two requests: ttft 10, e2e 50, (50 - 10) / 4 = 10 per further token; and a single token after 100. */
  const events: ReadonlyArray<ReplayEvent> = [
    served({ tokensMs: [10, 20, 30, 40, 50] }),
    served({ tokensMs: [100] }),
    record({ status: "rejected" }),
    summary({ arrivedRequests: 3 })
  ]

  const good = (serviceLevel: NonNullable<ReportOptions["serviceLevel"]>): number | undefined =>
    report(events, { serviceLevel }).goodput_completed_requests

  it("is there only with a bound", () => {
    assert.notProperty(report(events), "goodput_completed_requests")
    assert.notProperty(report(events, { serviceLevel: {} }), "goodput_completed_requests")
    const of = report(events, { serviceLevel: { e2eMs: 60 } })
    assert.deepStrictEqual(
      [of.goodput_completed_requests, of.goodput_request_throughput_rps, of.goodput_output_throughput_tok_s],
      [1, 1 / 0.1, 5 / 0.1]
    )
  })

  it("includes its bounds and demands all that are set", () => {
    assert.deepStrictEqual([good({ ttftMs: 10 }), good({ ttftMs: 9.99 }), good({ ttftMs: 100 })], [1, 0, 2])
    assert.deepStrictEqual([good({ e2eMs: 50 }), good({ e2eMs: 49.9 }), good({ e2eMs: 100 })], [1, 0, 2])
    assert.deepStrictEqual([good({ ttftMs: 100, e2eMs: 50 }), good({ ttftMs: 10, e2eMs: 40 })], [1, 0])
  })

  it("bounds the time per further token, which a single-token request has not", () => {
    assert.deepStrictEqual([good({ itlMs: 10 }), good({ itlMs: 9.99 })], [2, 1])
  })

  it("divides by the tokens asked for, not by those that came", () => {
    const cut = [served({ tokensMs: [10, 50], outputTokens: 41, status: "in_flight" }), summary()]
    assert.strictEqual(report(cut, { serviceLevel: { itlMs: 1 } }).goodput_completed_requests, 1)
  })
})

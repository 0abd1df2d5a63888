/** The page of a run: what it was, how long requests took and why, and what the deployment did meanwhile. */
import { chart } from "./Charts.mjs"
import { element, number, section, table } from "./Elements.mjs"
import { poolSizeCharts } from "./PoolSizes.mjs"
import { unpackAll } from "./Unpack.mjs"

const seconds = (values) => values.map((ms) => ms / 1000)

export const drawRun = async ({ report, requests: packed, series: packedSeries }) => {
  const [requests, series] = await Promise.all([unpackAll(packed.columns), unpackAll(packedSeries)])
  const facts = report.dynosim

  const summary = () => {
    document.querySelector("#lead").textContent =
      `${number(report.num_requests)} ${report.num_requests === 1 ? "request" : "requests"} in ${facts.measured_window === undefined ? "" : "the measured window of "}${number(report.duration_ms / 1000)} simulated seconds on ${facts.pools
        .map(
          ({ kv_blocks, role, workers }) =>
            `${workers} ${role} worker${workers === 1 ? "" : "s"} (${number(kv_blocks)} KV blocks each)`
        )
        .join(", ")}. Timing: ${facts.timing_source}.`
    const metrics = [
      ["TTFT (ms)", "ttft_ms", "ttft_ms"],
      ["Mean gap per request, TPOT (ms)", "tpot_ms", "tpot_ms"],
      ["All gaps, ITL (ms)", "itl_ms", "tpot_ms"],
      ["End to end (ms)", "e2e_latency_ms", "e2e_ms"]
    ]
    section(
      "Summary",
      table(
        "Latencies",
        ["", "mean", "p50", "p75", "p90", "p95", "p99", "max"],
        metrics.map(([name, key, column]) => [
          name,
          ...["mean", "median", "p75", "p90", "p95", "p99", "max"].map((statistic) =>
            number(isKnown(column) ? report[`${statistic}_${key}`] : null, 2)
          )
        ])
      ),
      table(
        "Load and reuse",
        ["", "value"],
        [
          ...measuredRows(),
          ["Completed", number(facts.completed_requests)],
          ["Rejected", number(facts.rejected_requests)],
          ["Requests per second", number(report.request_throughput_rps, 3)],
          ["Output tokens per second", number(report.output_throughput_tok_s)],
          ["Prompt tokens found in a cache", `${number(100 * report.prefix_cache_reused_ratio, 2)} %`],
          ...Object.entries(facts.kv_tiers?.reused_tokens ?? {}).map(([tier, tokens]) => [
            `Prompt tokens reused: ${tier}`,
            number(tokens)
          ]),
          ["GPU hours", number(report.gpu_hours, 3)]
        ]
      ),
      ...facts.warnings.map((warning) => element("p", { class: "warning" }, warning))
    )
  }

  /** What part of the run the summary and the distributions are of. */
  const measuredRows = () => {
    const window = facts.measured_window
    if (window === undefined) return []
    const [from, until] = [window.from_ms, window.until_ms].map((ms) => number(ms / 1000, 2))
    return [
      ["Measured window", `${from} s to ${until} s`],
      [
        "Requests in it",
        `${number(window.requests)} (left out: ${number(window.warm_up_requests)} before, ${number(window.drain_requests)} after)`
      ]
    ]
  }

  /** At most this many steps: more are not seen. */
  const steps = 500

  /** Whether a request is one of those that the report's latencies are of. */
  const counts = (index) =>
    requests.e2e_ms[index] !== null && (requests.measured === undefined || requests.measured[index] === 1)

  /** Whether any request of which the report speaks has such a figure; the report has zeros where none has. */
  const isKnown = (column) => requests[column].some((value, index) => value !== null && counts(index))

  const cumulative = (values) => {
    const sorted = Float64Array.from(
      values.filter((value, index) => value !== null && value > 0 && counts(index))
    ).toSorted()
    const count = Math.min(steps, sorted.length)
    const at = Array.from({ length: count }, (_, step) =>
      Math.round((step * (sorted.length - 1)) / Math.max(1, count - 1))
    )
    return [at.map((index) => sorted[index]), at.map((index) => (100 * (index + 1)) / sorted.length)]
  }

  const latencies = () =>
    section(
      "Latency distributions",
      ...[
        ["Time to first token", "ttft_ms", "ttft_ms"],
        ["Mean gap between tokens", "tpot_ms", "tpot_ms"],
        ["End to end", "e2e_ms", "e2e_latency_ms"]
      ].map(([name, column, key]) => {
        const data = cumulative(requests[column])
        const [half, most] = [report[`median_${key}`], report[`p99_${key}`]]
        const words = isKnown(column)
          ? `half of the requests take at most ${number(half)} ms, 99 % at most ${number(most)} ms.`
          : "no request that was completed has one."
        // A logarithmic axis has no place for nothing.
        if (data[0].length === 0) return element("p", {}, `${name}: ${words}`)
        return chart({
          data,
          logarithmic: true,
          series: ["requests (%)"],
          x: `${name} (ms)`,
          y: "requests (%)",
          description: `${name}: ${words}`
        })
      })
    )

  /** Nothing where there are no tiers, or nothing was ever in them. */
  const tierChart = (row) => {
    const tiers = ["host", "disk"].filter((tier) => series[`${tier}_blocks`]?.some((blocks) => blocks > 0))
    if (tiers.length === 0) return []
    const columns = tiers.map((tier) => `${tier}_blocks`)
    const atEnd = tiers.map((tier) => `${number(series[`${tier}_blocks`].at(-1))} blocks (${tier})`)
    return [row("KV tiers", columns, "blocks", `${atEnd.join(", ")} at the end.`)]
  }

  const overTime = () => {
    const time = seconds(series.end_ms)
    const most = (values) => number(values.reduce((left, right) => Math.max(left, right), 0))
    const row = (name, columns, y, description) =>
      chart({
        data: [time, ...columns.map((column) => series[column])],
        series: columns.map((column) => column.replaceAll("_", " ")),
        x: "simulated time (s)",
        y,
        description: `${name}: ${description}`
      })
    if (time.length === 0) return section("Over time", element("p", {}, "No time passed."))
    section(
      "Over time",
      chart({
        data: [seconds(requests.arrival_ms), requests.ttft_ms, requests.queued_ms],
        points: true,
        series: ["TTFT (ms)", "of it queued (ms)"],
        x: "arrival (s)",
        y: "ms",
        onPick: (index) => show(index),
        description: `Time to first token by arrival; a click shows the request. The slowest took ${number(report.max_ttft_ms)} ms.`
      }),
      row(
        "Queue",
        ["waiting", "running"],
        "requests",
        `at most ${most(series.waiting)} waiting and ${most(series.running)} running.`
      ),
      row(
        "KV blocks",
        ["active_blocks", "cached_blocks", "free_blocks"],
        "blocks",
        `at most ${most(series.active_blocks)} held by requests.`
      ),
      ...tierChart(row),
      row(
        "Batch composition",
        ["prefill_tokens_per_s", "decode_tokens_per_s"],
        "tokens per second",
        `prompt tokens computed and tokens emitted; ${number(series.preemptions.reduce((sum, count) => sum + count, 0))} preemptions.`
      ),
      ...poolSizeCharts(report, series.end_ms.at(-1) ?? 0)
    )
  }

  const workers = () => {
    const byWorker = new Map()
    for (const [index, worker] of requests.worker.entries()) {
      if (worker === null) continue
      const sums = byWorker.get(worker) ?? { requests: 0, input: 0, output: 0, reused: 0, answered: 0, ttft: 0 }
      const ttft = requests.ttft_ms[index]
      byWorker.set(worker, {
        requests: sums.requests + 1,
        input: sums.input + requests.input_tokens[index],
        output: sums.output + requests.output_tokens[index],
        reused: sums.reused + requests.reused_tokens[index],
        answered: sums.answered + (ttft === null ? 0 : 1),
        ttft: sums.ttft + (ttft ?? 0)
      })
    }
    const rows = [...byWorker].toSorted(([left], [right]) => left - right)
    section(
      "Workers and prefix reuse",
      table(
        "Per worker",
        ["worker", "requests", "input tokens", "output tokens", "prompt found in cache", "mean TTFT (ms)"],
        rows.map(([worker, sums]) => [
          `worker ${worker}`,
          number(sums.requests),
          number(sums.input),
          number(sums.output),
          `${number((100 * sums.reused) / Math.max(1, sums.input), 2)} %`,
          number(sums.answered === 0 ? null : sums.ttft / sums.answered)
        ])
      )
    )
  }

  /** Why a request took its time, in words, from what is known of it. */
  const reason = (index) => {
    const [ttft, queued, e2e] = ["ttft_ms", "queued_ms", "e2e_ms"].map((column) => requests[column][index])
    if (ttft === null) return "never got a token"
    const computed = requests.input_tokens[index] - requests.reused_tokens[index]
    const parts = [
      [queued, `waited ${number(queued)} ms in the queue`],
      [ttft - queued, `prefill of ${number(computed)} prompt tokens took ${number(ttft - queued)} ms`],
      ...(e2e === null
        ? []
        : [[e2e - ttft, `decode of ${number(requests.output_tokens[index])} tokens took ${number(e2e - ttft)} ms`]])
    ]
    return parts.toSorted(([left], [right]) => right - left)[0][1]
  }

  const details = element(
    "p",
    { id: "request", role: "status", "aria-live": "polite" },
    "Choose a request: in the table, or by a click on a dot of the chart above."
  )

  const show = (index) => {
    const value = (column, digits) => number(requests[column][index], digits)
    details.textContent =
      `Request ${value("number")}: arrived at ${number(requests.arrival_ms[index] / 1000, 2)} s on worker ${value("worker")}, ${value("input_tokens")} prompt tokens (${value("reused_tokens")} of them cached), `
      + `${value("output_tokens")} output tokens. Queued ${value("queued_ms")} ms, first token after ${value("ttft_ms")} ms, mean gap ${value("tpot_ms", 2)} ms, end after ${value("e2e_ms")} ms: ${reason(index)}.`
  }

  const slowest = () => {
    const order = { ttft: "ttft_ms", "end to end": "e2e_ms", "mean gap": "tpot_ms" }
    const holder = element("div", {})
    const fill = (name) => {
      const column = order[name]
      const indices = requests.number
        .map((_, index) => index)
        .toSorted((left, right) => (requests[column][right] ?? -1) - (requests[column][left] ?? -1))
        .slice(0, 20)
      const rows = indices.map((index) => {
        const button = element("button", { type: "button" }, `request ${number(requests.number[index])}`)
        button.addEventListener("click", () => show(index))
        return [
          button,
          ...[
            "ttft_ms",
            "queued_ms",
            "tpot_ms",
            "e2e_ms",
            "input_tokens",
            "output_tokens",
            "reused_tokens",
            "worker"
          ].map((figure) => number(requests[figure][index], 2)),
          reason(index)
        ]
      })
      holder.replaceChildren(
        table(
          `The slowest by ${name}`,
          [
            "request",
            "TTFT (ms)",
            "queued (ms)",
            "mean gap (ms)",
            "end to end (ms)",
            "input tokens",
            "output tokens",
            "cached",
            "worker",
            "mostly"
          ],
          rows
        )
      )
    }
    const choice = element(
      "select",
      { id: "order" },
      ...Object.keys(order).map((name) => element("option", { value: name }, name))
    )
    choice.addEventListener("change", () => fill(choice.value))
    section(
      "Slowest requests",
      ...(packed.every === 1
        ? []
        : [
            element(
              "p",
              { class: "warning" },
              `One request of ${packed.every} is in this page, of ${number(packed.requests)}; the summary counts all.`
            )
          ]),
      element("label", { for: "order" }, "Slowest by "),
      choice,
      holder,
      details
    )
    fill("ttft")
  }

  const provenance = () =>
    section(
      "Settings and provenance",
      table(
        "Made by",
        ["", "value"],
        [
          ["dynosim", facts.version],
          ["behaviour profile", facts.behaviour_profile],
          ["seed", String(facts.seed)],
          ["ended", facts.ended],
          ...Object.entries(facts.input_sha256 ?? {}).map(([name, hash]) => [name, hash])
        ]
      ),
      element(
        "details",
        {},
        element("summary", {}, "All settings"),
        element("pre", { tabindex: "0" }, JSON.stringify(facts.options, undefined, 2))
      )
    )

  for (const draw of [summary, latencies, overTime, workers, slowest, provenance]) draw()
}

/** The statistics of a report within 100 columns, with the median and the 95th percentile that the wide table leaves out. */
import { figureTable } from "./FigureTable.ts"
import type { Report } from "./Report.ts"
import { twoDecimals, windowLines } from "./ReportTable.ts"
import { counted } from "../settings/Counted.ts"

const header = ["", "avg", "p50", "p90", "p95", "p99", "max"]

const rows = (of: Report): ReadonlyArray<readonly [string, ...ReadonlyArray<number>]> => [
  ["TTFT (ms)", of.mean_ttft_ms, of.median_ttft_ms, of.p90_ttft_ms, of.p95_ttft_ms, of.p99_ttft_ms, of.max_ttft_ms],
  ["TTST (ms)", of.mean_ttst_ms, of.median_ttst_ms, of.p90_ttst_ms, of.p95_ttst_ms, of.p99_ttst_ms, of.max_ttst_ms],
  ["ITL (ms)", of.mean_itl_ms, of.median_itl_ms, of.p90_itl_ms, of.p95_itl_ms, of.p99_itl_ms, of.max_itl_ms],
  ["TPOT (ms)", of.mean_tpot_ms, of.median_tpot_ms, of.p90_tpot_ms, of.p95_tpot_ms, of.p99_tpot_ms, of.max_tpot_ms],
  [
    "Latency (ms)",
    of.mean_e2e_latency_ms,
    of.median_e2e_latency_ms,
    of.p90_e2e_latency_ms,
    of.p95_e2e_latency_ms,
    of.p99_e2e_latency_ms,
    of.max_e2e_latency_ms
  ]
]

/** Lines without line ends. */
export const compactTable = (report: Report): ReadonlyArray<string> => {
  const cells = [header, ...rows(report).map(([label, ...values]) => [label, ...values.map(twoDecimals)])]
  return [
    ...figureTable(cells),
    `${twoDecimals(report.request_throughput_rps)} requests/s, ${twoDecimals(report.output_throughput_tok_s)} output tokens/s, `
      + counted(report.completed_requests, "request"),
    ...windowLines(report)
  ]
}

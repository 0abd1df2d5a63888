import { assert, describe, it } from "@effect/vitest"
import type { Report } from "../../src/report/Report.ts"
import { reportTable, twoDecimals } from "../../src/report/ReportTable.ts"
import { withFigures } from "./RecordedReport.ts"
import { pythonText, recordedTables } from "./Records.ts"

const anyReport = (facts: Partial<Report["dynosim"]>): Report => {
  const report = withFigures(recordedTables[0]?.report ?? "")
  return { ...report, dynosim: { ...report.dynosim, ...facts } }
}

const lastLines = (facts: Partial<Report["dynosim"]>): ReadonlyArray<string> =>
  reportTable(anyReport(facts), "r.json").split("\n").slice(-4)

describe("ReportTable", () => {
  it("prints byte for byte what the reference prints", () => {
    assert.isAtLeast(recordedTables.length, 7)
    for (const { id, report, stdout } of recordedTables)
      assert.strictEqual(reportTable(withFigures(report), "r.json"), stdout, id)
  })

  it("rounds and groups as Python does", () => {
    for (const [repr, fixed] of pythonText.floats) assert.strictEqual(twoDecimals(Number(repr)), fixed, repr)
    assert.deepStrictEqual([Number.NaN, Infinity, -Infinity].map(twoDecimals), ["nan", "inf", "-inf"])
  })

  it("leaves out the last line when nothing was saved", () => {
    assert.isTrue(reportTable(anyReport({})).endsWith("First Admission Prefix Cache Reused Ratio: 0.32\n"))
  })

  it("says where the requests went unless all of them completed", () => {
    const allCompleted = lastLines({ offered_requests: 12_031, completed_requests: 12_031 })
    assert.isFalse(allCompleted.some((line) => line.startsWith("Requests:")))
    assert.deepStrictEqual(
      lastLines({ offered_requests: 12_031, completed_requests: 11_470, rejected_requests: 561 }),
      [
        "First Admission Prefix Cache Reused Ratio: 0.32",
        "Requests: 12,031 offered = 11,470 completed + 561 rejected + 0 in flight",
        "Saved full report to: r.json",
        ""
      ]
    )
    assert.include(
      lastLines({
        offered_requests: 1_000_000,
        completed_requests: 999_000,
        failed_requests: 10,
        in_flight_requests: 990
      }),
      "Requests: 1,000,000 offered = 999,000 completed + 0 rejected + 10 failed + 990 in flight"
    )
  })

  it("names percentiles that are not exact", () => {
    const sketch = { method: "log-linear histogram", relative_error: 2 ** -15 } as const
    const text = reportTable(
      anyReport({ percentiles: { requests: { method: "exact", relative_error: 0 }, token_gaps: sketch } })
    )
    assert.include(
      text,
      "\nApproximate percentiles (log-linear histogram, within 0.0031 %): inter token latency, output token throughput per user\n"
    )
    assert.notInclude(text, "all per-request metrics")
  })
})

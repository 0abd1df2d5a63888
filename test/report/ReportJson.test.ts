import { assert, describe, it } from "@effect/vitest"
import type { Json } from "effect/Schema"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import { reportJson } from "../../src/report/ReportJson.ts"
import { pythonText, recordedTables, summary } from "./Records.ts"
import { withFigures } from "./RecordedReport.ts"

const textWithOptions = (options: Json): string => {
  const builder = new ReportBuilder({ metadata: () => ({ options }) })
  builder.add(summary())
  return reportJson(builder.finish())
}

/** The text without what is ours. */
const withoutFacts = (text: string): string =>
  text
    .replace(/^ {2}"dynosim": \{\n(?: {4}.*\n)* {2}\},\n/m, "")
    .replace(/^ {2}"shared_prefix_reused_ratio": .*\n/m, "")

describe("ReportJson", () => {
  it("writes the reference's keys byte for byte as the reference does", () => {
    for (const { id, report } of recordedTables) {
      const text = reportJson(withFigures(report))
      assert.strictEqual(withoutFacts(text), report, id)
      assert.include(text, '\n  "dynosim": {\n    "behaviour_profile": "1.3.1",\n')
    }
  })

  it("writes any document as Python does", () => {
    for (const [document, text] of pythonText.documents) {
      const indented = text.replaceAll("\n", "\n    ")
      assert.include(textWithOptions(document), `\n    "options": ${indented},\n`)
    }
  })

  it("writes no number that JSON does not know", () => {
    assert.include(
      textWithOptions({ limit: Number.POSITIVE_INFINITY, ratio: Number.NaN }),
      '"limit": null,\n      "ratio": null'
    )
  })

  it("can be read back", () => {
    const text = textWithOptions({ a: ["x", { b: null }] })
    assert.strictEqual(JSON.parse(text).dynosim.options.a[0], "x")
    assert.isTrue(text.endsWith("}\n"))
  })
})

/** Random command lines that were run through the reference once. See golden/differential/README.md. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { runCommand } from "../support/CommandRun.ts"
import { type RecordedReport, type RecordedRequests, reportDifferences, requestDifferences } from "../support/Comparison.ts"
import { goldenFolder, goldenNames, temporaryTrace } from "../support/GoldenRun.ts"
import { guideFor } from "../support/Guide.ts"

interface RecordedCase {
  /** Lines of the trace. */
  readonly rows: ReadonlyArray<{ readonly hash_ids: ReadonlyArray<number> }>
  readonly arguments: ReadonlyArray<string>
  readonly report: RecordedReport
  readonly requests: RecordedRequests
}

const folder = goldenFolder("differential")

const load = (name: string): RecordedCase =>
  JSON.parse(gunzipSync(readFileSync(join(folder, `${name}.json.gz`))).toString("utf8"))

/** To the reference hash ids are what their low 32 bits say; here all 64 count. */
const asTheReferenceReads = ({ hash_ids, ...row }: RecordedCase["rows"][number]) => ({
  ...row,
  hash_ids: hash_ids.map((id) => id % 2 ** 32)
})

describe("recorded random cases", () => {
  it.effect.each([...goldenNames(folder)])("%s", (name) =>
    Effect.gen(function*() {
      const { arguments: words, report, requests, rows } = load(name)
      const trace = yield* temporaryTrace(rows.map((row) => `${JSON.stringify(asTheReferenceReads(row))}\n`).join(""))
      const guide = guideFor(words, requests)
      const outcome = yield* runCommand([trace], words, { hook: guide?.hook })
      const found = [
        ...(guide?.faults ?? []),
        ...reportDifferences(outcome.report, report),
        ...requestDifferences(outcome.records, requests)
      ]
      assert.strictEqual(found.length, 0, found.slice(0, 20).join("\n"))
    }))
})

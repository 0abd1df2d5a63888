/** The published traces from end to end against recorded runs of the reference. See golden/traces/README.md. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { runCommand } from "../support/CommandRun.ts"
import { type RecordedReport, reportDifferences } from "../support/Comparison.ts"
import { goldenFolder, goldenNames } from "../support/GoldenRun.ts"
import { sampleDifferences, type TraceSample } from "../support/TraceSample.ts"

interface RecordedTrace extends TraceSample {
  readonly trace: string
  readonly arguments: ReadonlyArray<string>
  readonly report: RecordedReport
}

const folder = goldenFolder("traces")

const load = (name: string): RecordedTrace =>
  JSON.parse(gunzipSync(readFileSync(join(folder, `${name}.json.gz`))).toString("utf8"))

describe("published traces", () => {
  it.effect.each([...goldenNames(folder)])("%s", (name) =>
    Effect.gen(function*() {
      const recorded = load(name)
      const file = fileURLToPath(new URL(`../../traces/${recorded.trace}.jsonl`, import.meta.url))
      const outcome = yield* runCommand([file], recorded.arguments)
      const found = [
        ...reportDifferences(outcome.report, recorded.report),
        ...sampleDifferences(outcome.records, recorded)
      ]
      assert.strictEqual(found.length, 0, found.slice(0, 20).join("\n"))
    }))
})

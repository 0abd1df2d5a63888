import { assert, describe, it } from "@effect/vitest"
import type { Report } from "../../src/report/Report.ts"
import { ReportBuilder } from "../../src/report/ReportBuilder.ts"
import { assertClose, assertCloseSpread } from "../support/Assertions.ts"
import { type RecordedRun, recordedRuns, recordOfLine, summary } from "./Records.ts"

/** All keys but those of gaps and of first-admission reuse, which per-request lines do not tell. */
const isDerived = (key: string): boolean => !/_itl_|per_user$|^first_admission/.test(key)

/** The report of a run's lines and of what the reference measured beside them: worker time and real time. */
const rebuilt = ({ lines, report }: RecordedRun, singleEngine: boolean): Report => {
  const figure = (key: string): number => report[key] ?? Number.NaN
  const builder = new ReportBuilder()
  for (const line of lines) builder.add(recordOfLine(line))
  builder.add(
    summary({
      arrivedRequests: figure("num_requests"),
      workerSeconds: singleEngine
        ? undefined
        : { prefill: figure("prefill_worker_seconds"), decode: figure("decode_worker_seconds") },
      gpusPerWorker: { prefill: figure("prefill_gpus_per_worker"), decode: figure("decode_gpus_per_worker") },
      wallMs: figure("wall_time_ms")
    })
  )
  return builder.finish()
}

describe("recorded runs of the reference", () => {
  for (const [name, run] of Object.entries(recordedRuns)) {
    it(`gives the figures of ${name} from its requests`, () => {
      const found: Readonly<Record<string, unknown>> = rebuilt(run, /^(single|fast)_/.test(name))
      const keys = Object.keys(run.report).filter(isDerived)
      assert.strictEqual(keys.length, 55)
      for (const key of keys) {
        const actual = Number(found[key])
        const expected = Number(run.report[key])
        if (Number.isInteger(expected)) assert.strictEqual(actual, expected, key)
        else if (key.startsWith("std_"))
          assertCloseSpread(actual, expected, Number(run.report[key.replace("std", "mean")]), key)
        else assertClose(actual, expected, key)
      }
    })
  }
})

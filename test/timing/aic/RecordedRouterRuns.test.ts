/**
 * Recorded runs with AIC in the router's load model, in the engines, in both, and disaggregated.
 *
 * The reference draws its ties unseeded and these recordings do not name the workers, so the choices cannot be forced. But a recorded
 * report is one of the outcomes that the draws can lead to, so some seed must lead there: the seeds were searched for, and
 * with them the whole report is the recorded one.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { runCommand } from "../../support/CommandRun.ts"
import { type RecordedReport, reportDifferences } from "../../support/Comparison.ts"
import { readGolden } from "./Recorded.ts"

interface RouterRun {
  readonly flags: ReadonlyArray<string>
  readonly seed: number
  readonly report: RecordedReport
}

const trace = new URL("../../golden/aic/reports/conv200.jsonl.gz", import.meta.url).pathname

describe("recorded runs of the KV router with AIC", () => {
  for (const [name, { flags, report, seed }] of Object.entries(
    readGolden<Record<string, RouterRun>>("reports/router_runs.json")
  )) {
    it.effect(`${name} is what seed ${seed} leads to`, () =>
      Effect.gen(function* () {
        const outcome = yield* runCommand([trace], [...flags, "--seed", String(seed)])
        assert.deepStrictEqual(reportDifferences(outcome.report, report), [])
      })
    )
  }
})

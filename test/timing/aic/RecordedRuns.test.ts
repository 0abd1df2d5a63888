import { assert, describe, it } from "@effect/vitest"
import * as AicTiming from "../../../src/timing/aic/AicTiming.ts"
import { assertSameReport, type RecordedRun } from "../WholeRuns.ts"
import { readGolden } from "./Recorded.ts"

describe("recorded runs with AIC timing and AIC-sized KV pools", () => {
  for (const [name, run] of Object.entries(readGolden<Record<string, RecordedRun>>("reports/runs.json"))) {
    it.effect(`${name} has the reference's figures`, () =>
      assertSameReport(run, ({ aic }) => {
        assert(aic !== undefined)
        return AicTiming.layer(aic)
      })
    )
  }
})

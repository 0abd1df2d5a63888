import { assert, describe, it } from "@effect/vitest"
import * as AicTiming from "../../../src/timing/aic/AicTiming.ts"
import { assertSameReport } from "../WholeRuns.ts"
import { breadthFolder, readGolden } from "./Recorded.ts"

interface RecordedReplay {
  /** The trace, `--extra-engine-args` and its value. */
  readonly argv: ReadonlyArray<string>
  readonly reports: ReadonlyArray<Readonly<Record<string, number>>>
}

describe("recorded runs of latent attention and of another system", () => {
  for (const name of ["h200_dsv3_tp8_ep8", "b200_qwen3_32b_tp2"]) {
    const { argv, reports } = readGolden<RecordedReplay>(`replays/${name}.json`, breadthFolder)
    const trace = new URL(`replays/${argv[0]}`, breadthFolder).pathname
    it.effect(`${name} has the reference's figures`, () =>
      assertSameReport({ trace, workers: 1, engineArgs: JSON.parse(argv[2]!), report: reports[0]! }, ({ aic }) => {
        assert(aic !== undefined)
        return AicTiming.layer(aic)
      })
    )
  }
})

/** `dynosim sweep next PLAN`: the runs of the next round that are not stored yet, a line of JSON each, printed and kept with the results. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { readFlags, type FlagValues } from "../config/ReadFlags.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { CellRunner } from "../sweep/CellRunner.ts"
import { CellStore } from "../sweep/CellStore.ts"
import * as Sweep from "../sweep/Sweep.ts"
import { sweepNextFlags } from "../sweep/SweepFlags.ts"
import { readPlanFile, resultsFolder } from "./SweepRun.ts"

/** No cell is of this shard, so nothing is run. */
const noShard: Sweep.Shard = { index: -1, count: 1 }

const nobody = Layer.succeed(CellRunner, {
  width: 1,
  run: () => Effect.succeed({ _tag: "Failed", reason: "was not asked to run" })
})

/** Where the list stands for other programs, beside the runs. */
const roundFile = "round.jsonl"

export const nextRound = Effect.fnUntraced(function* (file: string, flags: FlagValues) {
  const given = yield* Effect.fromResult(readFlags(sweepNextFlags, flags))
  const { plan } = yield* readPlanFile(file)
  const path = yield* Path.Path
  const folder = resultsFolder(file, given.results)
  const results = yield* Stream.runCollect(Sweep.run(plan, noShard)).pipe(
    Effect.provide(Layer.merge(nobody, CellStore.layerFolder(folder)))
  )
  const lines = results.flatMap((result) =>
    result._tag === "Elsewhere"
      ? [JSON.stringify({ index: result.cell.index, id: result.id, config: JSON.parse(result.cell.config) })]
      : []
  )
  yield* OutputFile.write(path.join(folder, roundFile), lines.map((line) => `${line}\n`).join(""))
  yield* Console.log(lines.length === 0 ? "nothing is left to run" : lines.join("\n"))
})

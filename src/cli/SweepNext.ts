/** `dynosim sweep next PLAN`: the runs of the next round that are not stored yet, a line of JSON each. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { readFlags, type FlagValues } from "../config/ReadFlags.ts"
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

export const nextRound = Effect.fnUntraced(function* (file: string, flags: FlagValues) {
  const given = yield* Effect.fromResult(readFlags(sweepNextFlags, flags))
  const { plan } = yield* readPlanFile(file)
  const results = yield* Stream.runCollect(Sweep.run(plan, noShard)).pipe(
    Effect.provide(Layer.merge(nobody, CellStore.layerFolder(resultsFolder(file, given.results))))
  )
  const missing = results.flatMap((result) => (result._tag === "Elsewhere" ? [result.cell] : []))
  if (missing.length === 0) return yield* Console.log("nothing is left to run")
  yield* Console.log(
    missing.map(({ config, index }) => JSON.stringify({ index, config: JSON.parse(config) })).join("\n")
  )
})

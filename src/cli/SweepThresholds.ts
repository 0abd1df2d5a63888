/** `--fail-if` of sweeps: status 3 where what a sweep recommends is not good enough. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { type Condition, parseConditions } from "../report/Condition.ts"
import { judgeThreshold } from "../sweep/Candidate.ts"
import type { Plan } from "../sweep/Plan.ts"
import { type Summary, winnersOf } from "../sweep/Summary.ts"
import { sweepMetrics } from "../sweep/SweepMetrics.ts"
import { valuesText } from "../sweep/SweepText.ts"
import { crossings, failWith, readEach } from "./Thresholds.ts"

/** They may name whatever a plan may name. */
export const readSweepThresholds = ({ failIf = [] }: { readonly failIf?: ReadonlyArray<string> | undefined }) =>
  Effect.fromResult(readEach(failIf, (texts) => parseConditions(texts, sweepMetrics)))

/** A part of a sweep recommends nothing yet. */
export const failIfCrossed = Effect.fnUntraced(function* (
  plan: Plan,
  summary: Summary,
  thresholds: ReadonlyArray<Condition>
) {
  if (thresholds.length === 0) return
  if (summary.elsewhere > 0) {
    return yield* Console.error(
      "note: --fail-if looks at whole sweeps, and runs of other shards are missing; give it to dynosim sweep merge"
    )
  }
  const chosen = winnersOf(plan, summary)
  const problems =
    chosen.length === 0
      ? ["--fail-if: no combination meets the constraints"]
      : chosen.flatMap((candidate) =>
          crossings(
            thresholds.map((condition) => judgeThreshold(condition, candidate, plan.judge)),
            valuesText(plan, candidate)
          )
        )
  yield* failWith(problems)
})

/** Plans, and runners that answer without simulating, for tests of searches. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as NodeServices from "@effect/platform-node/NodeServices"
import type { Report } from "../../src/report/Report.ts"
import type { ReplayOptions } from "../../src/run/ReplayOptions.ts"
import { CellRunner, type Outcome } from "../../src/sweep/CellRunner.ts"
import { CellStore } from "../../src/sweep/CellStore.ts"
import { parsePlan, type Plan } from "../../src/sweep/Plan.ts"
import { summarise } from "../../src/sweep/Summary.ts"
import * as Sweep from "../../src/sweep/Sweep.ts"
import { emptyReport } from "../report/EmptyReport.ts"

export const plan = (text: string): Plan => Result.getOrThrow(parsePlan("plan.yaml", text))

export const planError = (text: string): string => {
  const { hint, message } = Result.getOrThrow(Result.flip(parsePlan("plan.yaml", text)))
  return hint === undefined ? message : `${message}; ${hint}`
}

/** Synthetic load, so that no file is read. */
export const base = "{input-tokens: 100, output-tokens: 10, request-count: 2, arrival-interval-ms: 10}"

/** A report with these figures, of a run that completed something. */
export const reportWith = (figures: Partial<Report>): Report => ({
  ...emptyReport,
  completed_requests: 1,
  ...figures
})

/** A runner that counts its runs. */
export const answering = (answer: (options: ReplayOptions) => Outcome) => {
  const asked: Array<ReplayOptions> = []
  const layer = Layer.succeed(CellRunner, {
    width: 2,
    run: ({ options }) =>
      Effect.sync(() => {
        asked.push(options)
        return answer(options)
      })
  })
  return { asked, layer }
}

export const summaryOf = (plan: Plan, runner: Layer.Layer<CellRunner>, shard?: Sweep.Shard) =>
  Stream.run(Sweep.run(plan, shard), summarise(plan)).pipe(
    Effect.provide(Layer.mergeAll(runner, CellStore.layerMemory, NodeServices.layer))
  )

/** What a search is after: `maximise output_throughput_tok_s_per_gpu`, `minimise total_gpus`. */
import * as Result from "effect/Result"
import { metricNamed } from "../report/Condition.ts"
import type { Metric } from "../report/Metric.ts"
import { sweepMetrics } from "./SweepMetrics.ts"
import { ConditionError } from "../report/ReportError.ts"

/** What a good run has much or little of. */
export interface Objective {
  readonly metric: Metric
  readonly direction: "maximise" | "minimise"
}

const pattern = /^(maximi[sz]e|minimi[sz]e)\s+(\S+)$/

export const parseObjective = (given: string): Result.Result<Objective, ConditionError> => {
  const text = given.trim()
  const [, verb, name] = pattern.exec(text) ?? []
  if (verb === undefined || name === undefined) {
    return Result.fail(
      new ConditionError({
        text,
        problem: "is not an objective",
        hint: 'write it like "maximise output_throughput_tok_s_per_gpu" or "minimise total_gpus"'
      })
    )
  }
  return Result.map(metricNamed(name, text, sweepMetrics), (metric) => ({
    metric,
    direction: verb.startsWith("max") ? "maximise" : "minimise"
  }))
}

/** The figure of which less is always better; infinite where there is none. */
export const cost = ({ direction }: Objective, value: number | undefined): number =>
  value === undefined ? Number.POSITIVE_INFINITY : direction === "maximise" ? -value : value

export const objectiveText = ({ direction, metric }: Objective): string => `${direction} ${metric.name}`

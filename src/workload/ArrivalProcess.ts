/** Draws when synthetic requests, or sessions, start. */
import { type ArrivalProcess, brokenRateRule, brokenShapeRule } from "../config/ArrivalProcess.ts"
import type { Pcg32 } from "../random/Pcg32.ts"
import { exponential, gamma } from "./Variates.ts"
import { workloadError } from "./WorkloadError.ts"
import type { WorkloadError } from "./WorkloadError.ts"

export type { ArrivalProcess } from "../config/ArrivalProcess.ts"

/** What is wrong with the numbers of a process. */
export const arrivalProblem = (arrivals: ArrivalProcess): WorkloadError | undefined => {
  const rate = brokenRateRule(arrivals.requestsPerSecond)
  if (rate !== undefined) return workloadError("request_rate", rate)
  const shape = arrivals.process === "gamma" ? brokenShapeRule(arrivals.shape) : undefined
  return shape === undefined ? undefined : workloadError("arrival_shape", shape)
}

/** Draws one gap after the other, in ms. */
export const gapSampler = (arrivals: ArrivalProcess, random: Pcg32): (() => number) => {
  const meanMs = 1000 / arrivals.requestsPerSecond
  switch (arrivals.process) {
    case "constant":
      return () => meanMs
    case "poisson":
      return () => exponential(random) * meanMs
    case "gamma": {
      const { shape } = arrivals
      return () => gamma(random, shape) * (meanMs / shape)
    }
  }
}

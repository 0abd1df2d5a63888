/** When synthetic requests, or sessions, start: the first at 0, the others after gaps of a given mean. */
import type { Pcg32 } from "../structures/Pcg32.ts"
import { exponential, gamma } from "./Variates.ts"
import { arrivalShape, requestRate } from "./LoadSettings.ts"
import { settingProblem } from "./WorkloadError.ts"
import type { WorkloadError } from "./WorkloadError.ts"

export type ArrivalProcess =
  | {
      /** Equal gaps, or independent exponential ones. */
      readonly process: "constant" | "poisson"
      readonly requestsPerSecond: number
    }
  | {
      /** Independent gamma-distributed gaps. */
      readonly process: "gamma"
      readonly requestsPerSecond: number
      /**
       * Shape of the distribution: 1 is a Poisson process, less makes bursts, more makes it regular. The gaps' coefficient of
       * variation is `1 / sqrt(shape)`.
       */
      readonly shape: number
    }

/** What is wrong with the numbers of a process. */
export const arrivalProblem = (arrivals: ArrivalProcess): WorkloadError | undefined =>
  settingProblem("request_rate", requestRate, arrivals.requestsPerSecond)
  ?? (arrivals.process === "gamma" ? settingProblem("arrival_shape", arrivalShape, arrivals.shape) : undefined)

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

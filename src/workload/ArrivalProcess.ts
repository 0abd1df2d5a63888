/** When synthetic requests, or sessions, start: the first at 0, the others after gaps of a given mean. */
import type { Pcg32 } from "../random/Pcg32.ts"
import { exponential, gamma } from "./Variates.ts"
import { workloadError } from "./WorkloadError.ts"
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

/** Below it nearly all gaps are zero to double precision. */
const minShape = 0.01
const maxShape = 1e6

/** Keeps times within what doubles tell apart. */
const minRate = 1e-6
const maxRate = 1e9

export const arrivalProblem = (arrivals: ArrivalProcess): WorkloadError | undefined => {
  const { requestsPerSecond } = arrivals
  if (!(requestsPerSecond >= minRate && requestsPerSecond <= maxRate)) {
    return workloadError("request_rate", `must be from ${minRate} to ${maxRate} per second, got ${requestsPerSecond}`)
  }
  if (arrivals.process !== "gamma" || (arrivals.shape >= minShape && arrivals.shape <= maxShape)) return undefined
  return workloadError("arrival_shape", `must be from ${minShape} to ${maxShape}, got ${arrivals.shape}`)
}

/** Draws one gap after the other, in ms. */
export const gapSampler = (arrivals: ArrivalProcess, random: Pcg32): () => number => {
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

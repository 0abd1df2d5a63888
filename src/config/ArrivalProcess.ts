/** When synthetic requests, or sessions, start: the first at 0, the others after gaps of a given mean. */

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

/** Keeps times within what doubles tell apart. */
const minRate = 1e-6
const maxRate = 1e9

/** Below it nearly all gaps are zero to double precision. */
const minShape = 0.01
const maxShape = 1e6

const isWithin = (value: number, least: number, most: number): boolean => value >= least && value <= most

/** What a rate must be and is not. */
export const brokenRateRule = (requestsPerSecond: number): string | undefined =>
  isWithin(requestsPerSecond, minRate, maxRate)
    ? undefined
    : `must be from ${minRate} to ${maxRate} per second, got ${requestsPerSecond}`

/** What a shape must be and is not. */
export const brokenShapeRule = (shape: number): string | undefined =>
  isWithin(shape, minShape, maxShape) ? undefined : `must be from ${minShape} to ${maxShape}, got ${shape}`

/** Ranges of everything that a load can be told. */
import { anyMany, duration, integer, mostTokens, number, positive, share } from "../settings/Kind.ts"
import { tokenLengths } from "./TokenLengths.ts"

/** Requests, sessions and prefix groups each need an id of their own. */
export const maxIds = 2 ** 32

export const syntheticKinds = {
  inputTokens: tokenLengths,
  outputTokens: tokenLengths,
  requestCount: integer(1, maxIds),
  turnsPerSession: integer(1, mostTokens),
  arrivalIntervalMs: duration,
  interTurnDelayMs: duration,
  sharedPrefixRatio: share,
  prefixGroups: integer(0, maxIds)
}

/** Names of the processes by which requests, or sessions, arrive. */
export const arrivalProcesses = ["constant", "poisson", "gamma"] as const

/** Arrivals per second, within what doubles tell apart. */
export const requestRate = number(1e-6, 1e9)
/** Shape of gamma-distributed gaps; below it nearly all gaps are zero to double precision. */
export const arrivalShape = number(0.01, 1e6)
/** How many times faster arrivals come. */
export const arrivalSpeedup = positive(1e-6, 1e12)
/** Sessions or requests that are active at a time. */
export const concurrency = anyMany

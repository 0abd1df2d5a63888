/** Options that describe synthetic load. */
import { oneOf } from "../settings/Kind.ts"
import { arrivalProcesses, arrivalShape, requestRate, syntheticKinds as kinds } from "../workload/LoadSettings.ts"
import type { FlagTable } from "./FlagSpec.ts"
import { jsonObject } from "./JsonObject.ts"

export const syntheticFlags = {
  workload: {
    own: true,
    kind: jsonObject,
    description:
      "Load of several classes of requests: a workload file (YAML or JSON), or a JSON object (docs/workloads.md)"
  },
  "input-tokens": {
    kind: kinds.inputTokens,
    description: "Synthetic load: prompt tokens of every request; uniform:LOW,HIGH or lognormal:MEAN,SIGMA draws them"
  },
  "output-tokens": {
    kind: kinds.outputTokens,
    description: "Synthetic load: tokens that every request generates; drawn like --input-tokens"
  },
  "request-count": {
    kind: kinds.requestCount,
    description:
      "Synthetic load: number of requests; of sessions with --turns-per-session above 1, or in a workload file"
  },
  "arrival-interval-ms": {
    kind: kinds.arrivalIntervalMs,
    default: "1",
    description: "Synthetic load: milliseconds between two arrivals, on average where they are drawn"
  },
  "request-rate": {
    own: true,
    kind: requestRate,
    description: "Synthetic load: arrivals per second, in place of --arrival-interval-ms"
  },
  "arrival-process": {
    own: true,
    kind: oneOf(arrivalProcesses),
    default: "constant; poisson with --request-rate",
    description: "Synthetic load: how gaps between arrivals vary"
  },
  "arrival-shape": {
    own: true,
    kind: arrivalShape,
    description:
      "Synthetic load: shape of gamma gaps; 1 is poisson, below it arrivals come in bursts, above it they are regular"
  },
  "turns-per-session": {
    kind: kinds.turnsPerSession,
    default: "1",
    description: "Synthetic load: turns of every session"
  },
  "shared-prefix-ratio": {
    kind: kinds.sharedPrefixRatio,
    default: "0",
    description: "Synthetic load: share of each prompt that its prefix group has in common, 0 to 1"
  },
  "num-prefix-groups": {
    kind: kinds.prefixGroups,
    default: "0, off",
    description: "Synthetic load: number of prefix groups"
  },
  "inter-turn-delay-ms": {
    kind: kinds.interTurnDelayMs,
    default: "0",
    description: "Synthetic load: milliseconds from the end of a turn to the next turn of its session"
  }
} as const satisfies FlagTable

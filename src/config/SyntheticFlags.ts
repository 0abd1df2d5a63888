/** Options that describe synthetic load. */
import type { FlagTable } from "./FlagSpec.ts"

export const arrivalProcesses = ["constant", "poisson", "gamma"] as const
export type ArrivalProcessName = (typeof arrivalProcesses)[number]

export const syntheticFlags = {
  "input-tokens": {
    kind: "lengths",
    description: "Synthetic load: prompt tokens of every request; uniform:LOW,HIGH or lognormal:MEAN,SIGMA draws them"
  },
  "output-tokens": {
    kind: "lengths",
    description: "Synthetic load: tokens that every request generates; drawn like --input-tokens"
  },
  "request-count": {
    kind: "integer",
    description: "Synthetic load: number of requests; of sessions with --turns-per-session above 1"
  },
  "arrival-interval-ms": {
    kind: "number",
    default: "1",
    description: "Synthetic load: milliseconds between two arrivals, on average where they are drawn"
  },
  "request-rate": {
    own: true,
    kind: "number",
    description: "Synthetic load: arrivals per second, in place of --arrival-interval-ms"
  },
  "arrival-process": {
    own: true,
    kind: "choice",
    choices: arrivalProcesses,
    default: "constant; poisson with --request-rate",
    description: "Synthetic load: how gaps between arrivals vary"
  },
  "arrival-shape": {
    own: true,
    kind: "number",
    description:
      "Synthetic load: shape of gamma gaps; 1 is poisson, below it arrivals come in bursts, above it they are regular"
  },
  "turns-per-session": { kind: "integer", default: "1", description: "Synthetic load: turns of every session" },
  "shared-prefix-ratio": {
    kind: "number",
    default: "0",
    description: "Synthetic load: share of each prompt that its prefix group has in common, 0 to 1"
  },
  "num-prefix-groups": { kind: "integer", default: "0, off", description: "Synthetic load: number of prefix groups" },
  "inter-turn-delay-ms": {
    kind: "number",
    default: "0",
    description: "Synthetic load: milliseconds from the end of a turn to the next turn of its session"
  }
} as const satisfies FlagTable

/**
 * What a run can be told beside its load, its engines and its router's configuration, which have tables of their own. Keys are the flags
 * of `dynosim replay`, with underscores.
 */
import { tieBreaks } from "../router/kv/Choice.ts"
import { problemOf } from "../settings/Decode.ts"
import { anyCount, duration, integer, oneOf } from "../settings/Kind.ts"
import { optional, setting } from "../settings/Setting.ts"
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"
import { defaultSeed } from "../structures/Pcg32.ts"
import { measureBound, measuredPartProblem } from "./MeasuredPart.ts"
import { type ReplayOptions, replayModes, routerModes } from "./ReplayOptions.ts"

const bound = (doc: string, more?: { readonly key: string }) =>
  optional(duration, undefined, `Goodput: longest ${doc} of a good request, milliseconds`, more)

export const runSettings = {
  replayMode: setting(oneOf(replayModes), "offline", "offline: in simulated time; online: against the real clock"),
  routerMode: setting(oneOf(routerModes), "round_robin", "How requests find a worker"),
  tieBreak: setting(
    oneOf(tieBreaks),
    "random",
    "Which of equally cheap workers the KV router takes: a seeded draw, or the lowest index"
  ),
  seed: setting(
    integer(0, anyCount),
    defaultSeed,
    "Seed of everything drawn: the router's ties and softmax, synthetic arrivals, lengths and prefix groups"
  ),
  measureFrom: optional(
    measureBound,
    undefined,
    "Leave what ends earlier, as the warm-up, out of the statistics: simulated seconds, or a share of the requests such as 10 %"
  ),
  measureUntil: optional(
    measureBound,
    undefined,
    "Leave what ends later, as the drain, out of the statistics: likewise"
  ),
  maxSimTimeSeconds: optional(duration, undefined, "Stop at the first event beyond this simulated time, in seconds"),
  slaTtftMs: bound("time to first token"),
  slaItlMs: bound("mean inter-token latency"),
  slaE2eMs: bound("end-to-end latency", { key: "sla_e2e_ms" })
}

/** What is wrong with a run's own options. */
export const runProblem = ({
  maxSimTimeMs,
  measure,
  mode,
  routing,
  seed,
  serviceLevel
}: ReplayOptions): SettingsError | undefined => {
  const problem = problemOf(runSettings, {
    replayMode: mode,
    routerMode: routing.mode,
    tieBreak: routing.tieBreak,
    seed,
    measureFrom: measure?.from,
    measureUntil: measure?.until,
    maxSimTimeSeconds: maxSimTimeMs === undefined ? undefined : maxSimTimeMs / 1000,
    slaTtftMs: serviceLevel.ttftMs,
    slaItlMs: serviceLevel.itlMs,
    slaE2eMs: serviceLevel.e2eMs
  })
  const measured = measure === undefined ? undefined : measuredPartProblem(measure)
  return problem ?? (measured === undefined ? undefined : settingsError("measure_until", measured))
}

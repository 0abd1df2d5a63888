/** The files that a run reads, by what they are to it. */
import type { ReplayOptions } from "./ReplayOptions.ts"
import { enginesOf } from "./WorkerGroups.ts"

/** A file that the run reads, and how messages call it. */
export interface InputFile {
  readonly what: string
  readonly path: string
}

const named = (what: string, paths: ReadonlyArray<string | undefined>): ReadonlyArray<InputFile> =>
  paths.filter((path) => path !== undefined).map((path) => ({ what, path }))

/** `-` is standard input. */
export const traceFiles = ({ input }: Pick<ReplayOptions, "input">): ReadonlyArray<InputFile> =>
  named("the trace", input._tag === "Trace" ? input.files : [])

/** Everything that decides a run beside its options and its trace. */
export const sideFiles = ({
  aicBundles,
  deployment,
  routing,
  scaling,
  workerEvents
}: Pick<
  ReplayOptions,
  "aicBundles" | "deployment" | "routing" | "scaling" | "workerEvents"
>): ReadonlyArray<InputFile> => {
  const engines = enginesOf(deployment)
  return [
    ...named("the policy file", [routing.policyFile]),
    ...named("the AIC bundle", aicBundles),
    ...named("the file of worker events", [workerEvents]),
    ...named("the schedule", [scaling?._tag === "Schedule" ? scaling.file : undefined]),
    ...named(
      "the timing profile",
      engines.map(({ plannerProfileData }) => plannerProfileData)
    )
  ]
}

/** `dynosim sweep slurm` and `dynosim sweep kubernetes`: a plan as a job of a scheduler, on standard output. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { stringify } from "yaml"
import { readFlags, type FlagValues } from "../config/ReadFlags.ts"
import { usageError } from "../settings/SettingsError.ts"
import { looksForFewestGpus } from "../sweep/CheapestFirst.ts"
import { indexedJob } from "../sweep/IndexedJob.ts"
import { type SweepJob, slurmScript } from "../sweep/SlurmScript.ts"
import { sweepKubernetesFlags, sweepSlurmFlags } from "../sweep/SweepFlags.ts"
import { readPlanFile, resultsFolder } from "./SweepRun.ts"

interface JobSettings {
  readonly results?: string | undefined
  readonly shards?: number | undefined
  readonly threads?: number | undefined
}

/** The plan is read, so that what is wrong with it is told now and not by every task. */
const jobOf = Effect.fnUntraced(function* (file: string, { results, shards, threads = 1 }: JobSettings) {
  if (shards === undefined) {
    return yield* usageError("--shards", "is missing", "say in how many parts the sweep is run: --shards 8")
  }
  const read = yield* readPlanFile(file)
  const job: SweepJob = {
    plan: file,
    results: resultsFolder(file, results),
    shards,
    threads,
    hasRounds: read.plan.search !== "grid" || looksForFewestGpus(read.plan)
  }
  return { job, text: read.text }
})

/** What stands in a `#SBATCH` line, where nothing can be quoted. */
const checkWord = (flag: string, word: string | undefined) =>
  word === undefined || /^[\w:.,-]+$/.test(word)
    ? Effect.void
    : Effect.fail(usageError(flag, `${JSON.stringify(word)} cannot stand in a line of #SBATCH`))

const checkLine = (flag: string, text: string) =>
  text.trim() === ""
    ? Effect.fail(usageError(flag, "must not be empty"))
    : /[\r\n]/.test(text)
      ? Effect.fail(usageError(flag, "is more than one line"))
      : Effect.void

export const writeSlurmScript = Effect.fnUntraced(function* (file: string, flags: FlagValues) {
  const given = yield* Effect.fromResult(readFlags(sweepSlurmFlags, flags))
  const { command = "dynosim", partition, time } = given
  yield* checkWord("--time", time)
  yield* checkWord("--partition", partition)
  yield* checkLine("--command", command)
  const { job } = yield* jobOf(file, given)
  yield* checkLine("--results", job.results)
  yield* Console.log(slurmScript(job, { command, partition, time }).trimEnd())
})

/** A ConfigMap holds no more. */
const mostPlanBytes = 1 << 20

export const writeIndexedJob = Effect.fnUntraced(function* (file: string, flags: FlagValues) {
  const given = yield* Effect.fromResult(readFlags(sweepKubernetesFlags, flags))
  const { claim, image } = given
  if (image === undefined) return yield* usageError("--image", "is missing", "name an image with dynosim in it")
  if (claim === undefined) {
    return yield* usageError("--claim", "is missing", "name the PersistentVolumeClaim that holds the traces")
  }
  const { job, text } = yield* jobOf(file, given)
  if (Buffer.byteLength(text) >= mostPlanBytes) {
    return yield* usageError(file, "is larger than the 1 MiB that a ConfigMap holds")
  }
  // In the volume there is no folder of the plan's.
  const results = given.results ?? job.results.replace(/^.*[/\\]/, "")
  const objects = indexedJob({ ...job, results }, text, { claim, image })
  yield* Console.log(objects.map((object) => stringify(object, { lineWidth: 0 }).trimEnd()).join("\n---\n"))
})

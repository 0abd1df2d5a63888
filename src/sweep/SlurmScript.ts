/** A sweep as a job array of Slurm: a script for `sbatch`, of which every task runs its shard. */
import { jobName } from "./JobName.ts"

export interface SweepJob {
  /** The plan's file, and the folder that all shards write to. */
  readonly plan: string
  readonly results: string
  readonly shards: number
  /** Of each shard. */
  readonly threads: number
  /** The plan's search asks for its runs in rounds, each of which is an array of its own. */
  readonly hasRounds: boolean
}

export interface SlurmOptions {
  /** Words that start dynosim on the nodes. */
  readonly command: string
  /** As `sbatch --time` takes it. */
  readonly time: string | undefined
  readonly partition: string | undefined
}

/** A word for the shell, whatever is in it. */
const quoted = (word: string): string =>
  /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`

const afterwards = (command: string, { hasRounds, plan, results }: SweepJob): ReadonlyArray<string> => {
  const words = `${quoted(plan)} --results ${quoted(results)}`
  return hasRounds
    ? [
        "# The search goes in rounds, of which this array runs one. Submit it again as long as this lists runs:",
        `#   ${command} sweep next ${words}`,
        "# The table, when it has nothing left:",
        `#   ${command} sweep ${words}`
      ]
    : ["# All tasks write to one folder. The table, when they are done:", `#   ${command} sweep ${words}`]
}

/** All but `command` is checked or quoted. */
export const slurmScript = (job: SweepJob, { command, partition, time }: SlurmOptions): string =>
  [
    "#!/usr/bin/env bash",
    `#SBATCH --job-name=${jobName(job.plan)}`,
    `#SBATCH --array=0-${job.shards - 1}`,
    "#SBATCH --ntasks=1",
    `#SBATCH --cpus-per-task=${job.threads}`,
    ...(time === undefined ? [] : [`#SBATCH --time=${time}`]),
    ...(partition === undefined ? [] : [`#SBATCH --partition=${partition}`]),
    ...afterwards(command, job),
    "set -euo pipefail",
    `exec ${command} sweep ${quoted(job.plan)} --results ${quoted(job.results)} --shard slurm --threads ${job.threads} --quiet`,
    ""
  ].join("\n")

/** Options of `dynosim sweep` and of its commands. */
import type { FlagTable } from "../config/FlagSpec.ts"
import { boolean, integer, path, text, texts } from "../settings/Kind.ts"

const results = {
  kind: path,
  default: "the plan's name with .results for its ending",
  description: "Folder that keeps the report of every run; the same plan goes on from what is there"
} as const

const outputs = {
  csv: { kind: path, description: "Also write a row per combination to this CSV file; - is standard output" },
  json: { kind: path, description: "Also write everything to this JSON file; - is standard output" },
  parquet: { kind: path, description: "Also write the rows of --csv to this Parquet file" },
  html: {
    kind: path,
    description: "Also write a page to look at: one HTML file with charts, filters and every combination"
  },
  "best-config": {
    kind: path,
    description: "Write the options of the best run as a file for dynosim replay --config"
  },
  winners: {
    kind: path,
    description:
      "Write the options of the best run, or of each in the Pareto set, into this folder, as files for dynosim replay --config"
  },
  "fail-if": {
    kind: texts,
    description:
      "End with status 3 when this holds of the best combination (of a Pareto set: of any in it), such as 'p99_ttft_ms > 2 s', or when none meets the constraints; may be given several times"
  },
  quiet: { kind: boolean, description: "No progress and no notes" }
} as const

export const sweepFlags = {
  results,
  ...outputs,
  threads: {
    kind: integer(1, 1024),
    default: "one per core",
    description: "Runs that are carried out at a time, each in a thread of its own"
  },
  shard: {
    kind: text,
    default: "all of it",
    description:
      "Run part I of N, as 0/4; slurm takes both numbers from SLURM_ARRAY_TASK_ID and its range, env/4 takes I from JOB_COMPLETION_INDEX"
  }
} as const satisfies FlagTable

export const sweepMergeFlags = {
  results: { kind: path, description: "Folder that gets the runs of all the others" },
  ...outputs
} as const satisfies FlagTable

export const sweepNextFlags = { results } as const satisfies FlagTable

const job = {
  results,
  shards: { kind: integer(1, 10_000), description: "Parts that the sweep is run in, each a task of its own" },
  threads: { kind: integer(1, 1024), default: "1", description: "Threads of each task, a core each" }
} as const

export const sweepSlurmFlags = {
  ...job,
  command: {
    kind: text,
    default: "dynosim",
    description: "Words that start dynosim on the nodes, such as 'npx dynosim'"
  },
  time: { kind: text, description: "Longest time of a task, as sbatch --time takes it" },
  partition: { kind: text, description: "Partition of the cluster" }
} as const satisfies FlagTable

export const sweepKubernetesFlags = {
  ...job,
  results: { ...results, default: "the plan's name with .results for its ending, in the volume" },
  image: { kind: text, description: "Image with dynosim in it" },
  claim: {
    kind: text,
    description: "PersistentVolumeClaim with the traces, at the paths that the plan names them by; results go there"
  }
} as const satisfies FlagTable

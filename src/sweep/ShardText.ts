/** `--shard`: which part of a sweep this machine runs. */
import * as Result from "effect/Result"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import type { Shard } from "./Sweep.ts"

type Environment = Readonly<Record<string, string | undefined>>

const refused = (problem: string, hint?: string): Result.Result<never, UsageError> =>
  Result.fail(usageError("--shard", problem, hint))

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined

const shardOf = (index: number, parts: number): Result.Result<Shard, UsageError> => {
  if (parts < 1) return refused("a sweep in no parts runs nothing", "0/1 is all of it")
  return index < parts
    ? Result.succeed({ index, count: parts })
    : refused(`part ${index} of ${parts} does not exist`, `parts are numbered from 0 to ${parts - 1}`)
}

const slurmShard = (environment: Environment): Result.Result<Shard, UsageError> => {
  const [id, first, last, step, tasks] = ["ID", "MIN", "MAX", "STEP", "COUNT"].map((name) =>
    count(environment[`SLURM_ARRAY_TASK_${name}`])
  )
  if (id === undefined || first === undefined || last === undefined || tasks === undefined) {
    return refused(
      "slurm needs SLURM_ARRAY_TASK_ID, _MIN, _MAX and _COUNT",
      "run it in a job array: sbatch --array=0-3"
    )
  }
  // An array such as 0,3,7 has gaps: its tasks cannot tell which of them they are.
  const stride = step ?? 1
  if (stride < 1 || (last - first) / stride !== tasks - 1) {
    return refused("the tasks of the job array are not evenly spaced", "use an array such as 0-3")
  }
  return shardOf((id - first) / stride, tasks)
}

/** Reads `0/4`, `slurm` or `env/4`. */
export const parseShard = (text: string, environment: Environment): Result.Result<Shard, UsageError> => {
  if (text === "slurm") return slurmShard(environment)
  const [part, whole, ...rest] = text.split("/")
  const parts = count(whole)
  if (parts === undefined || rest.length > 0) {
    return refused(`expected a part such as 0/4, slurm or env/4, got ${JSON.stringify(text)}`)
  }
  if (part !== "env") {
    const index = count(part)
    return index === undefined
      ? refused(`expected a part such as 0/4, slurm or env/4, got ${JSON.stringify(text)}`)
      : shardOf(index, parts)
  }
  const index = count(environment["JOB_COMPLETION_INDEX"])
  return index === undefined
    ? refused("env needs JOB_COMPLETION_INDEX", "run it in an indexed Job of Kubernetes")
    : shardOf(index, parts)
}

/** A sweep as an indexed Job of Kubernetes: a ConfigMap with the plan, and a Job of which every pod runs its shard. */
import { keptPlanName } from "./KeptPlan.ts"
import { jobName } from "./JobName.ts"
import type { SweepJob } from "./SlurmScript.ts"

export interface KubernetesOptions {
  readonly image: string
  /** PersistentVolumeClaim with the traces, and for the results: the working directory of all pods. */
  readonly claim: string
}

/** Where pods see the plan and the volume. */
const planFolder = "/plan"
const workFolder = "/work"

/** What a sweep needs before its first thread, and for each: docs/sweep.md has the measurement. */
const memoryMebibytes = (threads: number): number => 256 + 128 * threads

/** Failures of one shard are its own: another try of each, and the others go on. */
const triesPerShard = 1

const container = (planFile: string, { results, shards, threads }: SweepJob, { image }: KubernetesOptions) => ({
  name: "dynosim",
  image,
  workingDir: workFolder,
  command: ["dynosim", "sweep", `${planFolder}/${planFile}`],
  args: ["--results", results, "--shard", `env/${shards}`, "--threads", String(threads), "--quiet"],
  resources: { requests: { cpu: String(threads), memory: `${memoryMebibytes(threads)}Mi` } },
  volumeMounts: [
    { name: "plan", mountPath: planFolder, readOnly: true },
    { name: "work", mountPath: workFolder }
  ]
})

/** The objects to apply, in their order. `text` is the plan's. */
export const indexedJob = (job: SweepJob, text: string, options: KubernetesOptions) => {
  const name = jobName(job.plan)
  const planFile = keptPlanName(job.plan)
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { [planFile]: text } }
  const indexed = {
    apiVersion: "batch/v1" as const,
    kind: "Job" as const,
    metadata: { name },
    spec: {
      completionMode: "Indexed" as const,
      completions: job.shards,
      parallelism: job.shards,
      backoffLimitPerIndex: triesPerShard,
      template: {
        spec: {
          restartPolicy: "Never" as const,
          containers: [container(planFile, job, options)],
          volumes: [
            { name: "plan", configMap: { name } },
            { name: "work", persistentVolumeClaim: { claimName: options.claim } }
          ]
        }
      }
    }
  }
  return [configMap, indexed] as const
}

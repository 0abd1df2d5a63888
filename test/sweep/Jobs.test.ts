/** Job files: a manifest that Kubernetes takes, a script that bash takes, and which part each of their tasks runs. */
import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { type IJob, Job } from "kubernetes-models/batch/v1"
import { ConfigMap } from "kubernetes-models/v1"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { indexedJob } from "../../src/sweep/IndexedJob.ts"
import { jobName } from "../../src/sweep/JobName.ts"
import { parseShard } from "../../src/sweep/ShardText.ts"
import { type SweepJob, slurmScript } from "../../src/sweep/SlurmScript.ts"
import * as Result from "effect/Result"

const job: SweepJob = { plan: "plans/Long Context.yaml", results: "it's here", shards: 6, threads: 2, hasRounds: false }
const options = { image: "dynosim:0.1", claim: "traces" }

const schema = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(import.meta.dirname, "kubernetes", name), "utf8"))

const published = (() => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
  ajv.addSchema(schema("definitions.json"), "https://kubernetes.io/api/_definitions.json")
  return ajv.compile(schema("job.schema.json"))
})()

/** Whether the model and the published schema take a Job. */
const taken = async (manifest: unknown): Promise<readonly [model: boolean, schema: boolean]> => {
  const model = await Promise.resolve()
    .then(() => new Job(structuredClone(manifest) as IJob).validate())
    .then(
      () => true,
      () => false
    )
  return [model, published(manifest)]
}

describe("an indexed Job", () => {
  const [configMap, indexed] = indexedJob(job, "objective: minimise total_gpus\n", options)

  it("is one by the models of Kubernetes, and by its published schema", async () => {
    // What the compiler says of the type is the check for keys that the models let pass when they run.
    indexed satisfies IJob
    await new ConfigMap(configMap).validate()
    assert.deepStrictEqual(await taken(indexed), [true, true])
  })

  it("would not be one with a wrong key, type or mode: each check sees what the other misses", async () => {
    assert.deepStrictEqual(await taken({ ...indexed, spec: { ...indexed.spec, completion: 6 } }), [true, false])
    assert.deepStrictEqual(await taken({ ...indexed, spec: { ...indexed.spec, completionMode: "Idx" } }), [false, true])
    assert.deepStrictEqual(await taken({ ...indexed, spec: { ...indexed.spec, completions: "6" } }), [false, false])
  })

  it("has a pod for each shard, and the rules that neither check knows", () => {
    const { completionMode, completions, parallelism, template } = indexed.spec
    assert.deepStrictEqual([completionMode, completions, parallelism], ["Indexed", 6, 6])
    assert.strictEqual(template.spec.restartPolicy, "Never")
    const [{ args, command, volumeMounts }] = template.spec.containers as [(typeof template.spec.containers)[number]]
    assert.deepStrictEqual(command, ["dynosim", "sweep", "/plan/plan.yaml"])
    assert.deepStrictEqual(Object.keys(configMap.data), ["plan.yaml"])
    assert.deepStrictEqual(args, ["--results", "it's here", "--shard", "env/6", "--threads", "2", "--quiet"])
    assert.deepStrictEqual(
      volumeMounts.map(({ name }) => name),
      template.spec.volumes.map(({ name }) => name)
    )
  })

  it("has a name that is a DNS label with room for the pods' endings", () => {
    assert.strictEqual(jobName("plans/Long Context.yaml"), "dynosim-long-context")
    for (const plan of ["plan.yaml", "...yaml", "/a/B_c.d.json", `${"x".repeat(80)}.yaml`, "ü.yaml"]) {
      assert.match(jobName(plan), /^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$/)
    }
  })
})

describe("a job array of Slurm", () => {
  const script = (more: Partial<SweepJob> = {}) =>
    slurmScript({ ...job, ...more }, { command: "npx dynosim", time: "1:00:00", partition: undefined })

  it("runs a shard in each task, whatever the names of plan and folder", () => {
    const [, ...lines] = script().split("\n")
    assert.includeMembers(lines, ["#SBATCH --array=0-5", "#SBATCH --cpus-per-task=2", "#SBATCH --time=1:00:00"])
    assert.isFalse(lines.some((line) => line.includes("--partition")))
    // Bash itself says what it would run.
    const run = script().replace("exec npx dynosim", "printf '%s\\n'")
    const { status, stderr, stdout } = spawnSync("bash", ["-c", run], { encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
    const words = stdout.trim().split("\n")
    assert.deepStrictEqual(words.slice(0, 4), ["sweep", "plans/Long Context.yaml", "--results", "it's here"])
    assert.strictEqual(words.slice(4).join(" "), "--shard slurm --threads 2 --quiet")
  })

  it("says how a search that goes in rounds goes on", () => {
    assert.notInclude(script(), "sweep next")
    assert.include(script({ hasRounds: true }), "npx dynosim sweep next 'plans/Long Context.yaml'")
  })
})

describe("--shard", () => {
  const shard = (text: string, environment: Record<string, string> = {}) =>
    Result.match(parseShard(text, environment), {
      onSuccess: ({ count, index }) => `${index}/${count}`,
      onFailure: ({ message }) => message
    })
  const array = (id: number, min: number, max: number, count: number, step?: number) => ({
    SLURM_ARRAY_TASK_ID: String(id),
    SLURM_ARRAY_TASK_MIN: String(min),
    SLURM_ARRAY_TASK_MAX: String(max),
    SLURM_ARRAY_TASK_COUNT: String(count),
    ...(step === undefined ? {} : { SLURM_ARRAY_TASK_STEP: String(step) })
  })

  it("takes part and count from a job array, wherever it starts and however it steps", () => {
    assert.strictEqual(shard("slurm", array(0, 0, 3, 4)), "0/4")
    assert.strictEqual(shard("slurm", array(7, 5, 8, 4)), "2/4")
    assert.strictEqual(shard("slurm", array(9, 1, 13, 4, 4)), "2/4")
  })

  it("takes the part of n from an indexed Job", () => {
    assert.strictEqual(shard("env/6", { JOB_COMPLETION_INDEX: "5" }), "5/6")
    assert.include(shard("env/6", { JOB_COMPLETION_INDEX: "6" }), "part 6 of 6 does not exist")
    assert.include(shard("0/0", {}), "a sweep in no parts runs nothing")
    assert.include(shard("env/6", { JOB_COMPLETION_INDEX: "" }), "env needs JOB_COMPLETION_INDEX")
    assert.include(shard("env/6"), "env needs JOB_COMPLETION_INDEX")
  })

  it("refuses what does not say which part it is", () => {
    assert.include(shard("slurm"), "slurm needs SLURM_ARRAY_TASK_ID")
    // Tasks of --array=0,3,7.
    assert.include(shard("slurm", array(3, 0, 7, 3)), "not evenly spaced")
    for (const text of ["", "1", "1/2/3", "a/4", "1/b", "-1/4", "4/4", "0/0", "env", "env/0"]) {
      assert.match(shard(text, { JOB_COMPLETION_INDEX: "0" }), /--shard/)
    }
  })
})

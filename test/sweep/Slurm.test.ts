/** A sweep as a job array on a real Slurm, started for it on this machine. Skipped where it is not installed, or not ours to start. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { program } from "../cli/Program.ts"

const isInstalled = ["munged", "slurmctld", "slurmd"].every((name) => existsSync(`/usr/sbin/${name}`))
const canStart = isInstalled && process.getuid?.() === 0

const configuration = (folder: string): string =>
  `ClusterName=one
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge/s
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldLogFile=${folder}/log/slurmctld.log
SlurmdLogFile=${folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=localhost NodeAddr=127.0.0.1 CPUs=${availableParallelism()} State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
`

/** A cluster of one node whose state is all in a folder. */
class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), "slurm-"))
  private readonly env = { ...process.env, SLURM_CONF: join(this.folder, "slurm.conf") }

  start(): void {
    const { folder } = this
    for (const name of ["state", "spool", "log", "munge"]) mkdirSync(join(folder, name), { mode: 0o755 })
    writeFileSync(join(folder, "munge/key"), randomBytes(128), { mode: 0o400 })
    writeFileSync(this.env.SLURM_CONF, configuration(folder))
    const files = { "key-file": "key", socket: "s", "pid-file": "pid", "seed-file": "seed", "log-file": "log" }
    const flags = Object.entries(files).map(([flag, name]) => `--${flag}=${folder}/munge/${name}`)
    this.call("/usr/sbin/munged", "--force", ...flags)
    this.call("/usr/sbin/slurmctld", "-f", this.env.SLURM_CONF)
    this.call("/usr/sbin/slurmd", "-f", this.env.SLURM_CONF, "-N", "localhost")
  }

  /** What a command prints. */
  call(command: string, ...words: ReadonlyArray<string>): string {
    return execFileSync(command, words, { env: this.env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim()
  }

  async stop(): Promise<void> {
    const pids = ["slurmd.pid", "slurmctld.pid", "munge/pid"].map((name) => join(this.folder, name))
    for (const file of pids.filter((name) => existsSync(name))) process.kill(Number(readFileSync(file, "utf8")))
    // The processes themselves may stay as zombies where nobody reaps them.
    while (pids.some((name) => existsSync(name))) await pause(50)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const plan = `base: {input-tokens: 1000, output-tokens: 20, request-count: 20, arrival-interval-ms: 5}
axes:
  num-workers: [1, 2, 3]
  extra-engine-args.max_num_seqs: [4, 8]
objective: minimise mean_ttft_ms
`

const run = async (...words: ReadonlyArray<string>) => {
  const outcome = await Effect.runPromise(program(words))
  assert.strictEqual(outcome.exit, 0, outcome.stderr)
  return outcome.stdout
}

describe.skipIf(!canStart)("a sweep on Slurm", () => {
  it("runs each part in a task of its own, and together they are the sweep of one machine, byte for byte", async () => {
    const cluster = new Cluster()
    try {
      cluster.start()
      const { folder } = cluster
      const file = join(folder, "plan.yaml")
      const results = join(folder, "results")
      writeFileSync(file, plan)
      const bin = resolve(import.meta.dirname, "../../bundle/dynosim.mjs")
      const command = `'${process.execPath}' '${bin}'`
      const where = ["--results", results]
      const script = await run("sweep", "slurm", file, "--shards", "3", "--command", command, ...where)
      writeFileSync(join(folder, "sweep.sbatch"), `${script}\n`)
      while (cluster.call("sinfo", "-h", "-o", "%T") !== "idle") await pause(100)
      const job = cluster.call("sbatch", "--parsable", `--chdir=${folder}`, join(folder, "sweep.sbatch"))
      while (cluster.call("squeue", "-h", "-j", job) !== "") await pause(200)
      const logs = readdirSync(folder).filter((name) => name.startsWith("slurm-") && name.endsWith(".out"))
      const said = logs.map((name) => readFileSync(join(folder, name), "utf8")).join("\n")
      assert.strictEqual(logs.length, 3)
      const states = cluster.call("scontrol", "-o", "show", "job", job).match(/JobState=\S+/g)
      assert.deepStrictEqual(
        states,
        Array.from({ length: 3 }, () => "JobState=COMPLETED"),
        said
      )
      const cells = readdirSync(join(results, "cells")).toSorted()
      assert.strictEqual(cells.length, 6, said)

      const outputs = (name: string) => ["--csv", join(folder, `${name}.csv`), "--json", join(folder, `${name}.json`)]
      const gathered = await run("sweep", file, ...where, ...outputs("array"), "--threads", "1")
      const whole = join(folder, "whole")
      const alone = await run("sweep", file, "--results", whole, ...outputs("alone"), "--threads", "1")
      assert.strictEqual(gathered, alone)
      const text = (name: string) => readFileSync(join(folder, name), "utf8")
      for (const ending of ["csv", "json"]) assert.strictEqual(text(`array.${ending}`), text(`alone.${ending}`))
      assert.deepStrictEqual(readdirSync(join(whole, "cells")).toSorted(), cells)
      for (const name of cells) assert.strictEqual(text(`results/cells/${name}`), text(`whole/cells/${name}`))
    } finally {
      await cluster.stop()
    }
  }, 300_000)
})

/**
 * Measures `dynosim sweep` over the conversation trace against itself with one thread, and against a process per combination.
 *
 *     npm run build && node bench/sweep.ts [--size 20]
 *
 * Workers x routers x pool sizes x sequences: 20 combinations, or 100. CPU seconds and peak resident memory of whole processes, start-up
 * included; throughput needs a machine on which two cores are free.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "./cases.ts"

interface Usage {
  readonly wallSeconds: number
  readonly cpuSeconds: number
  readonly peakMegabytes: number
}

const { values } = parseArgs({ options: { size: { type: "string", default: "20" } } })
const isWhole = values.size === "100"
const scratch = mkdtempSync(join(tmpdir(), "dynosim-bench-"))

const plan = {
  base: { traces: join(root, "traces/conversation_trace.jsonl") },
  axes: {
    "num-workers": isWhole ? [2, 3, 4, 6, 8] : [2, 6],
    "router-mode": ["round_robin", "kv_router"],
    "extra-engine-args.num_gpu_blocks": isWhole ? [8192, 32768] : [16384],
    "extra-engine-args.max_num_seqs": [16, 32, 64, 128, 256]
  },
  objective: "minimise p99_ttft_ms"
}
const planFile = join(scratch, "plan.json")
writeFileSync(planFile, JSON.stringify(plan))

const measured = (words: ReadonlyArray<string>): Usage => {
  const usageFile = join(scratch, "usage.json")
  const start = performance.now()
  execFileSync(
    process.execPath,
    ["--import", join(root, "bench/report-usage.mjs"), join(root, "bundle/dynosim.mjs"), ...words],
    { env: { ...process.env, DYNOSIM_USAGE_FILE: usageFile }, stdio: ["ignore", "ignore", "inherit"] }
  )
  return {
    ...(JSON.parse(readFileSync(usageFile, "utf8")) as Omit<Usage, "wallSeconds">),
    wallSeconds: (performance.now() - start) / 1000
  }
}

const sweep = (threads: number): Usage =>
  measured([
    "sweep",
    planFile,
    "--quiet",
    "--threads",
    String(threads),
    "--results",
    join(scratch, `results-${threads}`),
    "--json",
    join(scratch, "sweep.json")
  ])

/** A process per combination, one after the other. */
const separate = (): Usage => {
  const { combinations } = JSON.parse(readFileSync(join(scratch, "sweep.json"), "utf8")) as {
    readonly combinations: ReadonlyArray<{ readonly config: unknown }>
  }
  const usages = combinations.map(({ config }) => {
    const file = join(scratch, "run.json")
    writeFileSync(file, JSON.stringify(config))
    return measured(["replay", "--config", file, "--quiet", "--report-json", join(scratch, "report.json")])
  })
  const sum = (of: (usage: Usage) => number): number => usages.reduce((total, usage) => total + of(usage), 0)
  return {
    wallSeconds: sum(({ wallSeconds }) => wallSeconds),
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    peakMegabytes: Math.max(...usages.map(({ peakMegabytes }) => peakMegabytes))
  }
}

const row = (name: string, { cpuSeconds, peakMegabytes, wallSeconds }: Usage): void => {
  process.stdout.write(
    `| ${name} | ${wallSeconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} | ${peakMegabytes.toFixed(0)} |\n`
  )
}

try {
  const one = sweep(1)
  const two = sweep(2)
  const alone = separate()
  const runs = readdirSync(join(scratch, "results-1", "cells")).length
  process.stdout.write(
    `Node.js ${process.version}, ${runs} combinations\n\n| | wall s | CPU s | peak MB |\n|---|---|---|---|\n`
  )
  row("one thread", one)
  row("two threads", two)
  row(`${runs} processes`, alone)
  process.stdout.write(
    `\ntwo threads: ${(one.wallSeconds / two.wallSeconds).toFixed(2)} times the throughput of one,`
      + ` ${(two.cpuSeconds / alone.cpuSeconds).toFixed(2)} of the CPU of processes\n`
  )
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

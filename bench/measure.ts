/**
 * Measures whole runs of the bundled command: CPU seconds and peak resident memory of the process, median of several runs.
 *
 *     npm run build && node bench/measure.ts [--runs 5] [--big] [NAME...]
 *
 * `--big` adds the repeated traces of 100,000 and 1,000,000 requests (made in a temporary folder; the larger needs 280 MB and a few minutes).
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { casesWith, replay, root } from "./cases.ts"

interface Usage {
  readonly cpuSeconds: number
  readonly peakMegabytes: number
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "5" }, big: { type: "boolean", default: false } }
})
const runs = Number(values.runs)
const scratch = mkdtempSync(join(tmpdir(), "dynosim-bench-"))
const reportFile = join(scratch, "report.json")

/** The conversation trace repeated to so many requests. */
const repeated = (requests: number): string => {
  const file = join(scratch, `repeated-${requests}.jsonl`)
  spawnSync(process.execPath, [join(root, "bench/repeat-trace.ts"), String(requests)], {
    stdio: ["ignore", openSync(file, "w"), "inherit"]
  })
  return file
}

const measured = (command: ReadonlyArray<string>): Usage => {
  const usageFile = join(scratch, "usage.json")
  execFileSync(
    process.execPath,
    ["--import", join(root, "bench/report-usage.mjs"), join(root, "bundle/dynosim.mjs"), ...command],
    {
      env: { ...process.env, DYNOSIM_USAGE_FILE: usageFile },
      stdio: ["ignore", "ignore", "inherit"]
    }
  )
  return JSON.parse(readFileSync(usageFile, "utf8")) as Usage
}

const median = (numbers: ReadonlyArray<number>): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

const report = (name: string, command: ReadonlyArray<string>, times: number): void => {
  const usages = Array.from({ length: times }, () => measured(command))
  const cpu = median(usages.map((usage) => usage.cpuSeconds)).toFixed(2)
  const memory = median(usages.map((usage) => usage.peakMegabytes)).toFixed(0)
  process.stdout.write(`| ${name} | ${cpu} | ${memory} |\n`)
}

try {
  process.stdout.write(
    `Node.js ${process.version}, median of ${runs} runs\n\n| run | CPU-s | peak MB |\n|---|---|---|\n`
  )
  for (const [name, command] of Object.entries(casesWith(scratch))) {
    if (positionals.length === 0 || positionals.includes(name)) report(name, command, runs)
  }
  if (values.big) {
    for (const requests of [100_000, 1_000_000]) {
      const trace = repeated(requests)
      report(`${requests.toLocaleString("en-US")} requests, 1 worker`, replay(reportFile, trace), 1)
      report(
        `${requests.toLocaleString("en-US")} requests, 4 workers, round robin`,
        replay(reportFile, trace, "--num-workers", "4"),
        1
      )
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/**
 * Which changes to the source no test notices: mutants drawn at random, each run against the tests of its folder.
 *
 *     npm run test:mutation -- --mutants 150 --seed 1 [--only src/engine/sglang] [--minutes 30] [--workers 2]
 *
 * Works on a copy of the repository, so the sources stay as they are. Prints a line per mutant and the survivors at the end; what became
 * of earlier ones is told in README.md. A run takes long, and is no part of `npm test`.
 */
import { execFile } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { Dice } from "../differential/Dice.ts"
import { applied, type Mutant, mutantsOf } from "./Mutants.ts"

const { values: options } = parseArgs({
  options: {
    mutants: { type: "string", default: "150" },
    seed: { type: "string", default: "1" },
    minutes: { type: "string", default: "600" },
    workers: { type: "string", default: "1" },
    only: { type: "string" }
  }
})

const repository = fileURLToPath(new URL("../../", import.meta.url))

/** Sources, the tests that should notice a change in them soon, and those for what these let pass. The first prefix that fits decides. */
interface Suite {
  readonly sources: string
  readonly quick: ReadonlyArray<string>
  readonly thorough: ReadonlyArray<string>
}

const wholeRuns = ["test/golden/differential.test.ts", "test/simulation/Oversize.test.ts"]

const suites: ReadonlyArray<Suite> = [
  {
    sources: "src/engine/sglang",
    quick: ["SglangWorker", "Handoff", "KvCache", "Containers", "LongestPrefixFirst"].map(
      (name) => `test/engine/sglang/${name}.test.ts`
    ),
    thorough: [...wholeRuns, "test/engine/sglang/Golden.test.ts", "test/router/GuidedReplay.test.ts"]
  },
  { sources: "src/engine/vllm-v1", quick: ["test/engine/vllm-v1"], thorough: ["test/simulation"] },
  {
    sources: "src/engine",
    quick: [
      "test/engine/vllm/",
      "test/engine/Abort",
      "test/engine/MtpSampler",
      "test/engine/WaitingQueue",
      "test/engine/TokenGaps"
    ],
    thorough: ["test/engine/", "test/config", ...wholeRuns]
  },
  {
    sources: "src/router",
    quick: ["test/router/kv/", "test/router/R", "test/router/S"],
    thorough: ["test/router", ...wholeRuns]
  },
  {
    sources: "src/simulation",
    quick: [...wholeRuns, "test/simulation"],
    thorough: ["test/online", "test/golden/replay.test.ts"]
  },
  {
    sources: "src/report",
    quick: ["test/report"],
    thorough: [...wholeRuns, "test/cli/RecordedCases.test.ts", "test/serve"]
  },
  {
    sources: "src/trace",
    quick: ["test/trace"],
    thorough: ["test/cli/TraceTools.test.ts", "test/workload", "test/golden"]
  },
  {
    sources: "src/autoscaler",
    quick: ["test/autoscaler"],
    thorough: ["test/golden/planner", "test/simulation/Elastic"]
  },
  { sources: "src/compare", quick: ["test/compare"], thorough: ["test/cli/Compare", "test/html"] },
  { sources: "src/record", quick: ["test/record"], thorough: ["test/cli/Record.test.ts"] },
  { sources: "src/serve", quick: ["test/serve"], thorough: ["test/cli/Serve"] },
  { sources: "src/sweep", quick: ["test/sweep"], thorough: ["test/cli/Sweep"] }
]

interface Candidate {
  readonly file: string
  readonly mutant: Mutant
}

const sourcesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(repository, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`)
    .toSorted()

const candidates = (): Array<Candidate> =>
  [...new Set(suites.map(({ sources }) => sources.split("/").slice(0, 2).join("/")))]
    .flatMap(sourcesOf)
    .filter((file) => options.only === undefined || file.startsWith(options.only))
    .flatMap((file) => mutantsOf(readFileSync(join(repository, file), "utf8")).map((mutant) => ({ file, mutant })))

const draw = (dice: Dice, from: Array<Candidate>, count: number): Array<Candidate> =>
  Array.from({ length: Math.min(count, from.length) }, () => from.splice(dice.between(0, from.length - 1), 1)[0]!)

/** A copy to be changed; what is only read is linked. */
const copyRepository = (): string => {
  const copy = mkdtempSync(join(tmpdir(), "dynosim-mutation-"))
  for (const name of readdirSync(repository)) {
    if ([".git", ".cache", "dist", "bundle"].includes(name)) continue
    if (["node_modules", "data", "traces"].includes(name)) symlinkSync(join(repository, name), join(copy, name))
    else cpSync(join(repository, name), join(copy, name), { recursive: true })
  }
  return copy
}

type Verdict = "killed" | "survived" | "killed by time"

/** Far beyond what the tests of any folder take: for mutants that never end. */
const limitMs = 600_000

const runTests = (copy: string, tests: ReadonlyArray<string>): Promise<Verdict> =>
  new Promise((resolve) => {
    const words = [
      join(repository, "node_modules/vitest/vitest.mjs"),
      "run",
      "--bail",
      "1",
      "--reporter",
      "dot",
      ...tests
    ]
    execFile(
      process.execPath,
      words,
      { cwd: copy, timeout: limitMs, killSignal: "SIGKILL", maxBuffer: 1 << 28 },
      (error) => {
        if (error === null) resolve("survived")
        else resolve(error.killed === true ? "killed by time" : "killed")
      }
    )
  })

const suiteOf = (file: string): Suite => {
  const suite = suites.find(({ sources }) => file.startsWith(`${sources}/`))
  if (suite === undefined) throw new Error(`no tests are named for ${file}`)
  return suite
}

const tryMutant = async (copy: string, { file, mutant }: Candidate): Promise<Verdict> => {
  const source = readFileSync(join(copy, file), "utf8")
  const { quick, thorough } = suiteOf(file)
  writeFileSync(join(copy, file), applied(source, mutant))
  const first = await runTests(copy, quick)
  const verdict = first === "survived" ? await runTests(copy, thorough) : first
  writeFileSync(join(copy, file), source)
  return verdict
}

const describe = ({ file, mutant: { after, before, line } }: Candidate): string =>
  `${file}:${line}\n    - ${before.trim()}\n    + ${after.trim() === "" ? "(nothing)" : after.trim()}`

const main = async (): Promise<void> => {
  const all = candidates()
  const drawn = draw(new Dice(Number(options.seed)), all.slice(), Number(options.mutants))
  const survivors: Array<Candidate> = []
  const until = Date.now() + Number(options.minutes) * 60_000
  let tried = 0
  const work = async (): Promise<void> => {
    const copy = copyRepository()
    for (let next = drawn.pop(); next !== undefined && Date.now() < until; next = drawn.pop()) {
      const verdict = await tryMutant(copy, next)
      tried += 1
      if (verdict === "survived") survivors.push(next)
      console.log(`${tried} ${verdict}: ${describe(next)}`)
    }
    rmSync(copy, { recursive: true })
  }
  await Promise.all(Array.from({ length: Number(options.workers) }, work))
  console.log(`\n${tried} of ${all.length} mutants tried, ${survivors.length} survived`)
  for (const survivor of survivors) console.log(describe(survivor))
}

await main()

/** The built program as a process: signals, pipes, exit codes. Needs `npm run build:bundle`, which `npm test` does first. */
import { afterEach, assert, describe, it } from "@effect/vitest"
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process"
import { existsSync, readFileSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { Folder } from "./Program.ts"

const bundle = resolve(import.meta.dirname, "../../bundle/dynosim.mjs")

/** Far more load than can be simulated in the time of a test. */
const endless = [
  "replay",
  "--input-tokens=2000",
  "--output-tokens=200",
  "--request-count=50000000",
  "--arrival-interval-ms=100",
  "--report-json=r.json",
  "--report-jsonl=r.jsonl"
]

const row = JSON.stringify({ timestamp: 0, input_length: 100, output_length: 3, hash_ids: [1] })

interface Ended {
  /** `null` when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
}

const children: Array<ChildProcessWithoutNullStreams> = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
})

/** Its standard input stays open and empty. */
const start = (argv: ReadonlyArray<string>): Running => {
  assert(existsSync(bundle), `${bundle} is missing: run npm run build:bundle`)
  const child = spawn(process.execPath, [bundle, ...argv], { stdio: ["pipe", "pipe", "pipe"] })
  children.push(child)
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (chunk) => (stdout += String(chunk)))
  child.stderr.on("data", (chunk) => (stderr += String(chunk)))
  const ended = new Promise<Ended>((done) =>
    child.on("close", (code, signal) => done({ code, signal, stdout, stderr }))
  )
  return { child, ended }
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await wait(10)
}

/** Waits until the first requests have ended and their lines are being written. */
const untilSimulating = (folder: Folder): Promise<void> => {
  const lines = join(folder.path, "r.jsonl.partial")
  return until(() => existsSync(lines) && statSync(lines).size > 0)
}

const inFolder = async (
  files: Readonly<Record<string, string>>,
  test: (folder: Folder) => Promise<void>
): Promise<void> => {
  const folder = new Folder(files)
  try {
    await test(folder)
  } finally {
    folder.leave()
  }
}

describe("interruption", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends a run at its next event on ${signal}, with a report that says so`, () =>
      inFolder({}, async (folder) => {
        const { child, ended } = start(endless)
        await untilSimulating(folder)
        child.kill(signal)
        const { code, stderr, stdout } = await ended
        assert.strictEqual(code, 130)
        assert.strictEqual(stderr, "")
        assert.match(stdout, /Requests: .* in flight\nSaved full report to: r\.json\n$/)
        const { dynosim } = JSON.parse(folder.read("r.json"))
        assert.strictEqual(dynosim.ended, "interrupted")
        assert.strictEqual(dynosim.truncated, true)
        assert.isAbove(dynosim.completed_requests, 0)
        const lines = folder.read("r.jsonl").trim().split("\n")
        assert.strictEqual(lines.length, dynosim.completed_requests)
        assert.deepStrictEqual(folder.added(), ["r.json", "r.jsonl"])
      }))
  }

  it("ends at once on the second signal, whatever the first one waits for", () =>
    inFolder({}, async (folder) => {
      execFileSync("mkfifo", ["fifo"])
      const { child, ended } = start(endless.map((word) => word.replace("r.json", "fifo").replace("fifol", "r.jsonl")))
      await untilSimulating(folder)
      child.kill("SIGINT")
      // The lines take their name when the run has ended; after them comes the report, which nobody reads.
      await until(() => existsSync(join(folder.path, "r.jsonl")))
      assert.strictEqual(child.exitCode, null, "it waits for a reader of its report")
      child.kill("SIGINT")
      assert.strictEqual((await ended).signal, "SIGINT")
    }))

  it("writes nothing when it comes before the simulation", () =>
    inFolder({}, async (folder) => {
      const { child, ended } = start(["replay", "-", "--report-json", "r.json"])
      // More than a pipe holds: once it is written, the program is reading its trace.
      await new Promise((written) => child.stdin.write(`${row}\n`.repeat(20_000), written))
      child.kill("SIGINT")
      const { code, stdout } = await ended
      assert.strictEqual(code, 130)
      assert.strictEqual(stdout, "")
      assert.isFalse(existsSync(join(folder.path, "r.json")))
    }))
})

describe("the process", () => {
  it("reads a trace from standard input and prints no progress into pipes", () =>
    inFolder({ "a.jsonl": row }, async (folder) => {
      const output = execFileSync("/bin/sh", [
        "-c",
        `"$0" "$1" replay - --report-json r.json < a.jsonl 2> err`,
        process.execPath,
        bundle
      ])
      assert.match(output.toString(), /^NVIDIA AIPerf \| LLM Metrics\n/)
      assert.strictEqual(folder.read("err"), "")
    }))

  it("ends quietly when nobody reads its output any more", () =>
    inFolder({ "a.jsonl": row }, async (folder) => {
      execFileSync("/bin/sh", ["-c", `"$0" "$1" replay --help 2> err | true`, process.execPath, bundle])
      assert.strictEqual(folder.read("err"), "")
    }))

  for (const [name, argv, code] of [
    ["a finished run", ["replay", "a.jsonl", "--report-json", "r.json"], 0],
    ["a usage error", ["replay", "a.jsonl", "--nope"], 2],
    ["an input error", ["replay", "nope.jsonl"], 2],
    ["an output that cannot be written", ["replay", "a.jsonl", "--report-json", "a.jsonl/r.json"], 1],
    ["help", ["--help"], 0]
  ] as const) {
    it(`exits with ${code} after ${name}`, () =>
      inFolder({ "a.jsonl": row }, async () => {
        const outcome = await start(argv).ended
        assert.strictEqual(outcome.code, code, outcome.stderr)
      }))
  }

  it("starts with a line that makes it executable", () => {
    assert.match(readFileSync(bundle, "utf8"), /^#!\/usr\/bin\/env node\n/)
  })
})

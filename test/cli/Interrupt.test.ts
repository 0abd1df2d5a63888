/** The built program as a process: signals, pipes, exit codes. Needs `npm run build:bundle`, which `npm test` does first. */
import { afterEach, assert, describe, it } from "@effect/vitest"
import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { open } from "node:fs/promises"
import { join, resolve } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { letGo } from "../../src/cli/Signals.ts"
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

/** More than any pipe holds, as a trace and as lines of a report: once it is written, the other end has been reading. */
const manyRequests = 6_000
const manyRows = `${row}\n`.repeat(manyRequests)

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
const untilSimulating = (folder: Folder): Promise<void> =>
  until(() =>
    readdirSync(folder.path).some(
      (name) => /^r\.jsonl\.[0-9a-f]{16}\.partial$/.test(name) && statSync(join(folder.path, name)).size > 0
    )
  )

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
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
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

  it.skipIf(!existsSync("/dev/full"))("says that the report of the run cannot be written", () =>
    inFolder({}, async (folder) => {
      const full = endless.map((word) => word.replace("r.json", "/dev/full"))
      const { child, ended } = start([...full.filter((word) => !word.includes("jsonl")), "--report-jsonl=r.jsonl"])
      await untilSimulating(folder)
      child.kill("SIGINT")
      const { code, stderr } = await ended
      assert.match(stderr, /^error: \/dev\/full: cannot be written \(ENOSPC: .*\n$/)
      assert.strictEqual(code, 130)
    })
  )

  it("takes what is handed on twice for one signal", () =>
    inFolder({}, async (folder) => {
      const { child, ended } = start(endless)
      await untilSimulating(folder)
      child.kill("SIGTERM")
      child.kill("SIGTERM")
      assert.strictEqual((await ended).code, 130)
      assert.deepStrictEqual(folder.added(), ["r.json", "r.jsonl"])
    }))

  it("listens to repeats of a signal for a moment", async () => {
    letGo("SIGUSR2")
    process.kill(process.pid, "SIGUSR2")
    assert.strictEqual(process.listenerCount("SIGUSR2"), 1)
    await until(() => process.listenerCount("SIGUSR2") === 0)
  })

  it("ends at once on the second signal, whatever the first one waits for", () =>
    inFolder({}, async (folder) => {
      execFileSync("mkfifo", ["fifo"])
      const { child, ended } = start(endless.map((word) => word.replace("r.jsonl", "fifo")))
      // Opened by both, and nobody reads: the simulation stands still once the pipe is full.
      const unread = await open(join(folder.path, "fifo"), "r")
      await unread.read()
      child.kill("SIGINT")
      // Two that come together may count as one; of several, one comes second.
      const again = setInterval(() => child.kill("SIGINT"), 100)
      assert.strictEqual((await ended).signal, "SIGINT")
      clearInterval(again)
      await unread.close()
    }))

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    it(`waits for the reader of a pipe until ${signal}, then says what is not written and keeps the rest`, () =>
      inFolder({}, async (folder) => {
        execFileSync("mkfifo", ["fifo"])
        const { child, ended } = start(
          endless.map((word) => word.replace("r.json", "fifo").replace("fifol", "r.jsonl"))
        )
        await untilSimulating(folder)
        child.kill(signal)
        const { code, stderr, stdout } = await ended
        assert.strictEqual(code, 130)
        assert.strictEqual(stderr, "error: fifo: not written, because nobody reads this pipe\n")
        assert.strictEqual(stdout, "")
        assert.deepStrictEqual(folder.added(), ["r.jsonl"])
        assert.isAbove(folder.read("r.jsonl").length, 0)
      }))

    it(`ends on ${signal} while nobody reads the pipe for its lines`, () =>
      inFolder({ "a.jsonl": row }, async (folder) => {
        execFileSync("mkfifo", ["fifo"])
        const { child, ended } = start(["replay", "-", "--report-json=r.json", "--report-jsonl=fifo"])
        await new Promise((read) => child.stdin.end(manyRows, () => read(undefined)))
        child.kill(signal)
        const { code, stderr } = await ended
        assert.strictEqual(code, 130)
        // Nothing, if it had not come to the pipe yet.
        assert.match(stderr, /^(error: fifo: not written, because nobody reads this pipe\n)?$/)
        assert.deepStrictEqual(folder.added(), [])
      }))
  }

  it("ends the first time, too, while a named pipe gives no trace", () =>
    inFolder({}, async (folder) => {
      execFileSync("mkfifo", ["fifo"])
      const { child, ended } = start(["replay", "fifo", "--report-json=r.json"])
      // Opened once the other end is: by a program that then waits for what nobody writes.
      const silent = await open(join(folder.path, "fifo"), "w")
      child.kill("SIGTERM")
      assert.deepStrictEqual(await ended, { code: null, signal: "SIGINT", stdout: "", stderr: "" })
      await silent.close()
      assert.deepStrictEqual(folder.added(), [])
    }))

  it("writes nothing when it comes before the simulation", () =>
    inFolder({}, async (folder) => {
      const { child, ended } = start(["replay", "-", "--report-json", "r.json"])
      // Once it is written, the program is reading its trace.
      await new Promise((written) => child.stdin.write(manyRows, written))
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

  it("prints the report whole where standard output is a file, and nothing else there", () =>
    inFolder({ "a.jsonl": row }, async (folder) => {
      for (const name of ["-", "/dev/stdout", "/proc/self/fd/1"]) {
        const command = `"$0" "$1" replay a.jsonl --report-json ${name} > report.json 2> err`
        execFileSync("/bin/sh", ["-c", command, process.execPath, bundle])
        assert.strictEqual(JSON.parse(folder.read("report.json")).completed_requests, 1)
        assert.match(folder.read("err"), /^NVIDIA AIPerf \| LLM Metrics\n/)
      }
    }))

  it("prints lines whole into a pipe, and says when nobody reads them any more", () =>
    inFolder({ "a.jsonl": manyRows }, async (folder) => {
      const shell = (command: string) => {
        const { stderr, stdout } = spawnSync("/bin/sh", ["-c", command, process.execPath, bundle], {
          encoding: "utf8",
          maxBuffer: 1e9
        })
        assert.strictEqual(stderr, "")
        return stdout
      }
      const replay = `"$0" "$1" replay a.jsonl --report-jsonl - --report-json r.json 2> err`
      assert.strictEqual(shell(replay).trim().split("\n").length, manyRequests)
      rmSync("r.json")
      assert.strictEqual(shell(`(${replay}; echo $? > code) | head -n 1`).trim().split("\n").length, 1)
      const [table, ...problems] = folder.read("err").split(/^(?=error: )/m)
      assert.match(table!, /^NVIDIA AIPerf \| LLM Metrics\n/)
      assert.deepStrictEqual(problems, [
        "error: standard output: not written to its end, because nobody reads this pipe any more\n"
      ])
      assert.strictEqual(folder.read("code"), "1\n")
      assert.strictEqual(JSON.parse(folder.read("r.json")).completed_requests, manyRequests)
    }))

  for (const [where, argv] of [
    ["the table", "--report-json r.json > /dev/full"],
    ["the report", "--report-json - > /dev/full"],
    ["the report", "--report-json /dev/full"],
    ["the lines", "--report-json r.json --report-jsonl /dev/full"]
  ] as const) {
    it.skipIf(!existsSync("/dev/full"))(`says in one line that ${where} cannot be written: ${argv}`, () =>
      inFolder({ "a.jsonl": row }, async () => {
        const { status, stderr } = spawnSync(
          "/bin/sh",
          ["-c", `"$0" "$1" replay a.jsonl ${argv}`, process.execPath, bundle],
          { encoding: "utf8" }
        )
        const lines = stderr.trimEnd().split("\n")
        assert.match(lines.at(-1)!, /^error: .*: cannot be written \(ENOSPC: /)
        assert.lengthOf(
          lines.filter((line) => line.startsWith("error: ")),
          1
        )
        // Where the report would have had standard output, the table is before it.
        assert.strictEqual(lines[0] === "NVIDIA AIPerf | LLM Metrics", argv.startsWith("--report-json - "))
        assert.strictEqual(lines.length > 1, argv.startsWith("--report-json - "))
        assert.strictEqual(status, 1)
      })
    )
  }

  it("ends quietly when nobody reads its output any more", () =>
    inFolder({ "a.jsonl": manyRows }, async (folder) => {
      const convert = "trace convert a.jsonl - --to mooncake"
      for (const [argv, reader] of [
        ["replay --help", "true"],
        [convert, "head -n 1"]
      ] as const) {
        execFileSync("/bin/sh", ["-c", `"$0" "$1" ${argv} 2> err | ${reader}`, process.execPath, bundle])
        assert.strictEqual(folder.read("err").replace(/^note: .*\n/, ""), "")
      }
    }))

  it("writes and judges whatever becomes of what it prints", () =>
    inFolder({ "a.jsonl": row }, async (folder) => {
      const replay = `"$0" "$1" replay a.jsonl --report-json r.json --timeline t.json`
      const gone = `(${replay} --fail-if 'completed_requests > 0' 2> err; echo $? > code) | true`
      execFileSync("/bin/sh", ["-c", gone, process.execPath, bundle])
      assert.strictEqual(folder.read("err"), "error: --fail-if: completed_requests is 1, > 0\n")
      assert.strictEqual(folder.read("code"), "3\n")
      JSON.parse(folder.read("t.json"))
      if (!existsSync("/dev/full")) return
      rmSync("t.json")
      assert.strictEqual(spawnSync("/bin/sh", ["-c", `${replay} > /dev/full`, process.execPath, bundle]).status, 1)
      JSON.parse(folder.read("t.json"))
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

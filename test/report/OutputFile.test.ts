import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { execFileSync } from "node:child_process"
import { setImmediate } from "node:timers/promises"
import { OutputError } from "../../src/report/ReportError.ts"
import * as OutputFile from "../../src/report/OutputFile.ts"
import type { ReplayEvent } from "../../src/report/ReplayEvent.ts"
import { requestLines } from "../../src/report/RequestLines.ts"
import { writeRequestLines } from "../../src/report/RequestLinesFile.ts"
import { defaultReportName, resolveReportPath } from "../../src/report/ReportPath.ts"
import { served, summary } from "./Records.ts"

/** Runs a test with a folder of its own: `at` names a file in it. */
const inFolder = <A, E>(
  test: (
    at: (...names: ReadonlyArray<string>) => string,
    files: FileSystem.FileSystem
  ) => Effect.Effect<A, E, OutputFile.OutputServices>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const folder = yield* files.makeTempDirectoryScoped()
      return yield* test((...names) => path.join(folder, ...names), files)
    })
  ).pipe(Effect.provide(NodeServices.layer))

const events: ReadonlyArray<ReplayEvent> = Array.from({ length: 10 }, (_, id) => served({ id, tokensMs: [id + 1] }))

const pendingTimers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

/** What is written to before `x.jsonl` is complete. */
const partialName = /^x\.jsonl\.[0-9a-f]{16}\.partial$/

for (const [name, write] of [
  ["write", OutputFile.write],
  ["replace", OutputFile.replace]
] as const) {
  it.effect(`OutputFile.${name} makes the folders, overwrites what was there, leaves nothing else behind`, () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* write(at("p", "q", "r.json"), "old and long")
        yield* write(at("p", "q", "r.json"), "né")
        assert.strictEqual(yield* files.readFileString(at("p", "q", "r.json")), "né")
        assert.deepStrictEqual(yield* files.readDirectory(at("p", "q")), ["r.json"])
      })
    )
  )
}

describe("OutputFile.replace", () => {
  it.effect("says what is in the way, and leaves nothing of what it wrote", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* files.writeFileString(at("file"), "")
        yield* files.makeDirectory(at("folder", "r.json"), { recursive: true })
        const belowFile = yield* Effect.flip(OutputFile.replace(at("file", "q", "r.json"), "x"))
        assert.match(belowFile.message, /file\/q\/r\.json: cannot .* choose another path/)
        const onFolder = yield* Effect.flip(OutputFile.replace(at("folder", "r.json"), "x"))
        assert.match(onFolder.message, /folder\/r\.json: cannot be written .* choose another path/)
        assert.deepStrictEqual(yield* files.readDirectory(at("folder")), ["r.json"])
      })
    )
  )
})

describe("OutputFile.write", () => {
  it.effect("says what is in the way and what to do", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* files.writeFileString(at("a.jsonl"), "trace")
        const inFile = yield* Effect.flip(OutputFile.write(at("a.jsonl", "r.json"), "x"))
        assert.instanceOf(inFile, OutputError)
        assert.match(inFile.message, /a\.jsonl\/r\.json: cannot .*; choose a path/)
        const onFolder = yield* Effect.flip(OutputFile.write(at(), "x"))
        assert.match(onFolder.problem, /this is a folder; give the name of a file in it/)
        assert.strictEqual(yield* files.readFileString(at("a.jsonl")), "trace")
      })
    )
  )

  it.effect("writes pieces of text and bytes; a failure leaves no trace", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        const pieces = Stream.make("né", new Uint8Array([0, 255]), "!")
        yield* OutputFile.writeStream(at("r.bin"), pieces)
        assert.deepStrictEqual(yield* files.readFile(at("r.bin")), new Uint8Array([110, 195, 169, 0, 255, 33]))
        const failing = Stream.concat(Stream.make("x"), Stream.fail("no more"))
        assert.strictEqual(yield* Effect.flip(OutputFile.writeStream(at("r.bin"), failing)), "no more")
        assert.deepStrictEqual(yield* files.readDirectory(at()), ["r.bin"])
        assert.strictEqual((yield* files.readFile(at("r.bin"))).length, 6)
      })
    )
  )

  it.effect("writes through a symbolic link and keeps the link", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* files.writeFileString(at("real.json"), "old")
        yield* files.symlink(at("real.json"), at("link.json"))
        yield* OutputFile.write(at("link.json"), "new")
        assert.strictEqual(yield* files.readFileString(at("real.json")), "new")
        assert.strictEqual(yield* files.readLink(at("link.json")), at("real.json"))
      })
    )
  )

  it.effect("makes what a symbolic link points to, and keeps the link", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* files.makeDirectory(at("there"))
        yield* files.symlink("there/real.json", at("second.json"))
        yield* files.symlink("second.json", at("link.json"))
        yield* OutputFile.write(at("link.json"), "new")
        assert.strictEqual(yield* files.readFileString(at("there", "real.json")), "new")
        assert.strictEqual(yield* files.readLink(at("link.json")), "second.json")
        assert.deepStrictEqual((yield* files.readDirectory(at())).toSorted(), ["link.json", "second.json", "there"])
      })
    )
  )

  it.effect("touches nothing of a name like that of its own files", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* files.writeFileString(at("r.json.partial"), "somebody's")
        yield* OutputFile.write(at("r.json"), "new")
        assert.strictEqual(yield* files.readFileString(at("r.json.partial")), "somebody's")
      })
    )
  )

  it.effect("keeps the permissions of the file it replaces", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* files.writeFileString(at("r.json"), "old")
        yield* files.chmod(at("r.json"), 0o600)
        yield* OutputFile.write(at("r.json"), "new")
        assert.strictEqual((yield* files.stat(at("r.json"))).mode & 0o777, 0o600)
      })
    )
  )

  it.effect("writes a name of the greatest length", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        const name = "n".repeat(255)
        yield* OutputFile.write(at(name), "new")
        assert.deepStrictEqual(yield* files.readDirectory(at()), [name])
      })
    )
  )

  it.live("waits for the reader of a pipe, who gets everything up to the end", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        execFileSync("mkfifo", [at("fifo")])
        const text = "0123456789".repeat(50_000)
        const writer = yield* Effect.forkChild(OutputFile.write(at("fifo"), text))
        assert.strictEqual(yield* files.readFileString(at("fifo")), text)
        yield* Fiber.join(writer)
      })
    )
  )

  it.live("gives up a pipe that nobody reads when it is interrupted", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        execFileSync("mkfifo", [at("fifo")])
        const told: Array<string> = []
        const timers = pendingTimers()
        const writer = yield* OutputFile.write(at("fifo"), "x").pipe(
          Effect.uninterruptible,
          Effect.provideService(Console.Console, { ...globalThis.console, error: (text) => void told.push(text) }),
          Effect.forkChild({ startImmediately: true })
        )
        // It has tried in vain, and pauses before it tries again.
        while (pendingTimers() === timers) yield* Effect.promise(() => setImmediate())
        yield* Fiber.interrupt(writer)
        assert.deepStrictEqual(told, [`error: ${at("fifo")}: not written, because nobody reads this pipe`])
      })
    )
  )

  it.effect("writes devices in place", () =>
    inFolder((_, files) =>
      Effect.gen(function* () {
        yield* OutputFile.write("/dev/null", "x")
        assert.strictEqual((yield* files.stat("/dev/null")).type, "CharacterDevice")
        assert.deepStrictEqual(
          (yield* files.readDirectory("/dev")).filter((name) => name.endsWith(".partial")),
          []
        )
      })
    )
  )

  it.effect("keeps the old file and no half of the new one when writing fails", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* files.writeFileString(at("r.json"), "old")
        const error = yield* OutputFile.write(at("r.json"), "new").pipe(
          Effect.provideService(FileSystem.FileSystem, withFullDisk(files)),
          Effect.flip
        )
        assert.match(error.message, /r\.json: cannot be written \(.*\); free some space/)
        assert.deepStrictEqual(yield* files.readDirectory(at()), ["r.json"])
        assert.strictEqual(yield* files.readFileString(at("r.json")), "old")
      })
    )
  )
})

/** A file system on which files can be opened but not written. */
const withFullDisk = (files: FileSystem.FileSystem): FileSystem.FileSystem => ({
  ...files,
  open: (path, options) =>
    Effect.map(files.open(path, options), (file) =>
      Object.create(file, {
        writeAll: {
          value: () =>
            Effect.fail(PlatformError.systemError({ _tag: "Unknown", module: "FileSystem", method: "writeAll" }))
        }
      })
    )
})

describe("OutputFile.open", () => {
  it.effect("gives the file its name at the commit, not before", () =>
    inFolder((at, files) =>
      Effect.scoped(
        Effect.gen(function* () {
          const file = yield* OutputFile.open(at("x.jsonl"))
          yield* file.append("one\n")
          yield* file.append("two\n")
          const [partial, ...others] = yield* files.readDirectory(at())
          assert.match(partial!, partialName)
          assert.deepStrictEqual(others, [])
          assert.strictEqual(yield* files.readFileString(at(partial!)), "one\ntwo\n")
          yield* file.commit
          assert.deepStrictEqual(yield* files.readDirectory(at()), ["x.jsonl"])
          assert.strictEqual(yield* files.readFileString(at("x.jsonl")), "one\ntwo\n")
        })
      )
    )
  )
})

describe("writeRequestLines", () => {
  const expected = requestLines(events)

  it.effect("passes every event on and writes the lines", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        const passed = yield* Stream.fromIterable([...events, summary()]).pipe(
          Stream.rechunk(3),
          writeRequestLines(at("out", "x.jsonl")),
          Stream.runCollect
        )
        assert.deepStrictEqual(passed, [...events, summary()])
        assert.strictEqual(yield* files.readFileString(at("out", "x.jsonl")), expected)
        assert.deepStrictEqual(yield* files.readDirectory(at("out")), ["x.jsonl"])
      })
    )
  )

  it.effect("leaves an empty file for a run without finished requests", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        yield* Stream.make(summary()).pipe(writeRequestLines(at("x.jsonl")), Stream.runDrain)
        assert.strictEqual(yield* files.readFileString(at("x.jsonl")), "")
      })
    )
  )

  it.effect("keeps the lines of a failed run apart from a whole file", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        const told: Array<string> = []
        const error = yield* Stream.fromIterable(events).pipe(
          Stream.concat(Stream.fail("broken" as const)),
          writeRequestLines(at("x.jsonl")),
          Stream.runDrain,
          Effect.provideService(Console.Console, { ...globalThis.console, error: (text) => void told.push(text) }),
          Effect.flip
        )
        assert.strictEqual(error, "broken")
        const [partial, ...others] = yield* files.readDirectory(at())
        assert.match(partial!, partialName)
        assert.deepStrictEqual(others, [])
        assert.strictEqual(yield* files.readFileString(at(partial!)), expected)
        assert.deepStrictEqual(told, [`note: ${at("x.jsonl")}: incomplete; what there is of it is in ${at(partial!)}`])
      })
    )
  )

  it.live("names the file after an interruption too", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        const passed = yield* Deferred.make<void>()
        const endless = Stream.fromIterable(events).pipe(
          Stream.concat(Stream.drain(Stream.fromEffect(Deferred.succeed(passed, undefined)))),
          Stream.concat(Stream.never)
        )
        const fiber = yield* Effect.forkChild(Stream.runDrain(writeRequestLines(at("x.jsonl"))(endless)))
        yield* Deferred.await(passed)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* files.readDirectory(at()), ["x.jsonl"])
        assert.strictEqual(yield* files.readFileString(at("x.jsonl")), expected)
      })
    )
  )

  it.effect("fails where the file cannot be made, before any event", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const error = yield* Stream.fromIterable(events).pipe(writeRequestLines(at()), Stream.runDrain, Effect.flip)
        assert.match(error.message, /this is a folder/)
      })
    )
  )
})

describe("ReportPath", () => {
  it.effect("names reports by local time", () =>
    Effect.gen(function* () {
      const time = Date.UTC(2026, 0, 5, 3, 4, 9)
      yield* TestClock.setTime(time)
      const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString()
      assert.strictEqual(
        yield* defaultReportName,
        `dynamo_replay_report_${local.slice(0, 10).replaceAll("-", "")}_${local.slice(11, 19).replaceAll(":", "")}.json`
      )
    })
  )

  it.effect("finds the file for a file, a folder, and nothing", () =>
    inFolder((at, files) =>
      Effect.gen(function* () {
        const { resolve } = yield* Path.Path
        const name = yield* defaultReportName
        yield* files.makeDirectory(at("out"))
        assert.strictEqual(yield* resolveReportPath(at("out")), at("out", name))
        assert.strictEqual(yield* resolveReportPath(at("r.json")), at("r.json"))
        assert.strictEqual(yield* resolveReportPath("new/folder//"), "new/folder")
        assert.strictEqual(yield* resolveReportPath(""), name)
        assert.strictEqual(yield* resolveReportPath(undefined), resolve(name))
      })
    )
  )
})

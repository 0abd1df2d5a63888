import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { execFileSync, spawn } from "node:child_process"
import { gzipSync } from "node:zlib"
import { openMooncake } from "../../src/trace/TraceSource.ts"
import { bytesOf, jsonLines } from "./TraceTexts.ts"

const text = jsonLines([0, 1, 2].map((timestamp) => ({ timestamp, output_length: 1, hash_ids: [timestamp] })))

const inFolder = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped()
  return {
    fs,
    folder,
    write: (name: string, bytes: Uint8Array) => {
      const file = path.join(folder, name)
      return Effect.as(fs.writeFile(file, bytes), file)
    }
  }
})

const open = (file: string) => openMooncake({ file, traceBlockTokens: 64 })
const messageOf = (file: string, traceBlockTokens = 64) =>
  Effect.map(Effect.flip(openMooncake({ file, traceBlockTokens })), (error) => error.message)

const timestamps = Effect.fnUntraced(function* (file: string) {
  const { rows } = yield* open(file)
  const first = yield* Stream.runCollect(rows)
  assert.deepStrictEqual(yield* Stream.runCollect(rows), first)
  return first.map((row) => row.timestampMs)
})

describe("openMooncake", () => {
  it.effect("reads a file, plain or gzip, whatever its name", () =>
    Effect.gen(function* () {
      const { write } = yield* inFolder
      const plain = yield* write("t.jsonl", bytesOf(text))
      const named = yield* write("t.jsonl.gz", gzipSync(text))
      const hidden = yield* write("u.jsonl", gzipSync(text))
      for (const file of [plain, named, hidden]) assert.deepStrictEqual(yield* timestamps(file), [0, 1, 2])
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("reads standard input, which comes only once, as often as needed", () =>
    Effect.gen(function* () {
      for (const bytes of [bytesOf(text), gzipSync(text)]) {
        const stdin = Stdio.layerTest({ stdin: Stream.make(bytes.subarray(0, 20), bytes.subarray(20)) })
        assert.deepStrictEqual(yield* Effect.provide(timestamps("-"), stdin), [0, 1, 2])
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("keeps a small trace in memory and reads a large one again, unless it was changed", () =>
    Effect.gen(function* () {
      const { fs, write } = yield* inFolder
      const small = yield* write("small.jsonl", bytesOf(text))
      const kept = yield* open(small)
      yield* fs.remove(small)
      assert.strictEqual((yield* Stream.runCollect(kept.rows)).length, 3)

      const line = '{"timestamp":0,"output_length":1,"hash_ids":[1]}\n'
      const large = yield* write("large.jsonl", bytesOf(line.repeat(70_000)))
      const { rows } = yield* open(large)
      const count = Stream.runFold(
        rows,
        () => 0,
        (sum) => sum + 1
      )
      assert.strictEqual(yield* count, 70_000)
      assert.strictEqual(yield* count, 70_000)
      yield* fs.writeFile(large, bytesOf(line.repeat(70_001)))
      assert.include((yield* Effect.flip(count)).message, "was changed after it had been checked")

      // The same size, another time.
      const again = yield* write("again.jsonl", bytesOf(line.repeat(70_000)))
      const opened = yield* open(again)
      yield* fs.writeFile(again, bytesOf(line.replace("[1]", "[2]").repeat(70_000)))
      yield* fs.utimes(again, 1_000_000, 1_000_000)
      assert.include(
        (yield* Effect.flip(Stream.runDrain(opened.rows))).message,
        "was changed after it had been checked"
      )
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("reads a pipe, which comes only once", () =>
    Effect.gen(function* () {
      const { folder } = yield* inFolder
      const pipe = `${folder}/pipe`
      execFileSync("mkfifo", [pipe])
      const writer = spawn("sh", ["-c", 'printf %s "$1" > "$2"', "sh", text, pipe])
      assert.deepStrictEqual(yield* timestamps(pipe), [0, 1, 2])
      assert.strictEqual(writer.exitCode ?? 0, 0)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("says why a file cannot be read", () =>
    Effect.gen(function* () {
      const { folder, write } = yield* inFolder
      assert.strictEqual(yield* messageOf("nope.jsonl"), "nope.jsonl: cannot be opened: no such file")
      assert.strictEqual(yield* messageOf(folder), `${folder}: is a folder, not a trace file`)
      const empty = yield* write("empty.jsonl", new Uint8Array(0))
      assert.strictEqual(yield* messageOf(empty), `${empty}: holds no requests`)
      const cut = yield* write("cut.gz", gzipSync(text).subarray(0, 30))
      assert.include(yield* messageOf(cut), "damaged or cut short")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("refuses a trace block size that is none", () =>
    Effect.gen(function* () {
      assert.include(yield* messageOf("t", 0), "trace_block_size must be greater than 0")
      assert.include(yield* messageOf("t", 1.5), "trace_block_size must be greater than 0")
      assert.include(yield* messageOf("t", 2 ** 40), "trace_block_size must be at most 2147483647")
    }).pipe(Effect.provide(Layer.merge(NodeServices.layer, Stdio.layerTest({}))))
  )
})

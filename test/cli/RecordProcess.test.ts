/** The built recorder as a process before a built server, by the commands that the documentation shows. */
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { post } from "../serve/TestServer.ts"
import { program } from "./Program.ts"
import { commands, killServers, start, wordsOf } from "./ServerProcess.ts"

afterEach(killServers)

const chat = { model: "dynosim", max_tokens: 2, messages: [{ role: "user", content: "a" }] }

/** The words with another value behind a flag. */
const withValue = (words: ReadonlyArray<string>, flag: string, value: string): ReadonlyArray<string> =>
  words.includes(flag) ? words.with(words.indexOf(flag) + 1, value) : [...words, flag, value]

describe("the recorder as documented", () => {
  it("has commands", () => {
    assert.isAtLeast(commands("dynosim record").length, 1)
  })

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`writes its trace when it is told to end by ${signal}, and ends with 0`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "record-"))
      const server = await start(["serve", "--extra-engine-args", '{"speedup_ratio": 50}'])
      for (const [index, command] of commands("dynosim record").entries()) {
        const [, ...words] = wordsOf(command.replace(/^npx /, ""))
        const trace = join(folder, `${index}.jsonl`)
        const named = words.map((word) => (word.endsWith(".jsonl") ? join(folder, word) : word))
        const recorder = await start(withValue([...named.slice(0, -1), trace], "--upstream", server.url))
        assert.strictEqual((await post(recorder.url, "/v1/chat/completions", chat)).status, 200)
        assert.isFalse(existsSync(trace))
        recorder.child.kill(signal)
        assert.strictEqual(await recorder.ended, 0, recorder.stderr())
        const [row, ...others] = readFileSync(trace, "utf8").trim().split("\n")
        assert.deepStrictEqual(JSON.parse(row!), {
          timestamp: 0,
          input_length: 15,
          output_length: 2,
          hash_ids: [1],
          session_id: "session-1"
        })
        assert.deepStrictEqual(others, [])
        if (words.includes("--measured")) {
          const [measured] = words.filter((word) => word.startsWith("measured"))
          assert.include(readFileSync(join(folder, measured!), "utf8"), '"terminal_status":"completed"')
        }
      }
      rmSync(folder, { recursive: true })
    })
  }

  it("leaves an earlier recording as it is when nothing was recorded", async () => {
    const folder = mkdtempSync(join(tmpdir(), "record-"))
    const trace = join(folder, "earlier.jsonl")
    writeFileSync(trace, "earlier")
    const recorder = await start(["record", "--upstream", "http://127.0.0.1:1", trace])
    recorder.child.kill("SIGTERM")
    assert.strictEqual(await recorder.ended, 0, recorder.stderr())
    assert.strictEqual(recorder.stderr(), "")
    assert.strictEqual(readFileSync(trace, "utf8"), "earlier")
    assert.deepStrictEqual(readdirSync(folder), ["earlier.jsonl"])
    rmSync(folder, { recursive: true })
  })

  it("keeps standard output for the trace that goes there", async () => {
    const recorder = await start(["record", "--upstream", "http://127.0.0.1:1", "-"])
    recorder.child.kill("SIGTERM")
    assert.strictEqual(await recorder.ended, 0, recorder.stderr())
    assert.strictEqual(recorder.stdout(), "")
    assert.match(recorder.stderr(), /^-: not written, for no request was recorded$/m)
  })

  it("replays what it has recorded, and compares it with what was measured", async () => {
    const folder = mkdtempSync(join(tmpdir(), "record-"))
    const inFolder = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
      words.map((word) => (word.endsWith(".jsonl") ? join(folder, word) : word))
    const server = await start(["serve", "--extra-engine-args", '{"speedup_ratio": 50}'])
    const [command = ""] = commands("dynosim record")
    const recorder = await start(withValue(inFolder(wordsOf(command).slice(2)), "--upstream", server.url))
    for (const content of ["one", "two", "three"]) {
      const messages = [{ role: "user", content }]
      const response = await post(recorder.url, "/v1/chat/completions", { ...chat, messages, stream: true })
      await response.text()
    }
    recorder.child.kill("SIGINT")
    assert.strictEqual(await recorder.ended, 0, recorder.stderr())
    const uses = ["replay", "compare"].flatMap((name) =>
      commands(`dynosim ${name}`).filter(
        (use) => /(^| )(recorded|measured)\.jsonl/.test(use) && use.includes("simulated")
      )
    )
    assert.strictEqual(uses.length, 2)
    for (const use of uses) {
      const { exit, stderr, stdout } = await Effect.runPromise(program(inFolder(wordsOf(use).slice(2))))
      assert.strictEqual(exit, 0, stderr)
      assert.notStrictEqual(stdout, "")
    }
    rmSync(folder, { recursive: true })
  })
})

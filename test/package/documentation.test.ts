/**
 * Runs every `dynosim` command that README and docs show, in a scratch directory that looks like the checkout. They run in this
 * process, which costs a tenth of starting one for each; tarball.test.ts starts the built program.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { type Outcome, program } from "../cli/Program.ts"

const root = resolve(import.meta.dirname, "../..")
const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
]

/** Commands in `sh` blocks, one per line; a trailing backslash continues. */
const commandsOf = (document: string): ReadonlyArray<string> =>
  [...readFileSync(join(root, document), "utf8").matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .flatMap((block) => block[1]!.replaceAll("\\\n", " ").split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))

/** Words of a command line with single or double quotes. */
const wordsOf = (command: string): ReadonlyArray<string> =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!)

describe("documentation", () => {
  let scratch = ""
  const before = process.cwd()

  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), "dynosim-docs-"))
    for (const name of ["traces", "examples", "data"]) symlinkSync(join(root, name), join(scratch, name))
    process.chdir(scratch)
  })

  /** Commands that several documents show run once. */
  const outcomes = new Map<string, Outcome>()
  const outcomeOf = Effect.fnUntraced(function* (command: string) {
    const [, , ...words] = wordsOf(command)
    const outcome = outcomes.get(command) ?? (yield* program(words))
    outcomes.set(command, outcome)
    return outcome
  })

  afterAll(() => {
    process.chdir(before)
    rmSync(scratch, { recursive: true, force: true })
  })

  for (const document of documents) {
    for (const command of commandsOf(document).filter((line) => line.startsWith("npx dynosim"))) {
      // Online ones live on the real clock.
      it.live(`${document}: ${command}`, () =>
        Effect.gen(function* () {
          const { exit, stderr, stdout } = yield* outcomeOf(command)
          assert.strictEqual(exit, 0, stderr)
          assert.notStrictEqual(stdout.trim(), "")
        })
      )
    }
  }

  it("shows only commands that a test runs", () => {
    const others = documents.flatMap(commandsOf).filter((command) => !command.startsWith("npx dynosim"))
    assert.deepStrictEqual(
      others.filter((command) => !knownElsewhere.has(command)),
      []
    )
  })

  it("npm start replays the published trace", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: { start: string } }
    // All that the program reads is built, so that further flags work after it as well: npm start -- --html run.html
    const [build, replay = ""] = scripts.start.split(" && node ")
    assert.strictEqual(build, "npm run --silent build")
    const [bundle, ...words] = replay.split(" ")
    const output = execFileSync(process.execPath, [join(root, bundle!), ...words], { cwd: scratch, encoding: "utf8" })
    assert.match(output, /Request Count \(requests\) +┃ +12,031\.00/)
    assert.match(output, /Saved full report to: .*dynamo_replay_report_\d{8}_\d{6}\.json/)
  })
})

/** Commands that cannot run inside the test run itself: they are what the CI script, the test run, or tarball.test.ts consists of. */
const knownElsewhere: ReadonlySet<string> = new Set([
  "npm ci && npm start",
  "npm ci && npm test",
  "npm install dynosim effect @effect/platform-node"
])

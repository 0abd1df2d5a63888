/**
 * Further recorded runs, where a folder with them is at hand: `DYNOSIM_RECORDED_RUNS`, or `shared/golden` beside the repository.
 * Without one there is nothing to do.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { runCommand } from "../support/CommandRun.ts"
import { columnsOf, type RecordedReport, reportDifferences, requestDifferences } from "../support/Comparison.ts"
import { goldenFolder, goldenNames } from "../support/GoldenRun.ts"

const folder = process.env["DYNOSIM_RECORDED_RUNS"] ?? join(goldenFolder("."), "../../../shared/golden")

interface RecordedRun {
  readonly argv?: ReadonlyArray<string>
  readonly error?: string
  readonly reports: ReadonlyArray<RecordedReport>
}

/** Files that say how a run was started, with one result each: several are recorded where the reference is random. */
const names = (): ReadonlyArray<string> => {
  const known = new Set(["replay", "sglang"].flatMap((name) => goldenNames(goldenFolder(name))))
  if (!existsSync(join(folder, "reports"))) return []
  return readdirSync(join(folder, "reports"))
    .map((file) => file.slice(0, -".json".length))
    .filter((name) => !known.has(name) && !/(^|_)kv\d?(_|$)|planner/.test(name))
}

const load = (name: string): RecordedRun => JSON.parse(readFileSync(join(folder, "reports", `${name}.json`), "utf8"))

const loadRequests = (name: string) => {
  const file = join(folder, "requests", `${name}.jsonl.gz`)
  if (!existsSync(file)) return undefined
  const lines = gunzipSync(readFileSync(file)).toString("utf8").split("\n").filter((line) => line !== "")
  return lines.length === 0 ? undefined : columnsOf(lines.map((line) => JSON.parse(line)))
}

/** Prefix groups share nothing with each other here; see replay.test.ts. */
const oneGroup = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words.map((word, at) => words[at - 1] === "--num-prefix-groups" ? "1" : word)

const rerun = (argv: ReadonlyArray<string>) => {
  const [first, ...rest] = argv
  return first === undefined || first.startsWith("--")
    ? runCommand([], oneGroup(argv), { check: false })
    : runCommand([join(folder, first)], oneGroup(rest), { check: false })
}

describe.skipIf(names().length === 0)("further recorded runs", () => {
  it.effect.each([...names()])("%s", (name) =>
    Effect.gen(function*() {
      const { argv, error, reports } = load(name)
      if (argv === undefined) return
      if (error !== undefined) {
        yield* Effect.flip(rerun(argv))
        return
      }
      const outcome = yield* rerun(argv)
      const requests = loadRequests(name)
      const found = [
        ...reportDifferences(outcome.report, reports[0]!),
        ...(requests === undefined ? [] : requestDifferences(outcome.records, requests))
      ]
      assert.strictEqual(found.length, 0, found.slice(0, 20).join("\n"))
    }))
})

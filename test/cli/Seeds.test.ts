/** `replay --seeds`: the same run under several seeds. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { halfWidth95, mean } from "../../src/report/Interval.ts"
import { program } from "./Program.ts"

const trace = resolve(import.meta.dirname, "../../traces/conversation_sample.jsonl")
const random = ["--num-workers", "4", "--router-mode", "kv_router", "--router-config", '{"router_temperature": 0.5}']

interface SeedsFile {
  readonly seeds: ReadonlyArray<number>
  readonly figures: Readonly<Record<string, Readonly<Record<"mean" | "half_width_95" | "min" | "max", number>>>>
  readonly reports: ReadonlyArray<Readonly<Record<string, number>>>
}

const seedsFile = (path: string): SeedsFile => JSON.parse(readFileSync(path, "utf8"))

const inFolder = <A, E, R>(body: (folder: string) => Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "seeds-"))),
    body,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

describe("replay --seeds", () => {
  it.effect("writes the reports that single runs write, and statistics over them", () =>
    inFolder(
      Effect.fnUntraced(function* (folder) {
        const [json, csv] = [join(folder, "seeds.json"), join(folder, "seeds.csv")]
        const words = ["replay", trace, ...random, "--seed", "7", "--seeds", "3", "--json", json, "--csv", csv]
        const { exit, stderr, stdout } = yield* program(words)
        assert.strictEqual(exit, 0, stderr)
        assert.match(stdout, /^3 runs, seeds 7 to 9: /)
        const { figures, reports, seeds } = seedsFile(json)
        assert.deepStrictEqual(seeds, [7, 8, 9])
        for (const [index, seed] of seeds.entries()) {
          const single = join(folder, `${seed}.json`)
          const one = ["replay", trace, ...random, "--seed", String(seed), "--json", single]
          assert.strictEqual((yield* program(one)).exit, 0)
          const report: Readonly<Record<string, number>> = JSON.parse(readFileSync(single, "utf8"))
          for (const key of ["duration_ms", "p99_ttft_ms", "total_output_tokens", "prefix_cache_reused_ratio"]) {
            assert.strictEqual(reports[index]![key], report[key], key)
          }
        }
        for (const [key, figure] of Object.entries(figures).filter(([name]) => !name.startsWith("dynosim."))) {
          const values = reports.map((report) => report[key]!)
          assert.closeTo(figure.mean, mean(values), 1e-9 * Math.abs(figure.mean))
          assert.closeTo(figure.half_width_95, halfWidth95(values)!, 1e-9 * Math.abs(figure.mean))
          assert.strictEqual(figure.min, Math.min(...values))
          assert.strictEqual(figure.max, Math.max(...values))
        }
        assert.isBelow(figures["p99_ttft_ms"]!.min, figures["p99_ttft_ms"]!.max)
        assert.isUndefined(figures["wall_time_ms"])
        const rows = readFileSync(csv, "utf8").trim().split("\n")
        assert.deepStrictEqual(
          rows.map((row) => row.split(",", 1)[0]),
          ["seed", "7", "8", "9"]
        )
        assert.strictEqual(new Set(rows.map((row) => row.split(",").length)).size, 1)
      })
    )
  )

  it.effect("judges --fail-if by the mean, and says where a seed changes nothing", () =>
    inFolder(
      Effect.fnUntraced(function* (folder) {
        const words = ["replay", trace, "--seeds", "2", "--json", join(folder, "seeds.json")]
        const { exit, stderr } = yield* program([...words, "--fail-if", "p99_ttft_ms > 1"])
        assert.strictEqual(exit, 3)
        assert.match(stderr, /p99_ttft_ms is [\d.]+, > 1 \(mean over seeds\)/)
        assert.include(stderr, "nothing in this run depends on the seed")
        assert.strictEqual(seedsFile(join(folder, "seeds.json")).seeds.length, 2)
      })
    )
  )

  const refused: ReadonlyArray<readonly [words: string, problem: string]> = [
    ["--report-jsonl x.jsonl", "--report-jsonl: is about one run, and --seeds makes 2"],
    ["--series x.csv", "--series: is about one run"],
    ["--html x.html", "--html: is about one run"],
    ["--summary", "--summary: is about one run"],
    ["--replay-mode online", "--seeds: online runs take real time"]
  ]
  for (const [words, problem] of refused) {
    it.effect(`is refused with ${words}`, () =>
      Effect.gen(function* () {
        const { exit, stderr } = yield* program(["replay", trace, "--seeds", "2", ...words.split(" ")])
        assert.strictEqual(exit, 2)
        assert.include(stderr, problem)
      })
    )
  }

  it.effect("takes 2 to 1000 of them", () =>
    Effect.gen(function* () {
      for (const seeds of ["1", "1001", "2.5"]) {
        const { exit, stderr } = yield* program(["replay", trace, "--seeds", seeds])
        assert.strictEqual(exit, 2)
        assert.match(stderr, /^error: --seeds: expected an integer from 2 to 1000, got /)
      }
    })
  )
})

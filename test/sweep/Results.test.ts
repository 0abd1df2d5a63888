/** What a sweep leaves: files that say the same, winners that replay to what was found, and a line on a terminal meanwhile. */
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ProgressTerminal } from "../../src/cli/Progress.ts"
import { showSweepProgress, sweepProgressText } from "../../src/cli/SweepProgress.ts"
import { parseConfigFile } from "../../src/config/ConfigFile.ts"
import { readGivenOptions } from "../../src/config/GivenOptions.ts"
import { validateReplayOptions } from "../../src/config/ValidateReplayOptions.ts"
import * as Run from "../../src/run/Run.ts"
import { CellRunner, telling } from "../../src/sweep/CellRunner.ts"
import { CellStore, timeless } from "../../src/sweep/CellStore.ts"
import * as Sweep from "../../src/sweep/Sweep.ts"
import * as SweepSinks from "../../src/sweep/SweepSinks.ts"
import { sweepCsv } from "../../src/sweep/SweepText.ts"
import { base, plan, reportWith } from "./Plans.ts"

const inFolder = <A, E, R>(use: (folder: string) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "dynosim-results-"))),
    use,
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

const services = Layer.mergeAll(
  CellRunner.layer.pipe(Layer.provide(NodeServices.layer)),
  CellStore.layerMemory,
  NodeServices.layer
)

const shape = (more: string) =>
  plan(
    "base: {input-tokens: 2000, output-tokens: 20, request-count: 12, arrival-interval-ms: 5}\n"
      + `axes: {num-workers: [1, 2, 3], extra-engine-args.max_num_seqs: [1, 8]}\n${more}`
  )

const fields = (line: string): ReadonlyArray<string> => line.split(",")

describe("the results of a sweep", () => {
  it.effect(
    "are the same figures in Parquet and CSV, with the Pareto set marked, and each winner replays to its report",
    () =>
      inFolder((folder) =>
        Effect.gen(function* () {
          const read = shape("pareto: [minimise mean_ttft_ms, minimise total_gpus]\nseeds: [1, 2]")
          const parquet = join(folder, "sweep.parquet")
          const winners = join(folder, "winners")
          const summary = yield* Stream.run(Sweep.run(read), SweepSinks.files(read, { parquet, winners }))
          const [heading, ...lines] = sweepCsv(read, summary).trimEnd().split("\r\n").map(fields)
          const rows = yield* Effect.promise(async () =>
            parquetReadObjects({ file: await asyncBufferFromFile(parquet) })
          )
          assert.strictEqual(rows.length, 6)
          assert.deepStrictEqual(Object.keys(rows[0]!), heading)
          for (const [index, row] of rows.entries()) {
            assert.deepStrictEqual(
              Object.values(row).map((value) => String(value ?? "")),
              lines[index]
            )
          }
          const marked = rows.filter(({ pareto }) => pareto === "true").map(({ index }) => `pareto-${index}.json`)
          assert.isAtLeast(marked.length, 2)
          assert.deepStrictEqual(readdirSync(winners).toSorted(), marked.toSorted())
          for (const candidate of summary.pareto) {
            const file = join(winners, `pareto-${candidate.index}.json`)
            const { traces, values } = Result.getOrThrow(parseConfigFile(file, readFileSync(file, "utf8")))
            const options = Result.flatMap(readGivenOptions(traces, values), validateReplayOptions)
            const report = yield* Run.report(Result.getOrThrow(options))
            assert.deepStrictEqual(timeless(report), candidate.reports[0])
          }
        }).pipe(Effect.provide(services))
      )
  )

  it.effect("end in Sinks: the table, the Pareto set, the best as a file", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const read = shape("constraints: [p99_ttft_ms < 1 h]\nobjective: minimise total_gpus")
        const rows = yield* Stream.run(Sweep.run(read), SweepSinks.table(read))
        assert.strictEqual(rows.length, 7)
        const best = rows.filter(([mark]) => mark === "best")
        assert.deepStrictEqual(
          best.map(([, workers]) => workers),
          ["1"]
        )
        const set = yield* Stream.run(Sweep.run(read), SweepSinks.paretoSet(read))
        assert.deepStrictEqual(
          set.map(({ values }) => values[0]),
          ["1", "1"]
        )
        yield* Stream.run(Sweep.run(read), SweepSinks.files(read, { winners: folder }))
        assert.deepStrictEqual(readdirSync(folder), ["best.json"])
      }).pipe(Effect.provide(services))
    )
  )
})

describe("the progress of a sweep", () => {
  it("says how many runs are done, and how long the rest may take", () => {
    assert.strictEqual(sweepProgressText(0, 0, 8, 0), "0 of 8 runs done")
    // Half of them were known; the others took a second each.
    assert.strictEqual(sweepProgressText(4, 2, 8, 2000), "4 of 8 runs done, about 4 s left")
    assert.strictEqual(sweepProgressText(100, 100, 400, 3e6), "100 of 400 runs done, about 2.5 h left")
    assert.strictEqual(sweepProgressText(3, 3, undefined, 3000), "3 runs done")
  })

  /** Lines of a sweep; all of its runs begin at once, and one of so many workers takes `secondsOf(workers)`. */
  const shown = (text: string, quiet: boolean, secondsOf: (workers: number) => number) =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const read = plan(text)
      const runner = CellRunner.of({
        width: 10,
        run: ({ options: { deployment } }) =>
          Effect.as(Effect.sleep(`${secondsOf(deployment._tag === "Aggregated" ? deployment.workers : 0)} seconds`), {
            _tag: "Done",
            report: reportWith({})
          })
      })
      const sweeping = yield* Effect.scoped(
        Effect.gen(function* () {
          const progress = yield* showSweepProgress(read, undefined, quiet)
          yield* Sweep.run(read).pipe(
            Stream.runForEach((result) => Effect.sync(() => progress.came(result))),
            Effect.updateService(CellRunner, telling(progress.ended))
          )
        })
      ).pipe(
        Effect.provideService(ProgressTerminal, (line) => void written.push(line)),
        Effect.provideService(CellRunner, runner),
        Effect.provide(Layer.mergeAll(CellStore.layerMemory, NodeServices.layer)),
        Effect.forkChild
      )
      while (sweeping.pollUnsafe() === undefined) yield* TestClock.adjust("10 seconds")
      return written.map((line) => line.replace("\r\u001b[2K", ""))
    })

  it.effect("is a line on a terminal, wiped at the end, and nothing where nobody wants it", () =>
    Effect.gen(function* () {
      const grid = `base: ${base}\naxes: {num-workers: [1, 2, 3]}\nobjective: minimise mean_ttft_ms`
      const lines = [
        "1 of 3 runs done, about 20 s left",
        "2 of 3 runs done, about 10 s left",
        "3 of 3 runs done, about 0 s left",
        ""
      ]
      assert.deepStrictEqual(yield* shown(grid, false, (workers) => 10 * workers), lines)
      // Also where the first result comes last.
      assert.deepStrictEqual(yield* shown(grid, false, (workers) => 40 - 10 * workers), lines)
      assert.deepStrictEqual(yield* shown(grid, true, () => 10), [])
      // How many runs a search takes shows when it is over.
      const [first] = yield* shown(`${grid}\nsearch: descent`, false, () => 10)
      assert.strictEqual(first, "1 run done")
    })
  )
})

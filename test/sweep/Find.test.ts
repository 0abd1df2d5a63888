/** Bracketing and bisection against looking at every count. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { CellStore } from "../../src/sweep/CellStore.ts"
import { findingTexts, nothingFound } from "../../src/sweep/FindingText.ts"
import { summarise } from "../../src/sweep/Summary.ts"
import * as Sweep from "../../src/sweep/Sweep.ts"
import { sweepJson } from "../../src/sweep/SweepText.ts"
import { parsePlan } from "../../src/sweep/Plan.ts"
import { parseConditions } from "../../src/report/Condition.ts"
import { fewestWorkers, highestLoad, type Question } from "../../src/sweep/Find.ts"
import { findJson, findLines } from "../../src/sweep/FindText.ts"
import { Search } from "../../src/sweep/Search.ts"
import { sweepMetrics } from "../../src/sweep/SweepMetrics.ts"
import { type Found, notMonotone, threshold } from "../../src/sweep/Threshold.ts"
import { answering, base, plan, reportWith, summaryOf } from "./Plans.ts"
import type { ReplayOptions } from "../../src/run/ReplayOptions.ts"

const baseNode = Result.getOrThrow(parsePlan("plan.yaml", `base: ${base}\nobjective: minimise total_gpus`)).base
const conditions = (text: string) => Result.getOrThrow(parseConditions([text], sweepMetrics))

const workersOf = ({ deployment }: ReplayOptions): number => (deployment._tag === "Aggregated" ? deployment.workers : 0)
const isFloor = ({ load }: ReplayOptions): boolean => load._tag === "ClosedLoop"

/** The answer, and how many runs it took; `ttft` of a run by its options. */
const ask = Effect.fnUntraced(function* (
  question: Question,
  ttft: (options: ReplayOptions) => number,
  figures: Parameters<typeof reportWith>[0] = {}
) {
  let found: Found | undefined
  const strategy = {
    name: "test",
    *search() {
      found = yield* threshold(question.row)
    }
  }
  const { asked, layer } = answering((options) => ({
    _tag: "Done",
    report: reportWith({ p99_ttft_ms: ttft(options), ...figures })
  }))
  yield* Effect.provideService(summaryOf(question.plan, layer), Search, strategy)
  assert(found !== undefined)
  return { found, runs: asked.length }
})

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
const Levels = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))).check(
  Schema.isMinLength(12),
  Schema.isMaxLength(12)
)

describe("find", () => {
  it.effect.prop("equals a linear search where the metric is monotone", [Count], ([enough]) =>
    Effect.gen(function* () {
      const question = fewestWorkers(baseNode, conditions("p99_ttft_ms < 100"), 40)
      const { found, runs } = yield* ask(question, (options) =>
        isFloor(options) ? 1 : 99.5 + enough - workersOf(options)
      )
      assert.strictEqual(found.position, enough - 1)
      assert.isAtMost(runs, 14)
      assert.isUndefined(notMonotone(found))
    })
  )

  it.effect.prop(
    "finds a count that holds beside one that does not, or says that figures go up and down",
    [Levels],
    ([levels]) =>
      Effect.gen(function* () {
        const question = fewestWorkers(baseNode, conditions("p99_ttft_ms < 5"), 12)
        const { found } = yield* ask(question, (options) => (isFloor(options) ? 0 : levels[workersOf(options) - 1]!))
        const linear = levels.findIndex((level) => level < 5)
        if (found.position === undefined) {
          // Only what was tried can be told: the last of the row was.
          assert.isAtLeast(levels[11]!, 5)
          return
        }
        assert.isBelow(levels[found.position]!, 5)
        if (found.position > 0) assert.isAtLeast(levels[found.position - 1]!, 5)
        assert.isAtLeast(found.position, linear)
      })
  )

  it.effect("gives up with the floor where an idle worker is too slow", () =>
    Effect.gen(function* () {
      const question = fewestWorkers(baseNode, conditions("p99_ttft_ms < 2 s"), 200)
      const { found, runs } = yield* ask(question, (options) =>
        isFloor(options) ? 4500 : 4500 + 1000 / workersOf(options)
      )
      assert.isUndefined(found.position)
      assert.strictEqual(runs, 3)
      const text = findLines(question, found).join("\n")
      assert.include(text, "Out of reach: p99_ttft_ms < 2 s is not met with up to 64 workers")
      assert.include(text, "with one request in flight at a time, on an idle worker, p99_ttft_ms is 4500, not < 2 s")
      assert.isFalse(JSON.parse(findJson(question, found)).reached)
    })
  )

  it.effect("goes on past a floor that more caches beat", () =>
    Effect.gen(function* () {
      const question = fewestWorkers(baseNode, conditions("p99_ttft_ms < 2 s"), 100)
      const { found } = yield* ask(question, (options) => (isFloor(options) ? 3000 : 100_000 / workersOf(options)))
      assert.strictEqual(found.position, 50)
    })
  )

  it.effect("says where figures go up and down", () =>
    Effect.gen(function* () {
      const question = fewestWorkers(baseNode, conditions("p99_ttft_ms < 5"), 8)
      const { found } = yield* ask(question, (options) =>
        isFloor(options) ? 1 : [9, 7, 8, 8, 8, 8, 6, 4][workersOf(options) - 1]!
      )
      assert.strictEqual(notMonotone(found), "p99_ttft_ms")
      assert.include(findLines(question, found).at(-1), "p99_ttft_ms does not move one way")
    })
  )

  it.effect("finds the highest load to one percent, above and below the one that is given", () =>
    Effect.gen(function* () {
      for (const limit of [300, 7.7, 1, 0.4, 0.01]) {
        const question = highestLoad(baseNode, conditions("p99_ttft_ms < 100"))
        const { found } = yield* ask(question, ({ load }) =>
          load._tag === "OpenLoop" ? (100 * load.arrivalSpeedup) / (limit * 1.0001) : 1
        )
        const { answer } = JSON.parse(findJson(question, found))
        assert.isAtMost(answer, limit * 1.0001)
        assert.isAbove(answer, limit * 0.985)
        assert.notInclude(findLines(question, found).join("\n"), "The search ends")
      }
    })
  )

  it.effect("counts what was completed, not what was sent away", () =>
    Effect.gen(function* () {
      const question = highestLoad(baseNode, conditions("p99_ttft_ms < 100"))
      const figures = { duration_ms: 4000, num_requests: 10, completed_requests: 6, request_throughput_rps: 1.5 }
      const { found } = yield* ask(question, () => 1, figures)
      assert.include(
        findLines(question, found).join("\n"),
        "1024 times the load, 1.5 completed requests per second: p99_ttft_ms < 100"
      )
    })
  )

  it.effect("says so where the highest load that is tried holds: it is no bound", () =>
    Effect.gen(function* () {
      const question = highestLoad(baseNode, conditions("p99_ttft_ms < 100"))
      const { found } = yield* ask(question, () => 1)
      assert.strictEqual(
        findLines(question, found).at(-1),
        "The search ends at 1024 times the load: more may hold as well"
      )
    })
  )
})

const Enough = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 14 }))

describe("find in a plan", () => {
  const twelve = Array.from({ length: 12 }, (_, index) => index + 1)
  const findPlan = (more = "") =>
    plan(
      `base: ${base}\naxes:\n  extra-engine-args.max_num_seqs: [8, 16]\n  num-workers: [${twelve.join(", ")}]\n`
        + `constraints: [p99_ttft_ms < 100]\nfind: num-workers\nobjective: minimise p99_ttft_ms\n${more}`
    )
  /** Runs that meet the constraint from `enough` workers on, fewer of them with more sequences; more than 12 for never. */
  const runner = (few: number, many: number) =>
    answering((options) => {
      const { deployment } = options
      const enough = deployment._tag === "Aggregated" && deployment.engine.maxNumSeqs === 8 ? few : many
      const ttft = isFloor(options) ? (enough > 12 ? 500 : 1) : 99.5 + enough - workersOf(options)
      return { _tag: "Done", report: reportWith({ p99_ttft_ms: ttft }) }
    })

  it.effect.prop("equals a linear search in every combination of the other axes", [Enough, Enough], ([few, many]) =>
    Effect.gen(function* () {
      const read = findPlan()
      const { asked, layer } = runner(few, many)
      const summary = yield* summaryOf(read, layer)
      const { findings } = JSON.parse(sweepJson(read, summary))
      assert.deepStrictEqual(
        findings.map(({ first }: { readonly first: string | null }) => first),
        [few, many].map((enough) => (enough > 12 ? null : String(enough)))
      )
      assert.isAtMost(asked.length, 16)
      // An idle worker is fast, and no answer.
      assert.isTrue(summary.best === undefined || summary.best.values[2] === "null")
      assert.strictEqual(nothingFound(read, summary).length, few > 12 && many > 12 ? 2 : 0)
    })
  )

  it.effect("names the floor, and goes by rounds that shards share", () =>
    Effect.gen(function* () {
      const read = findPlan()
      const whole = yield* summaryOf(read, runner(5, 13).layer)
      const [found, missed] = findingTexts(read, whole)
      assert.strictEqual(
        found,
        "extra-engine-args.max_num_seqs 8: num-workers 5 is the first that meets p99_ttft_ms < 100"
      )
      assert.include(missed, "extra-engine-args.max_num_seqs 16: out of reach")
      assert.include(missed, "where p99_ttft_ms is 100.5, not < 100. The floor: ")
      assert.include(missed, "on an idle worker, p99_ttft_ms is 500, not < 100")
      const { layer } = runner(5, 13)
      const parts = yield* Effect.gen(function* () {
        const rounds = []
        for (let round = 0; round < 6; round++) {
          for (const index of [0, 1, 2]) {
            rounds.push(yield* Stream.run(Sweep.run(read, { index, count: 3 }), summarise(read)))
          }
        }
        return rounds
      }).pipe(Effect.provide(Layer.mergeAll(layer, CellStore.layerMemory, NodeServices.layer)))
      assert.isAbove(parts[0]!.elsewhere, 0)
      assert.deepStrictEqual(findingTexts(read, parts[0]!), [])
      assert.strictEqual(sweepJson(read, parts.at(-1)!), sweepJson(read, whole))
    })
  )

  it.effect("is undecided where a run failed", () =>
    Effect.gen(function* () {
      const read = findPlan()
      const summary = yield* summaryOf(read, answering(() => ({ _tag: "Failed", reason: "it broke" })).layer)
      assert.include(findingTexts(read, summary)[0], "undecided, because a run failed")
      assert.deepStrictEqual(nothingFound(read, summary), [])
    })
  )
})

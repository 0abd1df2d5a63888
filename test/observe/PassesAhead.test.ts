/** Passes that workers compute ahead of time are drawn as if each had been seen in its time: the same rows, the same events. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { SeriesProbe } from "../../src/observe/SeriesProbe.ts"
import { TimelineProbe } from "../../src/observe/TimelineProbe.ts"
import { timelineText } from "../../src/observe/TimelineText.ts"
import type { RunOptions } from "../../src/simulation/Replay.ts"
import type { RunProbe } from "../../src/simulation/RunProbe.ts"
import type { Topology } from "../../src/simulation/Topology.ts"
import { randomRun, sglangArgs, tiered } from "../simulation/RandomRun.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, multiTopology, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

/** Writes every pass down by worker: start, end, tokens. Counts those that were shown as passes ahead. */
class PassList implements RunProbe {
  ahead = 0
  readonly passes = new Map<string, Array<ReadonlyArray<number>>>()

  readonly outOfTurnUntilMs = (): number => Number.POSITIVE_INFINITY

  readonly pass: RunProbe["pass"] = ({ role, workerIndex }, startMs, { emittedTokens, endMs, progressed }) => {
    if (progressed || endMs > startMs) this.add(`${role} ${workerIndex}`, startMs, endMs, emittedTokens)
  }

  readonly passesAhead: RunProbe["passesAhead"] = ({ role, workerIndex }, ahead) => {
    this.ahead += ahead.count
    for (let pass = 0; pass < ahead.count; pass++) {
      this.add(`${role} ${workerIndex}`, ahead.startOf(pass), ahead.ends[pass]!, ahead.batch)
    }
  }

  private add(worker: string, ...pass: ReadonlyArray<number>): void {
    const passes = this.passes.get(worker)
    if (passes === undefined) this.passes.set(worker, [pass])
    else passes.push(pass)
  }
}

const everyPass: RunProbe = { pass: () => {} }

/** What all who can draw passes ahead have drawn: timelines in a run of their own, as series let workers go on by themselves for some intervals only. */
const drawn = Effect.fnUntraced(function* (
  pools: Layer.Layer<Topology>,
  load: ReturnType<typeof PlainWorkload.layer>,
  options: RunOptions,
  others: ReadonlyArray<RunProbe> = []
) {
  const series = [new SeriesProbe(5), new SeriesProbe(37.3)]
  const timelines = [
    new TimelineProbe(),
    new TimelineProbe({ fromMs: 30, untilMs: 200, everyRequests: 3 }),
    // Of passes alone: whether those or requests are let go first depends on who comes first.
    new TimelineProbe({ maxBytes: 10_000, everyRequests: 1_000_000 })
  ]
  const list = new PassList()
  const watchedBy = (probes: ReadonlyArray<RunProbe>, check: boolean) =>
    Effect.result(replay(pools, load, { ...options, check, probes: [...probes, ...others] }))
  const run = yield* watchedBy([...timelines, list], false)
  // Whoever checks leaves nobody alone.
  yield* watchedBy(series, list.passes.size % 2 === 0)
  return {
    ahead: list.ahead,
    failure: Result.isFailure(run) ? run.failure.message : undefined,
    passes: list.passes,
    rows: series.map((each) => each.take()),
    texts: timelines.map((each) => [...timelineText(each)].join(""))
  }
})

const assertSame = Effect.fnUntraced(function* (
  pools: Layer.Layer<Topology>,
  load: ReturnType<typeof PlainWorkload.layer>,
  options: RunOptions = {}
) {
  const { ahead, ...drawing } = yield* drawn(pools, load, options)
  const { ahead: none, ...inTime } = yield* drawn(pools, load, options, [everyPass])
  assert.strictEqual(none, 0)
  assert.strictEqual(drawing.failure, inTime.failure)
  // A run that fails has no end, and shows nobody what it had computed ahead.
  if (drawing.failure !== undefined) return ahead
  assert.deepStrictEqual([...drawing.passes].toSorted(), [...inTime.passes].toSorted())
  assert.deepStrictEqual(drawing.rows, inTime.rows)
  assert.deepStrictEqual(drawing.texts, inTime.texts)
  return ahead
})

const runs = { arbitrary: { runs: 15, size: 40 } }

const two = { prefillWorkers: 2, decodeWorkers: 2 }

describe("passes ahead of time", () => {
  it.effect.prop(
    "are drawn as if seen one by one",
    [randomRun],
    ([run]) => assertSame(topology(run.args, run.workers), PlainWorkload.layer(run)),
    runs
  )

  it.effect.prop(
    "are drawn up to a limit of time",
    [randomRun],
    ([run]) => assertSame(topology(run.args, run.workers), PlainWorkload.layer(run), { maxSimTimeMs: run.limitMs }),
    runs
  )

  it.effect.prop(
    "are drawn on SGLang-style workers, whose slots fill meanwhile",
    [randomRun],
    ([run]) => assertSame(topology(sglangArgs(run), run.workers), PlainWorkload.layer(run)),
    runs
  )

  it.effect.prop(
    "are drawn with KV tiers, which fill and move meanwhile",
    [randomRun],
    ([run]) =>
      Effect.andThen(
        assertSame(topology(tiered(run, "on_evict"), run.workers), PlainWorkload.layer(run)),
        assertSame(topology(tiered(run, "write_through"), run.workers), PlainWorkload.layer(run))
      ),
    { arbitrary: { runs: 12, size: 40 } }
  )

  it.effect.prop(
    "are drawn between pools",
    [randomRun],
    ([run]) =>
      Effect.andThen(
        assertSame(disaggregatedTopology({ ...run.args, engineType: "vllm" }, two), PlainWorkload.layer(run)),
        assertSame(disaggregatedTopology(sglangArgs(run), two), PlainWorkload.layer(run))
      ),
    { arbitrary: { runs: 10, size: 40 } }
  )

  it.effect("are many in long answers, and those that have begun stay when a worker fails or slows down", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 30 }, (_, index) =>
        row({ timestampMs: index * 70, promptTokens: 64, outputTokens: 200, hashIds: [index] }, index + 1)
      )
      const load = PlainWorkload.layer({ rows, traceBlockTokens: 64 })
      const options: RunOptions = {
        workerEvents: [
          { atMs: 600, pool: "aggregated", kind: "slow", worker: 1, factor: 3 },
          { atMs: 903, pool: "aggregated", kind: "fail", worker: 0, requests: "retry" },
          { atMs: 1400, pool: "aggregated", kind: "drain", worker: 1 }
        ]
      }
      for (const engineType of ["vllm", "sglang"] as const) {
        const args = engineArgs({ engineType, numGpuBlocks: 2000 })
        assert.isAbove(yield* assertSame(multiTopology(args, 3), load, options), 100)
        assert.isAbove(yield* assertSame(topology(args), load), 100)
      }
    })
  )
})

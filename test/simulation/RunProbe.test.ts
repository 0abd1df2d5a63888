/** What probes are told must add up to what the run itself reports, and telling must not change the run. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type EngineArgs, make as makeEngineArgs } from "../../src/engine/EngineArgs.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import type { PassOutcome } from "../../src/engine/WorkerCore.ts"
import type { WorkerProbe } from "../../src/engine/WorkerProbe.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import type { SimRequest } from "../../src/request/SimRequest.ts"
import type { PoolRole, ProbedRun, ProbedWorker, RunEnd, RunProbe } from "../../src/simulation/RunProbe.ts"
import { compose } from "../../src/simulation/RunProbes.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, gapCounts, type Outcome, replay, topology } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"
import { randomRun } from "./RandomRun.ts"

/** Totals of one pass, as its hooks gave them. */
interface PassTotals {
  scheduled: number
  prompt: number
  emitted: number
  preempted: number
}

/** Keeps count of everything. An instance of a class, so that hooks need their `this`. */
class Bookkeeper implements RunProbe {
  started: ProbedRun | undefined = undefined
  ended: RunEnd | undefined = undefined
  nowMs = 0
  passes = 0
  evicted = 0
  preempted = 0
  mostCached = 0
  transfers = 0
  prefillTokens = 0
  promptTokens = 0
  readonly arrived: Array<number> = []
  readonly records: Array<number> = []
  readonly emitted = new Map<number, number>()
  readonly firstAdmitMs = new Map<number, number>()
  /** Whether a pass delivers what it decided; under asynchronous scheduling it delivers what an earlier one decided. */
  private readonly inStep: boolean
  private readonly inPass: PassTotals = { scheduled: 0, prompt: 0, emitted: 0, preempted: 0 }

  constructor(inStep = true) {
    this.inStep = inStep
  }

  worker(role: PoolRole): WorkerProbe {
    const visible = role !== "prefill"
    return {
      admitted: ({ id }, nowMs) => {
        if (!this.firstAdmitMs.has(id)) this.firstAdmitMs.set(id, nowMs)
      },
      scheduled: (_, tokens, promptTokens) => {
        this.inPass.scheduled += tokens
        this.inPass.prompt += promptTokens
      },
      preempted: () => {
        this.inPass.preempted += 1
      },
      evicted: (blocks) => {
        this.evicted += blocks
      },
      emitted: ({ id }, tokens) => {
        this.inPass.emitted += tokens
        if (visible) this.emitted.set(id, (this.emitted.get(id) ?? 0) + tokens)
      }
    }
  }

  start(run: ProbedRun): void {
    assert.isUndefined(this.started)
    this.started = run
  }

  time(nowMs: number): void {
    assert.isAtLeast(nowMs, this.nowMs)
    this.nowMs = nowMs
  }

  arrival({ id }: SimRequest): void {
    this.arrived.push(id)
  }

  pass({ core }: ProbedWorker, startMs: number, outcome: PassOutcome): void {
    this.passes += 1
    const { activeBlocks, availableBlocks, cachedBlocks, capacityBlocks } = core.snapshot()
    assert.isAtMost(activeBlocks + availableBlocks, capacityBlocks)
    assert.isAtMost(cachedBlocks, availableBlocks)
    this.mostCached = Math.max(this.mostCached, cachedBlocks)
    this.preempted += outcome.preemptions
    const { inPass } = this
    assert.isAtMost(startMs, outcome.prefillEndMs)
    assert.isAtMost(outcome.prefillEndMs, outcome.endMs)
    assert.deepStrictEqual([inPass.emitted, inPass.preempted], [outcome.emittedTokens, outcome.preemptions])
    if (this.inStep) assert.strictEqual(inPass.prompt, outcome.prefillTokens)
    this.prefillTokens += outcome.prefillTokens
    this.promptTokens += inPass.prompt
    assert.isAtLeast(inPass.scheduled, inPass.prompt)
    Object.assign(inPass, { scheduled: 0, prompt: 0, emitted: 0, preempted: 0 })
  }

  transfer(): void {
    this.transfers += 1
  }

  record({ id }: SimRequest): void {
    this.records.push(id)
  }

  end(run: ProbedRun, end: RunEnd): void {
    assert.strictEqual(run, this.started)
    this.ended = end
  }
}

const sorted = (ids: Iterable<number>): ReadonlyArray<number> => [...ids].toSorted((a, b) => a - b)

/** What every run must show. */
const checkBook = (book: Bookkeeper, { records, summary }: Outcome): void => {
  const ids = sorted(records.map(({ id }) => id))
  assert.deepStrictEqual(sorted(book.arrived), ids)
  assert.deepStrictEqual(sorted(book.records), ids)
  assert.strictEqual(book.promptTokens, book.prefillTokens)
  assert.deepInclude(book.ended, { drained: true, cutOff: 0 })
  assert.strictEqual(book.started?.ledger.finished, summary.arrivedRequests)
  const emitted = (record: RequestRecord) => book.emitted.get(record.id) ?? 0
  for (const record of records) {
    assert.strictEqual(emitted(record), record.emittedTokens, `request ${record.id}`)
    const admitMs = book.firstAdmitMs.get(record.id) ?? Number.NaN
    assert.deepStrictEqual(admitMs, record.firstAdmitMs, `request ${record.id}`)
  }
}

const traceBlockTokens = 64
const blocks = (index: number): ReadonlyArray<number> => Array.from({ length: 10 }, (_, block) => index * 100 + block)
const rowsEvery = (everyMs: number, count: number, outputTokens = 300, modulus = 20) =>
  Array.from({ length: count }, (_, index) =>
    row({ timestampMs: index * everyMs, promptTokens: 640, outputTokens, hashIds: blocks(index % modulus) }, index + 1)
  )
const workload = (rows = rowsEvery(2, 60)) => PlainWorkload.layer({ rows, traceBlockTokens })

/** Admits more than it can carry to the end. */
const hopeful = engineArgs({ engineType: "sglang", blockTokens: 16, numGpuBlocks: 180 })
const sglang = Topology.layerSingle.pipe(
  Layer.provide(SglangEngine.layer({ ...hopeful, sglang: { ...hopeful.sglang, clipMaxNewTokens: 1 } })),
  Layer.provide(PolynomialTiming.layer)
)

/** A vLLM profile that preempts. */
const vllmProfile = (asyncScheduling: boolean): EngineArgs =>
  makeEngineArgs({
    engineProfile: "vllm-0.33",
    blockTokens: 64,
    numGpuBlocks: 40,
    maxNumSeqs: 64,
    maxNumBatchedTokens: 2_048,
    vllmScheduler: { schedulerReserveFullIsl: false, asyncScheduling }
  })

describe("a probe", () => {
  it.effect.prop(
    "is told everything that a run does, and changes nothing",
    [randomRun],
    ([run]) =>
      Effect.gen(function* () {
        const book = new Bookkeeper()
        const runs = (options: { readonly probes?: ReadonlyArray<RunProbe> }) =>
          Effect.result(replay(topology(run.args, run.workers), PlainWorkload.layer(run), { check: true, ...options }))
        const watched = yield* runs({ probes: [book] })
        const alone = yield* runs({})
        assert.strictEqual(watched._tag, alone._tag)
        if (watched._tag === "Failure" || alone._tag === "Failure") {
          assert.isUndefined(book.ended)
          return
        }
        assert.deepStrictEqual(watched.success.records, alone.success.records)
        assert.deepStrictEqual(gapCounts(watched.success), gapCounts(alone.success))
        checkBook(book, watched.success)
      }),
    { arbitrary: { runs: 100, size: 40 } }
  )

  it.effect("sees preemptions and evictions of a tight pool", () =>
    Effect.gen(function* () {
      const book = new Bookkeeper()
      const args = engineArgs({ numGpuBlocks: 40 })
      checkBook(book, yield* replay(topology(args, 2), workload(), { check: true, probes: [book] }))
      assert.isAbove(book.preempted, 0)
      assert.isAbove(book.evicted, 0)
      assert.isAbove(book.mostCached, 0)
    })
  )

  it.effect("sees SGLang-style passes as well", () =>
    Effect.gen(function* () {
      const book = new Bookkeeper()
      checkBook(book, yield* replay(sglang, workload(), { check: true, probes: [book] }))
      assert.isAbove(book.preempted, 0)
      assert.isAbove(book.evicted, 0)
      assert.isAbove(book.mostCached, 0)
    })
  )

  for (const asynchronous of [false, true]) {
    it.effect(`sees what vLLM profiles decide, ${asynchronous ? "asynchronously" : "call by call"}`, () =>
      Effect.gen(function* () {
        const book = new Bookkeeper(!asynchronous)
        let calls = 0
        let delivered = 0
        const decisions = { decided: () => void (calls += 1), delivered: () => void (delivered += 1) }
        const probes: ReadonlyArray<RunProbe> = [book, { worker: () => ({ decisions }) }]
        const single = Topology.layerSingle.pipe(
          Layer.provide(VllmEngine.layer(vllmProfile(asynchronous))),
          Layer.provide(PolynomialTiming.layer)
        )
        checkBook(book, yield* replay(single, workload(), { check: true, probes }))
        assert.isAbove(book.preempted, 0)
        assert.isAbove(book.evicted, 0)
        assert.isAbove(book.mostCached, 0)
        assert.isAtLeast(calls, book.passes)
        assert.approximately(delivered, calls, 1)
      })
    )
  }

  it.effect("sees both pools of a disaggregated run and what goes between them", () =>
    Effect.gen(function* () {
      const book = new Bookkeeper()
      const placed: Array<string> = []
      const probes: ReadonlyArray<RunProbe> = [
        book,
        { placed: ({ id }, { role, workerIndex }) => void placed.push(`${id} ${role} ${workerIndex}`) }
      ]
      const pools = disaggregatedTopology(engineArgs(), { prefillWorkers: 2, decodeWorkers: 1 })
      const outcome = yield* replay(pools, workload(rowsEvery(50, 4)), { check: true, probes })
      checkBook(book, outcome)
      assert.strictEqual(book.transfers, 4)
      assert.deepStrictEqual(placed.toSorted(), [
        "0 decode 0",
        "0 prefill 0",
        "1 decode 0",
        "1 prefill 1",
        "2 decode 0",
        "2 prefill 0",
        "3 decode 0",
        "3 prefill 1"
      ])
      assert.deepStrictEqual(
        book.started?.pools.map(({ role, workers }) => [role, workers.length]),
        [
          ["prefill", 2],
          ["decode", 1]
        ]
      )
    })
  )

  it.effect("sees queues exactly, while a run without one may leave arrivals in the trace", () =>
    Effect.gen(function* () {
      let longest = 0
      let core: ProbedWorker["core"] | undefined
      const probe: RunProbe = {
        start: ({ pools }) => void (core = pools[0]?.workers[0]?.core),
        time: () => void (longest = Math.max(longest, core?.snapshot().waiting ?? 0))
      }
      yield* replay(topology(engineArgs()), workload(rowsEvery(0, 2_000, 1)), { probes: [probe] })
      assert.isAbove(longest, 1_000)
    })
  )

  it.effect("that throws ends the run as a defect", () =>
    Effect.gen(function* () {
      const broken: RunProbe = {
        pass: () => {
          throw new Error("broken probe")
        }
      }
      const exit = yield* Effect.exit(replay(topology(engineArgs()), workload(), { probes: [broken] }))
      assert.include(String(exit), "broken probe")
    })
  )
})

describe("several probes", () => {
  it("are called in the order given, each with its own this", () => {
    const calls: Array<string> = []
    class Named implements RunProbe {
      private readonly name: string
      constructor(name: string) {
        this.name = name
      }
      time(nowMs: number): void {
        calls.push(`${this.name} ${nowMs}`)
      }
    }
    const all = compose([new Named("a"), {}, new Named("b")])
    all?.time?.(1)
    all?.time?.(2)
    assert.deepStrictEqual(calls, ["a 1", "b 1", "a 2", "b 2"])
  })

  it("leave out the hooks that none of them has", () => {
    const all = compose([{ time: () => {} }, { end: () => {} }])
    assert.isUndefined(all?.pass)
    assert.isUndefined(all?.worker)
    assert.isUndefined(compose([]))
    const workers = compose([{ worker: () => undefined }, { worker: () => ({ evicted: () => {} }) }])
    const probe = workers?.worker?.("aggregated", 0)
    assert.isDefined(probe?.evicted)
    assert.isUndefined(probe?.emitted)
    assert.isUndefined(compose([{ worker: () => undefined }])?.worker?.("aggregated", 0))
  })
})

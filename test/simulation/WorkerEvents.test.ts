/** What happens to workers from outside, and what it costs. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { PoolRole } from "../../src/autoscaler/Autoscaler.ts"
import type { WorkerEvent } from "../../src/simulation/WorkerEvent.ts"
import { workerEventOf } from "../../src/simulation/WorkerEventLine.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import * as PlainWorkload from "../support/PlainWorkload.ts"
import { disaggregatedTopology, multiTopology, replay } from "../support/Replays.ts"
import { row } from "../support/RequestBuilder.ts"

const args = engineArgs({ numGpuBlocks: 256, blockTokens: 4 })
const load = PlainWorkload.layer({
  rows: Array.from({ length: 40 }, (_, index) =>
    row({ timestampMs: index * 10, promptTokens: 8, outputTokens: 30, hashIds: [index, 100 + index] }, index + 1)
  ),
  traceBlockTokens: 4,
  concurrency: undefined,
  chunkRows: 100
})

const run = (workerEvents: ReadonlyArray<WorkerEvent>, workers = 2) =>
  replay(multiTopology(args, workers), load, { check: true, workerEvents })

const fail = (requests: "retry" | "fail", worker = 1): WorkerEvent => ({
  atMs: 205,
  pool: "aggregated",
  kind: "fail",
  worker,
  requests
})

describe("a worker that fails", () => {
  it.effect("has its requests served elsewhere, later", () =>
    Effect.gen(function* () {
      const calm = yield* run([])
      const { records, summary } = yield* run([fail("retry")])
      const [outcome] = summary.scaling!.workerEvents
      assert.isTrue(outcome?.isApplied)
      assert.isAbove(outcome!.retried, 3)
      assert.isTrue(records.every(({ emittedTokens, status }) => status === "completed" && emittedTokens === 30))
      const byId = new Map(calm.records.map((record) => [record.id, record]))
      const moved = records.filter(({ id, workerIndex }) => byId.get(id)?.workerIndex === 1 && workerIndex === 0)
      const retried = moved.filter(({ arrivalMs }) => arrivalMs < 205)
      assert.strictEqual(retried.length, outcome!.retried)
      for (const { arrivalMs, firstAdmitMs, firstTokenMs, id } of retried) {
        assert.strictEqual(arrivalMs, byId.get(id)?.arrivalMs)
        assert.isAtLeast(firstAdmitMs, 205)
        assert.isAbove(firstTokenMs, byId.get(id)!.firstTokenMs)
      }
    })
  )

  it.effect("takes its requests with it where they are not retried", () =>
    Effect.gen(function* () {
      const { records, summary } = yield* run([fail("fail")])
      const failed = records.filter(({ status }) => status === "failed")
      assert.strictEqual(failed.length, summary.scaling!.workerEvents[0]!.failed)
      assert.isAbove(failed.length, 3)
      assert.isTrue(failed.every(({ workerIndex }) => workerIndex === 1))
    })
  )

  it.effect("is a dead end when it was the last one and nobody follows", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(run([fail("retry", 0)], 1))
      assert.include(error.message, "dead end")
    })
  )

  it.effect("is no longer paid for, and one that was not there is said to be so", () =>
    Effect.gen(function* () {
      const calm = yield* run([])
      const gone = yield* run([fail("fail"), { ...fail("fail"), atMs: 210 }, fail("fail", 9)])
      assert.deepStrictEqual(
        gone.summary.scaling?.workerEvents.map(({ isApplied }) => isApplied),
        [true, false, false]
      )
      assert.isBelow(gone.summary.workerSeconds!.decode, calm.summary.workerSeconds!.decode)
    })
  )

  it.effect("of either pool sends its requests through both again", () =>
    Effect.gen(function* () {
      for (const pool of ["prefill", "decode"] as const) {
        const { records, summary } = yield* replay(
          disaggregatedTopology({ ...args, speedupRatio: 0.2 }, { prefillWorkers: 2, decodeWorkers: 2 }),
          load,
          { check: true, workerEvents: [{ atMs: 305, pool, kind: "fail", worker: 0, requests: "retry" }] }
        )
        assert.isAbove(summary.scaling!.workerEvents[0]!.retried, 0, pool)
        assert.isTrue(records.every(({ emittedTokens, status }) => status === "completed" && emittedTokens === 30))
      }
    })
  )
})

describe("other events", () => {
  it.effect("slow down, drain and add workers", () =>
    Effect.gen(function* () {
      const calm = yield* run([])
      const slow = yield* run([{ atMs: 0, pool: "aggregated", kind: "slow", worker: 1, factor: 2 }])
      const tpot = ({ records }: typeof calm, worker: number) => {
        const times = records
          .filter(({ workerIndex }) => workerIndex === worker)
          .map(({ firstTokenMs, lastTokenMs }) => lastTokenMs - firstTokenMs)
        return times.reduce((sum, time) => sum + time, 0) / times.length
      }
      assert.closeTo(tpot(slow, 0), tpot(calm, 0), 1e-9)
      assert.isAbove(tpot(slow, 1), 1.9 * tpot(calm, 1))
      const drained = yield* run([{ atMs: 100, pool: "aggregated", kind: "drain", worker: 0 }])
      assert.isTrue(drained.records.every(({ arrivalMs, workerIndex }) => arrivalMs <= 100 || workerIndex === 1))
      const more = yield* run([{ atMs: 100, pool: "aggregated", kind: "add", workers: 2 }])
      assert.deepStrictEqual([...new Set(more.records.map(({ workerIndex }) => workerIndex))].toSorted(), [0, 1, 2, 3])
    })
  )
})

describe("lines of worker events", () => {
  const read = (line: object, roles: ReadonlyArray<PoolRole> = ["aggregated"]) =>
    workerEventOf(new Map(Object.entries(line)), roles)

  it("are read", () => {
    const roles = ["prefill", "decode"] as const
    assert.deepStrictEqual(Result.getOrThrow(read({ at_s: 30, pool: "decode", worker: 1, event: "fail" }, roles)), {
      atMs: 30_000,
      pool: "decode",
      kind: "fail",
      worker: 1,
      requests: "retry"
    })
    assert.deepStrictEqual(Result.getOrThrow(read({ at_s: 0.5, event: "add" })), {
      atMs: 500,
      pool: "aggregated",
      kind: "add",
      workers: 1
    })
  })

  const refused: ReadonlyArray<readonly [line: object, message: RegExp]> = [
    [{ event: "fail", worker: 1 }, /^at_s: is missing$/],
    [{ at_s: 1, worker: 1 }, /^event: is missing$/],
    [{ at_s: 1, event: "fail" }, /^worker: is missing$/],
    [{ at_s: 1, event: "slow", worker: 0 }, /^factor: is missing$/],
    [{ at_s: 1, event: "fail", worker: 0, factor: 2 }, /^factor: means nothing for "event": "fail"$/],
    [{ at_s: 1, event: "fail", worker: 0, pool: "decode" }, /^pool: the run has no decode pool, only aggregated$/],
    [{ at_s: -1, event: "add" }, /^at_s: expected a number/],
    [{ at_s: 1, event: "explode", worker: 0 }, /^event: expected one of "fail"/],
    [{ at_s: 1, event: "add", wrokers: 2 }, /^wrokers: unknown key$/]
  ]
  for (const [line, message] of refused) {
    it(`are refused: ${JSON.stringify(line)}`, () => {
      const result = read(line)
      if (Result.isSuccess(result)) throw new Error("accepted")
      assert.match(result.failure.message, message)
    })
  }
})

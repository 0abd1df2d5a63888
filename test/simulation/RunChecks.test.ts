/** The checks must notice what they are there for. */
import { assert, describe, it } from "@effect/vitest"
import { PassOutcome, type WorkerCore, type WorkerSnapshot } from "../../src/engine/WorkerCore.ts"
import type { SimRequest } from "../../src/request/SimRequest.ts"
import { RunChecks } from "../../src/simulation/RunChecks.ts"
import { RunLedger } from "../../src/simulation/RunLedger.ts"
import type { ProbedRun, ProbedWorker } from "../../src/simulation/RunProbe.ts"
import { request } from "../support/RequestBuilder.ts"

class FakeWorker implements WorkerCore {
  readonly queued = 0
  inFlight = 0
  activeBlocks = 0
  capacityBlocks = 100
  walks = 0
  broken = false

  submit(): void {}

  abort(): boolean {
    return false
  }

  pass(): PassOutcome {
    throw new Error("not used")
  }

  snapshot(): WorkerSnapshot {
    const { activeBlocks, capacityBlocks } = this
    const availableBlocks = capacityBlocks - activeBlocks
    return { waiting: 0, running: 0, activeBlocks, availableBlocks, cachedBlocks: 0, capacityBlocks, preemptions: 0 }
  }

  requests(): ReadonlyArray<SimRequest> {
    return []
  }

  markBlocks(): void {}

  checkInvariants(): void {
    this.walks += 1
    if (this.broken) throw new Error("KV blocks are lost")
  }
}

const placeOf = (core: WorkerCore): ProbedWorker => ({ role: "aggregated", workerIndex: 0, core })

const endingAt = (endMs: number): PassOutcome => {
  const outcome = new PassOutcome()
  outcome.begin(endMs)
  return outcome
}

const runOf = (ledger: RunLedger, ...workers: ReadonlyArray<WorkerCore>): ProbedRun => ({
  pools: [{ role: "aggregated", workers: workers.map(placeOf), parked: () => 0, starting: () => 0, draining: () => 0 }],
  ledger
})

const ended = (drained: boolean, cutOff = 0) => ({ nowMs: 0, drained, cutOff })

/** A completed request with these times: arrival, admission, first, second and last token. */
const completed = (times: readonly [number, number, number, number, number], emittedTokens = 3): SimRequest => {
  const subject = request({ promptTokens: 10, outputTokens: 3, blocks: [], arrivalMs: times[0] })
  subject.firstAdmitMs = times[1]
  subject.firstTokenMs = times[2]
  subject.secondTokenMs = times[3]
  subject.lastTokenMs = times[4]
  subject.emittedTokens = emittedTokens
  subject.status = "completed"
  return subject
}

describe("RunChecks", () => {
  it("notices a clock that runs backwards", () => {
    const checks = new RunChecks()
    checks.time(1)
    checks.time(1)
    checks.time(2.5)
    assert.throws(() => checks.time(2.4), /backwards, from 2.5 to 2.4/)
    assert.throws(() => checks.time(Number.NaN), /backwards/)
  })

  it("notices a pass that ends before it starts", () => {
    const checks = new RunChecks()
    checks.pass(placeOf(new FakeWorker()), 5, endingAt(5))
    assert.throws(
      () => checks.pass(placeOf(new FakeWorker()), 5, endingAt(4)),
      /ended at 4 ms, before its start at 5 ms/
    )
  })

  it("walks a worker's blocks after every pass of a small run, now and then in a big one", () => {
    const checks = new RunChecks()
    const small = new FakeWorker()
    for (let pass = 0; pass < 1_000; pass++) checks.pass(placeOf(small), 0, endingAt(0))
    assert.strictEqual(small.walks, 1_000)
    const big = new FakeWorker()
    big.capacityBlocks = 1_000_000
    for (let pass = 0; pass < 10_000; pass++) checks.pass(placeOf(big), 0, endingAt(0))
    assert.isBelow(big.walks, 20)
    assert.isAtLeast(big.walks, Math.floor(10_000 / 1024))
    small.broken = true
    assert.throws(() => new RunChecks().pass(placeOf(small), 0, endingAt(0)), /KV blocks are lost/)
  })

  it("notices effects before their causes", () => {
    const checks = new RunChecks()
    checks.record(completed([0, 1, 2, 2, 5]))
    checks.record(completed([3, 3, 4, Number.NaN, 4], 1))
    const wrong: ReadonlyArray<readonly [number, number, number, number, number]> = [
      [2, 1, 3, 4, 5],
      [0, 3, 2, 4, 5],
      [0, 1, 3, 2, 5],
      [0, 1, 2, 6, 5],
      [0, Number.NaN, 2, 3, 4]
    ]
    for (const times of wrong) assert.throws(() => checks.record(completed(times)), /times out of order/)
  })

  it("notices tokens nobody asked for, and a completion without any", () => {
    assert.throws(() => new RunChecks().record(completed([0, 1, 2, 3, 4], 4)), /emitted 4 of 3 tokens/)
    assert.throws(() => new RunChecks().record(completed([0, 1, 2, 3, 4], 0)), /emitted 0 of 3 tokens/)
  })

  it("notices lost requests", () => {
    const ledger = new RunLedger()
    ledger.arrive()
    ledger.arrive()
    ledger.finish(completed([0, 1, 2, 3, 4]), "completed")
    assert.throws(
      () => new RunChecks().end(runOf(ledger), ended(false)),
      /2 requests arrived, but 1 ended and 0 were cut off/
    )
    new RunChecks().end(runOf(ledger), ended(false, 1))
  })

  it("notices workers that are not empty after a drained run", () => {
    const worker = new FakeWorker()
    new RunChecks().end(runOf(new RunLedger(), worker), ended(true))
    worker.activeBlocks = 1
    new RunChecks().end(runOf(new RunLedger(), worker), ended(false))
    assert.throws(() => new RunChecks().end(runOf(new RunLedger(), worker), ended(true)), /still held/)
    worker.activeBlocks = 0
    worker.inFlight = 1
    assert.throws(() => new RunChecks().end(runOf(new RunLedger(), worker), ended(true)), /1 requests are in an engine/)
  })
})

describe("RunLedger", () => {
  it("counts, and lets a finished request go", () => {
    const ledger = new RunLedger()
    const subject = request({ promptTokens: 8, outputTokens: 1, blocks: [1, 2] })
    ledger.arrive()
    assert.strictEqual(ledger.inFlight, 1)
    ledger.finish(subject, "rejected")
    assert.deepStrictEqual([ledger.arrived, ledger.finished, ledger.inFlight], [1, 1, 0])
    assert.deepStrictEqual(ledger.outbox, [subject])
    assert.strictEqual(subject.status, "rejected")
    assert.lengthOf(subject.blocks, 0)
  })

  it("may hand a record out later than it settles", () => {
    const ledger = new RunLedger()
    const subject = request({ promptTokens: 8, outputTokens: 1, blocks: [1, 2] })
    ledger.arrive()
    ledger.settle(subject, "completed")
    assert.deepStrictEqual([ledger.inFlight, ledger.outbox.length, subject.blocks.length], [0, 0, 2])
    ledger.emit(subject)
    assert.deepStrictEqual([ledger.outbox.length, subject.blocks.length], [1, 0])
  })
})

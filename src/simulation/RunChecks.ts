/**
 * Checks of the invariants that every simulation must keep (docs/invariants.md). Off by default; tests switch them on.
 *
 * A violation is a defect of the simulator, so it throws.
 */
import type { PassOutcome } from "../engine/WorkerCore.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { ProbedRun, ProbedWorker, RunEnd, RunProbe } from "./RunProbe.ts"

/** KV blocks walked pass by pass before walks become rare: small runs are checked throughout, big ones at their start. */
const freelyWalkedBlocks = 400_000
const laterWalksEvery = 1024

export class RunChecks implements RunProbe {
  /** What is checked is a run as it is without checks. */
  readonly sparesPasses = true
  private lastMs = 0
  private passes = 0
  private walkedBlocks = 0

  /** INV-2: the clock never runs backwards. */
  time(nowMs: number): void {
    if (!(nowMs >= this.lastMs)) throw new Error(`the clock ran backwards, from ${this.lastMs} to ${nowMs} ms`)
    this.lastMs = nowMs
  }

  /** INV-3: KV blocks are conserved in the worker that has just run a pass. */
  pass({ core }: ProbedWorker, startMs: number, { endMs }: PassOutcome): void {
    if (!(endMs >= startMs)) throw new Error(`a pass ended at ${endMs} ms, before its start at ${startMs} ms`)
    this.passes += 1
    if (this.walkedBlocks > freelyWalkedBlocks && this.passes % laterWalksEvery !== 0) return
    this.walkedBlocks += core.snapshot().capacityBlocks
    core.checkInvariants()
  }

  /** INV-1: nobody leaves with a request or a block that is held for one. */
  left({ core, workerIndex }: ProbedWorker, _nowMs: number, hasFailed: boolean): void {
    if (hasFailed) return
    core.checkInvariants()
    if (core.inFlight > 0) throw new Error(`worker ${workerIndex} leaves with ${core.inFlight} requests`)
    if (core.snapshot().activeBlocks !== 0) throw new Error(`worker ${workerIndex} leaves with KV blocks that are held`)
  }

  /** INV-4: causes precede effects in every record. */
  record(request: SimRequest): void {
    if (request.status !== "completed") return
    const times = [
      request.arrivalMs,
      request.firstAdmitMs,
      request.firstTokenMs,
      ...(request.emittedTokens > 1 ? [request.secondTokenMs] : []),
      request.lastTokenMs
    ]
    for (let index = 1; index < times.length; index++) {
      if (!(times[index]! >= times[index - 1]!)) {
        throw new Error(`request ${request.id} has its times out of order: ${times.join(" ")}`)
      }
    }
    if (request.emittedTokens < 1 || request.emittedTokens > request.outputTokens) {
      throw new Error(`request ${request.id} emitted ${request.emittedTokens} of ${request.outputTokens} tokens`)
    }
  }

  /** INV-1: no request is lost; at the end of a drained run no worker holds a block for anybody. */
  end({ ledger, pools }: ProbedRun, { cutOff, drained }: RunEnd): void {
    if (ledger.arrived !== ledger.finished + cutOff) {
      throw new Error(`${ledger.arrived} requests arrived, but ${ledger.finished} ended and ${cutOff} were cut off`)
    }
    for (const { core } of pools.flatMap(({ workers }) => workers)) {
      core.checkInvariants()
      if (!drained) continue
      if (core.inFlight > 0) throw new Error(`${core.inFlight} requests are in an engine after the last one has ended`)
      // On the live clock a run may end before its last copy between KV tiers.
      if (core.tiers !== undefined && core.tiers.deadlineMs() < Number.POSITIVE_INFINITY) continue
      if (core.snapshot().activeBlocks !== 0) throw new Error("KV blocks are still held after the last request")
    }
  }
}

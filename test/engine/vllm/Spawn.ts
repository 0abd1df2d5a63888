/** One worker under the eyes of a test: round numbers instead of a timing model, everything it says on record. */
import * as Effect from "effect/Effect"
import type { EngineArgs } from "../../../src/engine/EngineArgs.ts"
import { TokenGaps } from "../../../src/engine/TokenGaps.ts"
import { guaranteedNoEvict, preemptive } from "../../../src/engine/vllm/CapacityPolicy.ts"
import { VllmWorker } from "../../../src/engine/vllm/VllmWorker.ts"
import { type PassOutcome, Signal, type WorkerCore } from "../../../src/engine/WorkerCore.ts"
import type { SimRequest } from "../../../src/request/SimRequest.ts"
import * as PolynomialTiming from "../../../src/timing/PolynomialTiming.ts"
import { Timing, type TimingModel } from "../../../src/timing/Timing.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"
import { eachBlock } from "../EachBlock.ts"

export interface WorkerOnRecord {
  readonly worker: WorkerCore
  readonly gaps: TokenGaps
  /** Arguments of the timing calls since the last look, in order. */
  readonly prefills: Array<{ readonly batch: number; readonly meanIsl: number; readonly meanPrefix: number }>
  readonly decodes: Array<{
    readonly batch: number
    readonly activeTokens: number
    readonly context: number
    readonly capacity: number
  }>
  readonly stored: Array<number>
  readonly removed: Array<number>
}

/** 1 ms per new prompt token. */
const prefillMs = (batch: number, meanIsl: number, meanPrefix: number): number => batch * (meanIsl - meanPrefix)

/** The core itself, without the checks of the layers: schedulers are also held to blocks that no command accepts. */
const spawnWith = (args: EngineArgs, timing: TimingModel, record: Omit<WorkerOnRecord, "worker">): WorkerOnRecord => {
  const policy = args.engineType === "trtllm" ? guaranteedNoEvict(args) : preemptive(args)
  const kvEvents = eachBlock({
    stored: (block) => void record.stored.push(block),
    removed: (block) => void record.removed.push(block)
  })
  const worker = new VllmWorker(args, policy, timing, { workerIndex: 0, gaps: record.gaps, kvEvents })
  return { worker, ...record }
}

const emptyRecord = (): Omit<WorkerOnRecord, "worker"> => ({
  gaps: new TokenGaps(),
  prefills: [],
  decodes: [],
  stored: [],
  removed: []
})

/** A worker whose prefill takes 1 ms per new prompt token and whose decode step takes `decodeMs`. */
export const spawn = (changes: Partial<EngineArgs>, decodeMs = 10): WorkerOnRecord => {
  const record = emptyRecord()
  const model: TimingModel = {
    prefillMs: (batch, meanIsl, meanPrefix) => {
      record.prefills.push({ batch, meanIsl, meanPrefix })
      return prefillMs(batch, meanIsl, meanPrefix)
    },
    decodeMs: (batch, activeTokens, context, capacity) => {
      record.decodes.push({ batch, activeTokens, context, capacity })
      return decodeMs
    }
  }
  return spawnWith(engineArgs(changes), model, record)
}

const polynomial = Effect.runSync(Effect.provide(Timing, PolynomialTiming.layer)).make()

/** A worker with the default timing model. */
export const spawnPolynomial = (changes: Partial<EngineArgs>): WorkerOnRecord =>
  spawnWith(engineArgs(changes), polynomial, emptyRecord())

const signalNames = {
  [Signal.FirstToken]: "first token",
  [Signal.Completed]: "completed",
  [Signal.Rejected]: "rejected"
}

/** The signals of a pass as `id what`, in order. */
export const signals = (outcome: PassOutcome): Array<string> =>
  outcome.requests.map((request, index) => `${request.id} ${signalNames[outcome.signals[index]!]}`)

/** Runs passes from `startMs` until the worker is empty; returns the end of every pass. */
export const drain = (worker: WorkerCore, startMs: number): Array<number> => {
  const ends: Array<number> = []
  let nowMs = startMs
  while (worker.inFlight > 0) {
    if (ends.length === 20_000) throw new Error("the worker does not come to an end")
    nowMs = worker.pass(nowMs).endMs
    worker.checkInvariants()
    ends.push(nowMs)
  }
  return ends
}

/** All gaps seen so far, ascending, one by one. */
export const allGaps = (gaps: TokenGaps): Array<number> => {
  const { counts, gapsMs } = gaps.take()
  return Array.from(gapsMs)
    .flatMap((gap, index) => Array.from({ length: counts[index]! }, () => gap))
    .toSorted((a, b) => a - b)
}

export const submitAll = (worker: WorkerCore, ...requests: ReadonlyArray<SimRequest>): void => {
  for (const request of requests) worker.submit(request)
}

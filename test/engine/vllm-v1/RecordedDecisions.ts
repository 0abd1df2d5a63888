/** Decision logs of the real vLLM schedulers: reading them, and driving one of our workers through the same requests. */
import type { BlockName, Decision, DecisionProbe, Delivery } from "../../../src/engine/DecisionProbe.ts"
import { TokenGaps } from "../../../src/engine/TokenGaps.ts"
import { Signal, type WorkerCore } from "../../../src/engine/WorkerCore.ts"
import type { EngineArgs, MtpArgs } from "../../../src/engine/EngineArgs.ts"
import type { SchedulerRules } from "../../../src/engine/vllm-v1/SchedulerRules.ts"
import type { SchedulerSettings } from "../../../src/engine/vllm-v1/SchedulerSettings.ts"
import { VllmV1Worker } from "../../../src/engine/vllm-v1/VllmV1Worker.ts"
import { SimRequest } from "../../../src/request/SimRequest.ts"
import { TokenRunIdentity } from "../../../src/request/TokenRunIdentity.ts"
import { polynomialModel } from "../../../src/timing/PolynomialTiming.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"

/** Settings by vLLM's own names; what is absent has the default of the class. */
export interface RecordedSettings {
  readonly block_size: number
  readonly num_gpu_blocks_usable?: number
  readonly num_gpu_blocks?: number
  readonly max_num_seqs: number
  readonly max_num_batched_tokens: number
  readonly enable_prefix_caching?: boolean
  readonly enable_chunked_prefill?: boolean
  readonly max_model_len: number
  readonly scheduler_reserve_full_isl?: boolean
  readonly watermark?: number
  readonly long_prefill_token_threshold?: number
  readonly long_prefill_token_threshold_adaptive?: boolean
  readonly prefill_schedule_interval?: number
  readonly max_num_active_seqs?: number | null
  readonly policy?: "fcfs" | "priority"
  readonly async_scheduling: boolean
}

export interface RecordedRequest {
  readonly id: string
  readonly arrival_ms: number
  readonly hash_ids: ReadonlyArray<number>
  readonly input_length: number
  readonly output_length: number
  readonly output_token_ids?: ReadonlyArray<number>
  readonly priority?: number
}

export interface RecordedPass {
  readonly start_ms: number
  readonly exec_start_ms?: number
  readonly end_ms: number
  readonly scheduled: ReadonlyArray<readonly [string, number, number]>
  readonly admitted: ReadonlyArray<readonly [string, number]>
  readonly preempted: ReadonlyArray<string>
  readonly evicted: ReadonlyArray<string>
  readonly waiting: ReadonlyArray<string>
  readonly used_blocks: number
  readonly used_blocks_after: number
  readonly emitted: ReadonlyArray<string>
  readonly finished: ReadonlyArray<string>
}

export interface RecordedResult {
  readonly id: string
  readonly first_admit_ms: number
  readonly first_token_ms: number
  readonly last_token_ms: number
  readonly tokens: number
  readonly cached_tokens_first: number
  readonly cached_tokens_max: number
}

export interface RecordedCase {
  readonly name: string
  readonly settings: RecordedSettings
  readonly trace_block_size: number
  readonly requests: ReadonlyArray<RecordedRequest>
  readonly rejected: ReadonlyArray<string>
  readonly results: ReadonlyArray<RecordedResult>
  readonly passes: ReadonlyArray<RecordedPass>
}

export const settingsOf = (recorded: RecordedSettings, rules: SchedulerRules): SchedulerSettings => {
  const usableBlocks = recorded.num_gpu_blocks_usable ?? recorded.num_gpu_blocks!
  return {
    blockTokens: recorded.block_size,
    usableBlocks,
    maxModelTokens: recorded.max_model_len,
    maxActiveRequests: recorded.max_num_active_seqs ?? recorded.max_num_seqs,
    maxScheduledTokens: recorded.max_num_batched_tokens,
    enablePrefixCaching: recorded.enable_prefix_caching ?? true,
    enableChunkedPrefill: recorded.enable_chunked_prefill ?? true,
    reservesFullSequence: rules.options.fullSequenceReservation && (recorded.scheduler_reserve_full_isl ?? true),
    watermarkBlocks: Math.floor((recorded.watermark ?? 0) * (usableBlocks + 1)),
    shareCapTokens: recorded.long_prefill_token_threshold ?? 0,
    adaptiveShareCap: recorded.long_prefill_token_threshold_adaptive ?? false,
    prefillInterval: recorded.prefill_schedule_interval ?? 1,
    policy: recorded.policy ?? "fcfs",
    asynchronous: recorded.async_scheduling,
    outstandingBatches: recorded.async_scheduling ? 2 : 1,
    recomputedHitBlocks: 0,
    chargesRecompute: false
  }
}

const engineArgsOf = (settings: SchedulerSettings, mtp: MtpArgs | undefined): EngineArgs =>
  engineArgs({ numGpuBlocks: settings.usableBlocks, blockTokens: settings.blockTokens, mtp })

/** Our requests for recorded ones: hash id `h` stands for tokens `h T … h T + T - 1`. */
export const requestsOf = (recorded: Pick<RecordedCase, "requests" | "trace_block_size">, blockTokens: number) => {
  const identity = new TokenRunIdentity(recorded.trace_block_size, blockTokens)
  return recorded.requests.map((request, id) => {
    const tokens = request.hash_ids.flatMap((hashId) =>
      Array.from({ length: recorded.trace_block_size }, (_, offset) => hashId * recorded.trace_block_size + offset)
    )
    const known = [...tokens.slice(0, request.input_length), ...(request.output_token_ids ?? [])]
    const priority = request.priority ?? 0
    return new SimRequest({
      id,
      sessionId: null,
      turnIndex: 0,
      requestId: request.id,
      promptTokens: request.input_length,
      outputTokens: request.output_length,
      blocks: identity.blocksOfRuns(
        known,
        known.map(() => 1)
      ),
      arrivalMs: request.arrival_ms,
      hints: { priority: 0, enginePriority: priority, strictPriority: 0, policyClass: null },
      annotations: null,
      workloadKey: 0
    })
  })
}

/** Decisions of a run and, entry by entry, their deliveries. */
export class DecisionLog implements DecisionProbe {
  readonly decisions: Array<Decision> = []
  readonly deliveries: Array<Delivery> = []

  decided(decision: Decision): void {
    this.decisions.push(decision)
  }

  delivered(delivery: Delivery): void {
    this.deliveries.push(delivery)
  }
}

/** Runs requests through a worker alone: arrivals during a pass wait for its end, an idle worker jumps to the next arrival. */
export const drive = (
  worker: WorkerCore,
  requests: ReadonlyArray<SimRequest>,
  { checked }: { readonly checked: boolean } = { checked: true }
): Array<SimRequest> => {
  const rejected: Array<SimRequest> = []
  const arrivals = requests.toSorted((one, other) => one.arrivalMs - other.arrivalMs)
  let nowMs = 0
  let next = 0
  let idle = 0
  for (;;) {
    while (next < arrivals.length && arrivals[next]!.arrivalMs <= nowMs) worker.submit(arrivals[next++]!)
    if (worker.inFlight === 0) {
      if (next === arrivals.length) return rejected
      nowMs = arrivals[next]!.arrivalMs
      continue
    }
    const outcome = worker.pass(nowMs)
    if (checked) worker.checkInvariants()
    outcome.requests.forEach((request, index) => {
      if (outcome.signals[index] === Signal.Rejected) rejected.push(request)
    })
    idle = outcome.progressed ? 0 : idle + 1
    if (idle > 3) throw new Error("the worker does nothing any more")
    nowMs = outcome.endMs
  }
}

/** A worker with the default timing model, its decisions on record; `mtp` lets it draft tokens. */
export const recordedWorker = (settings: SchedulerSettings, rules: SchedulerRules, mtp?: MtpArgs) => {
  const log = new DecisionLog()
  const gaps = new TokenGaps()
  const context = { workerIndex: 0, gaps, kvEvents: undefined, probe: { decisions: log } }
  return { log, gaps, worker: new VllmV1Worker(engineArgsOf(settings, mtp), settings, rules, polynomialModel, context) }
}

const name = (request: SimRequest): string => request.requestId!

/** Our log in the form of the recorded ones. A last call that scheduled nothing may be left undelivered. */
export const passesOf = (log: DecisionLog, requests: ReadonlyArray<SimRequest>): Array<RecordedPass> =>
  log.deliveries.map((delivery, index) => {
    const decision = log.decisions[index]!
    // The records name a block by the first request of the list that has it and was not rejected.
    const ownerOf = ({ block, owner }: BlockName): SimRequest =>
      block >= owner.blocks.length
        ? owner
        : (requests.find((request) => request.blocks[block] === owner.blocks[block]) ?? owner)
    return {
      start_ms: decision.decidedMs,
      exec_start_ms: decision.startMs,
      end_ms: delivery.endMs,
      scheduled: decision.scheduled.map(({ request, tokens, tokensBefore }) => [name(request), tokensBefore, tokens]),
      admitted: decision.admitted.map(({ hitTokens, request }) => [name(request), hitTokens]),
      preempted: decision.preempted.map(name),
      evicted: decision.evicted.map((named) => `${name(ownerOf(named))}:${named.block}`),
      waiting: decision.waiting.map(name),
      used_blocks: decision.usedBlocks,
      used_blocks_after: delivery.usedBlocks,
      emitted: delivery.emitted.map(name),
      finished: delivery.finished.map(name)
    }
  })

/**
 * The end of a batch: its output tokens reach their requests, and requests that have all of theirs leave.
 *
 * A token in steady decode is two additions and a comparison; everything else (first and second token, end of a block, last token, a
 * request that was preempted or aborted meanwhile) takes the long way.
 */
import { maxInt32 } from "../../structures/Int32.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import { SharedGaps } from "../SharedGaps.ts"
import type { TokenGaps } from "../TokenGaps.ts"
import type { WaitingQueue } from "../WaitingQueue.ts"
import { type PassOutcome, Signal } from "../WorkerCore.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"
import type { Batch } from "./Batch.ts"
import type { Scheduler } from "./Scheduler.ts"
import type { SchedulerSettings } from "./SchedulerSettings.ts"
import type { Sequence } from "./Sequence.ts"

/** Threshold that is never reached. */
const never = maxInt32

export interface DeliveryParts {
  readonly settings: SchedulerSettings
  readonly scheduler: Scheduler
  readonly waiting: WaitingQueue<Sequence>
  readonly running: Array<Sequence>
  readonly gaps: TokenGaps
  readonly probe: WorkerProbe | undefined
  readonly outcome: PassOutcome
  /** Whether tokens may take the short way: not under multi-token prediction. */
  readonly singleTokens: boolean
}

export class Delivery {
  private readonly settings: SchedulerSettings
  private readonly scheduler: Scheduler
  private readonly waiting: WaitingQueue<Sequence>
  private readonly running: Array<Sequence>
  private readonly gaps: SharedGaps
  private readonly probe: WorkerProbe | undefined
  private readonly outcome: PassOutcome
  private readonly singleTokens: boolean
  /** State of the delivery under way. */
  private tokenMs = 0
  private emitted = false
  private runningFinished = false

  constructor(parts: DeliveryParts) {
    this.settings = parts.settings
    this.scheduler = parts.scheduler
    this.waiting = parts.waiting
    this.running = parts.running
    this.gaps = new SharedGaps(parts.gaps, parts.probe)
    this.probe = parts.probe
    this.outcome = parts.outcome
    this.singleTokens = parts.singleTokens
  }

  /** Delivers a batch whose tokens come out at `tokenMs`. */
  deliver(batch: Batch, tokenMs: number): void {
    const { asynchronous } = this.settings
    const { sequences, length } = batch
    const { gaps } = this
    this.tokenMs = tokenMs
    gaps.begin(tokenMs)
    this.emitted = false
    this.runningFinished = false
    const recorder = this.scheduler.recorder
    let quiet = 0
    for (let index = 0; index < length; index++) {
      const sequence = sequences[index]!
      const known = sequence.knownTokens + 1
      if (known >= sequence.quietUntilKnown) {
        this.deliverShare(sequence, batch, index)
        continue
      }
      sequence.knownTokens = known
      if (asynchronous) {
        sequence.placeholders -= 1
        sequence.inFlightTokens -= 1
      }
      gaps.note(sequence.lastTokenMs)
      sequence.lastTokenMs = tokenMs
      quiet += 1
      if (recorder !== undefined) recorder.emitted(sequence.request)
    }
    this.outcome.emittedTokens += quiet
    const emitted = this.emitted || quiet > 0
    gaps.end(emitted)
    if (this.runningFinished) this.dropFinished()
    if (emitted) this.scheduler.noteToken()
  }

  private deliverShare(sequence: Sequence, batch: Batch, index: number): void {
    const yields = batch.yields[index]!
    const computed = batch.tokens[index]! + Math.max(0, yields - 1)
    if (this.settings.asynchronous) sequence.inFlightTokens -= computed
    const stale = sequence.staleTokens > 0
    if (stale) sequence.staleTokens -= computed
    if (sequence.finished || yields === 0) return
    this.emitted = true
    this.outcome.emittedTokens += yields
    for (let token = 0; token < yields; token++) this.deliverToken(sequence, stale)
    if (sequence.knownTokens >= sequence.lastKnownTokens) this.finish(sequence)
    else if (this.singleTokens && sequence.running) sequence.quietUntilKnown = this.quietUntil(sequence)
  }

  private deliverToken(sequence: Sequence, stale: boolean): void {
    const { request } = sequence
    const { tokenMs } = this
    sequence.knownTokens += 1
    if (!stale && sequence.placeholders > 0) {
      sequence.placeholders -= 1
      // Under asynchronous scheduling a generated block is registered once the token that it ends with is known.
      const settledTokens = sequence.computedTokens - sequence.inFlightTokens
      if (sequence.running) this.scheduler.registerBlocks(sequence, Math.min(settledTokens, sequence.knownTokens))
    }
    const generated = sequence.generatedTokens
    if (generated === 1) this.noteFirstToken(request)
    else this.gaps.note(sequence.lastTokenMs)
    if (generated === 2) request.secondTokenMs = tokenMs
    if (generated === 1 && sequence.knownTokens < sequence.lastKnownTokens)
      this.outcome.signal(request, Signal.FirstToken)
    sequence.lastTokenMs = tokenMs
    this.scheduler.recorder?.emitted(request)
  }

  private noteFirstToken(request: SimRequest): void {
    request.firstTokenMs = this.tokenMs
    this.probe?.firstToken?.(request, this.tokenMs)
  }

  private finish(sequence: Sequence): void {
    const { request } = sequence
    request.emittedTokens = sequence.generatedTokens
    request.lastTokenMs = sequence.lastTokenMs
    if (sequence.running) this.runningFinished = true
    else this.waiting.remove(sequence)
    this.scheduler.letGo(sequence)
    this.scheduler.recorder?.finished(request)
    this.outcome.signal(request, Signal.Completed)
  }

  /** Known tokens from which a delivered token needs more than counting. */
  private quietUntil(sequence: Sequence): number {
    const { asynchronous, blockTokens, enablePrefixCaching } = this.settings
    if (sequence.generatedTokens === 1) return 0
    const endsBlock = asynchronous && enablePrefixCaching ? (sequence.registeredBlocks + 1) * blockTokens + 1 : never
    return Math.min(sequence.lastKnownTokens, endsBlock)
  }

  private dropFinished(): void {
    const { running } = this
    let kept = 0
    for (let index = 0; index < running.length; index++) {
      const sequence = running[index]!
      if (!sequence.finished) running[kept++] = sequence
    }
    running.length = kept
  }
}

/** Output tokens of a request in all: what was asked for, unless `max_model_len` ends it before. */
export const lastKnownTokensOf = ({ outputTokens, promptTokens }: SimRequest, maxModelTokens: number): number =>
  Math.min(promptTokens + outputTokens, maxModelTokens)

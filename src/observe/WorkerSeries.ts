/**
 * What one worker does in the interval under way.
 *
 * A pass is told at its start and counts where it ends, so what it gives is kept apart until time gets there. A worker has one
 * pass at a time: it has ended when the next one starts.
 */
import type { PassOutcome } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import { PassTally } from "./PassTally.ts"
import { Tally } from "./Tally.ts"

export class WorkerSeries {
  readonly tally = new Tally()
  /** Name of the worker's group, once it is known. */
  group: string | undefined = undefined
  /** The hooks that the worker calls while it computes a pass. */
  readonly probe: WorkerProbe
  /** Given by the pass that is being computed, and by the one under way. */
  private computing = new PassTally()
  private underWay = new PassTally()
  private passStartMs = 0
  /** End of the pass under way; `NaN` when there is none. */
  private passEndMs = Number.NaN

  constructor() {
    this.probe = {
      firstToken: (request, tokenMs) => {
        const { computing } = this
        const ttftMs = Math.max(tokenMs - request.arrivalMs, 0)
        computing.firstTokens += 1
        computing.inputTokens += request.promptTokens
        computing.sharedReusedTokens += request.sharedReusedTokens
        computing.ttftMs += ttftMs
        if (ttftMs > computing.maxTtftMs) computing.maxTtftMs = ttftMs
      },
      tokenGap: (gapMs, tokens) => {
        const { computing } = this
        computing.tokenGaps += tokens
        computing.gapsMs += gapMs * tokens
        if (gapMs > computing.maxGapMs) computing.maxGapMs = gapMs
      }
    }
  }

  /** End of the pass under way; infinite when there is none. */
  get nextEndMs(): number {
    return Number.isNaN(this.passEndMs) ? Number.POSITIVE_INFINITY : this.passEndMs
  }

  passed(startMs: number, { emittedTokens, endMs, preemptions, prefillTokens, progressed }: PassOutcome): void {
    if (!progressed && endMs === startMs) return
    this.settle()
    const { computing } = this
    computing.prefillTokens = prefillTokens
    computing.decodeTokens = emittedTokens
    computing.preemptions = preemptions
    this.computing = this.underWay
    this.underWay = computing
    this.passStartMs = startMs
    this.passEndMs = endMs
  }

  /** The interval ends: what has ended before that is in the tally now, and the busy time of what goes on. */
  close(endMs: number): void {
    if (this.passEndMs < endMs) this.settle()
    else if (this.passStartMs < endMs && !Number.isNaN(this.passEndMs)) {
      this.tally.busyMs += endMs - this.passStartMs
      this.passStartMs = endMs
    }
  }

  /** The pass under way has ended. */
  settle(): void {
    if (Number.isNaN(this.passEndMs)) return
    this.underWay.moveTo(this.tally)
    this.tally.busyMs += this.passEndMs - this.passStartMs
    this.passEndMs = Number.NaN
  }
}

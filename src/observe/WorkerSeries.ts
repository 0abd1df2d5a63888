/**
 * What one worker does in the interval under way.
 *
 * A pass is told at its start and counts where it ends, so what it gives is kept apart until time gets there. A worker has one
 * pass at a time: it has ended when the next one starts.
 */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import type { PassOutcome } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import { PassTally } from "./PassTally.ts"
import { SeriesState } from "./SeriesState.ts"
import { Tally } from "./Tally.ts"

export class WorkerSeries {
  readonly workerIndex: number
  readonly tally = new Tally()
  /** How it was at the end of the last interval, while it was there. */
  readonly state = new SeriesState()
  /** The closing of an interval at which it was last there. */
  presentAt = 0
  /** Name of the worker's group, once it is known. */
  group: string | undefined = undefined
  /** End of the pass under way; infinite when there is none. */
  passEndMs = Number.POSITIVE_INFINITY
  /** The hooks that the worker calls while it computes a pass. */
  readonly probe: WorkerProbe
  /** Given by the pass that is being computed, and by the one under way. */
  private computing = new PassTally()
  private underWay = new PassTally()
  private passStartMs = 0
  /** Of the passes ahead, those that are counted or under way here. */
  private aheadTaken = 0

  constructor(workerIndex: number) {
    this.workerIndex = workerIndex
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

  passed(startMs: number, { emittedTokens, endMs, preemptions, prefillTokens, progressed }: PassOutcome): void {
    this.aheadTaken = 0
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

  /** The passes ahead that begin before `timeMs` have taken place, or are under way; returns how many those are. */
  passAheadBefore(ahead: PassesAhead | undefined, timeMs: number): number {
    if (ahead === undefined) return 0
    const passes = ahead.begunBefore(timeMs)
    this.passedAhead(ahead, passes)
    return passes
  }

  /** The first `passes` of those ahead have taken place; the last one is under way. */
  passedAhead(ahead: PassesAhead, passes: number): void {
    const { aheadTaken } = this
    if (passes <= aheadTaken) return
    this.settle()
    const { batch, ends } = ahead
    const { tally } = this
    const last = passes - 1
    let { busyMs, gapsMs, maxGapMs } = tally
    let startMs = ahead.startOf(aheadTaken)
    for (let pass = aheadTaken; pass < last; pass++) {
      const endMs = ends[pass]!
      const passMs = endMs - startMs
      gapsMs += passMs * batch
      busyMs += passMs
      if (passMs > maxGapMs) maxGapMs = passMs
      startMs = endMs
    }
    tally.busyMs = busyMs
    tally.gapsMs = gapsMs
    tally.maxGapMs = maxGapMs
    const ended = last - aheadTaken
    tally.passes += ended
    tally.decodeTokens += ended * batch
    tally.tokenGaps += ended * batch
    this.aheadTaken = passes
    this.underWay.decode(batch, ends[last]! - startMs)
    this.passStartMs = startMs
    this.passEndMs = ends[last]!
  }

  /** The interval ends: what has ended before that is in the tally now, and the busy time of what goes on. */
  close(endMs: number): void {
    if (this.passEndMs < endMs) this.settle()
    else if (this.passStartMs < endMs && this.passEndMs < Number.POSITIVE_INFINITY) {
      this.tally.busyMs += endMs - this.passStartMs
      this.passStartMs = endMs
    }
  }

  /** The pass under way has ended. */
  settle(): void {
    if (this.passEndMs === Number.POSITIVE_INFINITY) return
    this.underWay.moveTo(this.tally)
    this.tally.busyMs += this.passEndMs - this.passStartMs
    this.passEndMs = Number.POSITIVE_INFINITY
  }
}

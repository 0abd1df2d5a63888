/**
 * What one worker does, interval by interval.
 *
 * A worker that goes on by itself is ahead of the run: the intervals that it has left and the run has not are kept until then.
 *
 *     left by the run │ left by the worker │ … │ current
 *
 * A pass is told at its start and counts where it ends, so what it gives is kept apart until time gets there. A worker has one
 * pass at a time: it has ended when the next one starts.
 */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import type { PassOutcome, WorkerCore } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import { PassTally } from "./PassTally.ts"
import type { Tally } from "./Tally.ts"
import { WorkerInterval } from "./WorkerInterval.ts"

export class WorkerSeries {
  readonly workerIndex: number
  /** The last interval that the run has left. */
  closed = new WorkerInterval()
  /** How many the worker has left, where those are more than the run has. */
  intervals = 0
  /** Start of the last pass with which it went on by itself into another interval. */
  aheadMs = Number.NaN
  /** The closing of an interval at which it was last there. */
  presentAt = 0
  /** Name of the worker's group, once it is known. */
  group: string | undefined = undefined
  /** End of the pass under way; infinite when there is none. */
  passEndMs = Number.POSITIVE_INFINITY
  private current = new WorkerInterval()
  /** Of the interval under way. */
  tally: Tally = this.current.tally
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
    this.closed.next = this.current
    this.current.next = this.closed
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

  /** The run leaves the interval, or several in which no pass ends; a worker that is not there any more has no core. */
  closeInterval(startMs: number, endMs: number, core: WorkerCore | undefined): void {
    this.closed = this.intervalAfter(endMs, core)
    if (this.closed.endMs === endMs) return
    while (this.closed.endMs < endMs) this.closed = this.intervalAfter(endMs, core)
    this.closed.tally.busyMs = endMs - startMs
  }

  /** The one after the last that the run has left: one that the worker has left, or the one under way, which ends. */
  private intervalAfter(endMs: number, core: WorkerCore | undefined): WorkerInterval {
    if (this.closed.next === this.current) this.endInterval(endMs, core)
    return this.closed.next
  }

  /** The worker leaves the interval under way. */
  endInterval(endMs: number, core: WorkerCore | undefined): void {
    const { current } = this
    if (core === undefined) current.state.clear()
    else current.state.read(core, this.passAheadBefore(endMs, core.ahead))
    this.countUntil(endMs)
    current.endMs = endMs
    current.passEndMs = this.passEndMs
    if (current.next === this.closed) {
      const added = new WorkerInterval()
      added.next = this.closed
      current.next = added
    }
    this.current = current.next
    this.tally = this.current.tally
    this.tally.clear()
  }

  /** The passes ahead that begin before `timeMs` have taken place, or are under way; returns how many those are. */
  private passAheadBefore(timeMs: number, ahead: PassesAhead | undefined): number {
    if (ahead === undefined) return 0
    const passes = ahead.begunBefore(timeMs)
    this.passedAhead(ahead, passes)
    return passes
  }

  /** What has ended before that is in the tally now, and the busy time of what goes on. */
  private countUntil(endMs: number): void {
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

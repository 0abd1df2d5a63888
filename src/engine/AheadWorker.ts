/**
 * A worker that computes passes ahead of time ({@link PassesAhead}): quiet ones, in which all of its running requests emit one more token
 * and nothing else happens. When a pass will be quiet, and what it changes, is the business of its kind.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import type { TimingModel } from "../timing/Timing.ts"
import { type BatchMember, BatchWorker } from "./BatchWorker.ts"
import type { EngineArgs } from "./EngineArgs.ts"
import { PassesAhead } from "./PassesAhead.ts"
import type { PassOutcome } from "./WorkerCore.ts"
import { PassTiming } from "./PassTiming.ts"
import { SharedGaps } from "./SharedGaps.ts"
import type { WorkerContext } from "./WorkerContext.ts"

export abstract class AheadWorker<Member extends BatchMember<Member>> extends BatchWorker<Member> {
  readonly ahead = new PassesAhead()
  protected readonly timing: PassTiming
  protected readonly gaps: SharedGaps

  constructor(args: EngineArgs, timing: TimingModel, context: WorkerContext) {
    super(args)
    this.timing = new PassTiming(args, timing, context.slowness)
    this.gaps = new SharedGaps(this.visible ? context.gaps : undefined, context.probe)
  }

  runAhead(untilMs: number): PassesAhead {
    const { ahead, outcome } = this
    ahead.begin(outcome.endMs)
    if (outcome.requests.length > 0 || this.running.length === 0 || !this.timing.runsAhead || this.mayAdmit())
      return ahead
    const passes = this.quietPasses()
    if (passes > 0) this.timeQuietPasses(passes, untilMs)
    return ahead
  }

  startAhead(startMs: number, untilMs: number): PassOutcome | undefined {
    const { outcome } = this
    outcome.begin(startMs)
    const { count, ends } = this.runAhead(untilMs)
    if (count === 0) return undefined
    outcome.endMs = ends[0]!
    return outcome
  }

  catchUp(): void {
    const { ahead } = this
    const { count } = ahead
    if (count === 0) return
    const { endMs } = ahead
    const even = ahead.isUneven ? count - 1 : count
    const late = even > 0 ? this.takeLatePass() : 0
    this.gaps.noteEmissions(ahead.ends, late, even, ahead.batch)
    this.takeQuietPasses(late, even)
    if (ahead.isUneven) this.takeUnevenPass(even)
    this.timing.taken(count)
    ahead.begin(endMs)
  }

  override abort(request: SimRequest): boolean {
    this.catchUp()
    return super.abort(request)
  }

  /** Whether somebody may be let in, or sent away, before the end of the next pass. */
  protected abstract mayAdmit(): boolean

  /** How many passes follow in which all running requests just decode, if nobody is let in and nobody tells the worker anything. */
  protected abstract quietPasses(): number

  /** Computes so many of them, as far as they end by `untilMs`: {@link PassTiming.runAhead}. */
  protected abstract timeQuietPasses(passes: number, untilMs: number): void

  /** The first of them has taken place if somebody missed the pass before it, and its gaps are noted; how many have. */
  protected takeLatePass(): number {
    return 0
  }

  /** The last of them has taken place, which is uneven, and its gaps are noted. */
  protected takeUnevenPass(_pass: number): void {}

  /** Those from number `from` to `to` have taken place. */
  protected abstract takeQuietPasses(from: number, to: number): void
}

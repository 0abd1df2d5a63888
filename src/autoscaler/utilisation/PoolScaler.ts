/**
 * When a pool follows what is wanted: growth soon, after a short cool-down; shrinking late, when nothing in a long one asked for more; and
 * a size that proved too small is not tried again at that load. The last rule is what keeps a constant load from making a pool
 * change for ever: use depends on the number of workers in ways that no target foresees.
 */
import type { PoolObservation, TrafficWindow } from "../Autoscaler.ts"
import { LoadWindow } from "./LoadWindow.ts"
import type { PoolPolicy } from "./UtilisationSettings.ts"
import { wantedWorkers, type Wish } from "./WantedWorkers.ts"

export interface Timing {
  readonly windowMs: number
  readonly upCooldownMs: number
  readonly downCooldownMs: number
}

/** What was wanted at a tick, and the tokens that came and went in it. */
interface Moment {
  readonly atMs: number
  readonly wanted: number
  readonly tokens: number
  readonly durationS: number
}

interface Reduction {
  /** Workers before it. */
  readonly from: number
  readonly tokensPerSecond: number
}

export class PoolScaler {
  readonly policy: PoolPolicy
  private readonly timing: Timing
  private readonly window: LoadWindow
  private moments: Array<Moment> = []
  private ready: number
  private starting = 0
  private current: number
  private grewAtMs = Number.NEGATIVE_INFINITY
  private changedAtMs = 0
  /** The last one of reductions in a row, at the load of the first one. */
  private reduction: Reduction | undefined
  /** A reduction had to be taken back: from then on one worker goes at a time. */
  private isCareful = false
  /** Sizes that proved too small, and the tokens per second at which they did. */
  private readonly tooSmall = new Map<number, number>()

  constructor(policy: PoolPolicy, timing: Timing, workers: number) {
    this.policy = policy
    this.timing = timing
    this.window = new LoadWindow(timing.windowMs)
    this.ready = workers
    this.current = workers
  }

  /** Workers that the pool should have now, GPUs aside. */
  wish(nowMs: number, pool: PoolObservation, traffic: TrafficWindow): Wish {
    this.notice(nowMs, pool)
    this.window.add(nowMs, pool, traffic)
    const wanted = this.bounded(wantedWorkers(this.policy, this.window, pool), pool)
    this.remember(nowMs, wanted.workers, traffic)
    const { current } = this
    if (wanted.workers > current) return this.grown(nowMs, wanted)
    return wanted.workers < current && pool.starting === 0
      ? this.shrunk(nowMs, wanted)
      : { ...wanted, workers: current }
  }

  /** The pool will have so many workers. */
  settle(nowMs: number, workers: number): void {
    const { current } = this
    if (workers === current) return
    this.changedAtMs = nowMs
    if (workers > current) {
      if (this.isTakenBack()) this.learn()
      this.reduction = undefined
      this.grewAtMs = nowMs
    } else {
      const tokensPerSecond = this.reduction?.tokensPerSecond ?? this.tokensPerSecond()
      this.reduction = { from: current, tokensPerSecond }
    }
    this.current = workers
  }

  /** The workers that are there are not those of the last tick. */
  private notice(nowMs: number, { ready, starting }: PoolObservation): void {
    if (ready !== this.ready) {
      this.window.restart()
      this.changedAtMs = nowMs
      // Those who take less than a tick to start have counted since the decision.
      if (ready > this.ready && this.starting > 0) this.grewAtMs = nowMs
    }
    this.ready = ready
    this.starting = starting
    this.current = ready + starting
  }

  /** Within the limits of the pool, and never nobody while somebody waits. */
  private bounded({ because, workers }: Wish, { parked }: PoolObservation): Wish {
    const { maxWorkers, minWorkers } = this.policy
    const fewest = parked > 0 ? Math.max(1, minWorkers) : minWorkers
    if (workers < fewest) return { workers: fewest, because: `min_workers ${minWorkers}` }
    return { workers: Math.min(workers, maxWorkers), because }
  }

  private remember(
    nowMs: number,
    wanted: number,
    { arrivals, durationS, emittedTokens, meanArrivedTokens }: TrafficWindow
  ): void {
    this.moments.push({ atMs: nowMs, wanted, tokens: arrivals * meanArrivedTokens + emittedTokens, durationS })
    const firstMs = nowMs - Math.max(this.timing.downCooldownMs, this.timing.windowMs)
    this.moments = this.moments.filter(({ atMs }) => atMs > firstMs)
  }

  private grown(nowMs: number, { because, workers }: Wish): Wish {
    const { current, policy, reduction } = this
    const isSoon = nowMs - this.grewAtMs < this.timing.upCooldownMs && current >= Math.max(1, policy.minWorkers)
    if (isSoon) return { because, workers: current }
    // What was enough before a reduction is enough after it.
    const most = reduction !== undefined && this.isTakenBack() ? reduction.from : Number.POSITIVE_INFINITY
    return { because, workers: Math.min(workers, current + policy.maxStepUp, most) }
  }

  private shrunk(nowMs: number, { because }: Wish): Wish {
    const { changedAtMs, current, grewAtMs, moments, policy } = this
    const { downCooldownMs, windowMs } = this.timing
    const stay = { because, workers: current }
    if (nowMs - changedAtMs < windowMs || nowMs - Math.max(grewAtMs, 0) < downCooldownMs) return stay
    const most = moments.reduce((highest, { wanted }) => Math.max(highest, wanted), 0)
    const fewest = Math.max(most, current - (this.isCareful ? 1 : policy.maxStepDown))
    for (let workers = fewest; workers < current; workers++) if (!this.isTooSmall(workers)) return { because, workers }
    return stay
  }

  /** Growth now takes a reduction back: no more has come than before it. */
  private isTakenBack(): boolean {
    const { policy, reduction } = this
    if (reduction === undefined) return false
    return this.tokensPerSecond(this.timing.windowMs) <= reduction.tokensPerSecond * (1 + policy.tolerance)
  }

  private learn(): void {
    const { current, reduction, tooSmall } = this
    if (reduction === undefined) return
    const { tokensPerSecond } = reduction
    tooSmall.set(current, Math.min(tokensPerSecond, tooSmall.get(current) ?? tokensPerSecond))
    this.isCareful = true
  }

  private isTooSmall(workers: number): boolean {
    const now = this.tokensPerSecond()
    return [...this.tooSmall].some(([size, tokens]) => size >= workers && now > tokens * (1 - this.policy.tolerance))
  }

  /** Over the last `spanMs`; by default over all that is remembered. */
  private tokensPerSecond(spanMs = Number.POSITIVE_INFINITY): number {
    const firstMs = (this.moments.at(-1)?.atMs ?? 0) - spanMs
    const moments = this.moments.filter(({ atMs }) => atMs > firstMs)
    const seconds = moments.reduce((sum, { durationS }) => sum + durationS, 0)
    return seconds === 0 ? 0 : moments.reduce((sum, { tokens }) => sum + tokens, 0) / seconds
  }
}

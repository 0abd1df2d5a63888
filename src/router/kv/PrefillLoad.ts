/**
 * Prompt tokens that each worker still has to prefill, as the router believes.
 *
 * A plain load holds a request's tokens until its first token comes. A decaying load is told how long each
 * prefill should take and counts the oldest one down as time passes.
 */
import { nanosOfSeconds } from "../../timing/Quantise.ts"

/**
 * Expected prefill time in ms of a single request with `newTokens` to compute after `prefixTokens` cached ones;
 * `undefined` when there is no estimate, and then the tokens do not decay.
 */
export type PrefillEstimator = (newTokens: number, prefixTokens: number) => number | undefined

export interface PrefillLoad {
  /** `tokens` (> 0) of a prompt start to wait behind `prefixTokens` cached ones; `slot` stands for them until they are removed. */
  add(slot: number, worker: number, tokens: number, prefixTokens: number, nowMs: number): void
  /** Undoes the {@link PrefillLoad.add} of the same slot, worker and tokens. */
  remove(slot: number, worker: number, tokens: number, nowMs: number): void
  /** Outstanding tokens of every worker, into `out[w]`. */
  read(nowMs: number, out: Float64Array): void
  /** Makes room for workers below `workers`. */
  grow(workers: number): void
}

/** Every request's tokens count in full until removed. */
export class PlainPrefillLoad implements PrefillLoad {
  private sums: Float64Array

  constructor(workers: number) {
    this.sums = new Float64Array(workers)
  }

  grow(workers: number): void {
    const sums = new Float64Array(workers)
    sums.set(this.sums)
    this.sums = sums
  }

  add(_slot: number, worker: number, tokens: number): void {
    this.sums[worker]! += tokens
  }

  remove(_slot: number, worker: number, tokens: number): void {
    this.sums[worker]! -= tokens
  }

  read(_nowMs: number, out: Float64Array): void {
    out.set(this.sums)
  }
}

/** The prefill of one request. */
interface PrefillEntry {
  readonly tokens: number
  /** Expected duration in whole ns; `undefined` when nothing is expected. */
  readonly durationNs: number | undefined
}

/** One worker's prefills in admission order; the front one is taken to have been running since `frontSinceNs`. */
class PrefillLine {
  private readonly entries = new Set<PrefillEntry>()
  private tokens = 0
  private unmodelled = 0
  private frontSinceNs = 0

  add(entry: PrefillEntry, nowNs: number): void {
    if (this.entries.size === 0) this.frontSinceNs = nowNs
    this.entries.add(entry)
    this.tokens += entry.tokens
    if (entry.durationNs === undefined) this.unmodelled += 1
  }

  /**
   * The front's successor starts now. One that ends out of turn took its time from the front, whose start moves on by as much.
   */
  remove(entry: PrefillEntry, nowNs: number): void {
    const wasFront = this.front() === entry
    if (!this.entries.delete(entry)) return
    this.tokens -= entry.tokens
    if (entry.durationNs === undefined) this.unmodelled -= 1
    if (wasFront) this.frontSinceNs = nowNs
    else if (entry.durationNs !== undefined) this.frontSinceNs = Math.min(this.frontSinceNs + entry.durationNs, nowNs)
  }

  /** With every entry modelled, time beyond the front's duration goes on counting down the others at its rate. */
  outstanding(nowNs: number): number {
    const front = this.front()
    if (front === undefined) return 0
    const elapsedNs = Math.max(0, nowNs - this.frontSinceNs)
    if (this.unmodelled > 0) return this.tokens - front.tokens + remainingTokens(front, elapsedNs)
    return Math.max(0, this.tokens - doneTokens(front, elapsedNs))
  }

  private front(): PrefillEntry | undefined {
    for (const entry of this.entries) return entry
    return undefined
  }
}

/** Whole tokens done after `elapsedNs` at the entry's rate; may exceed its tokens. */
const doneTokens = (entry: PrefillEntry, elapsedNs: number): number => {
  const durationNs = entry.durationNs ?? 0
  if (durationNs === 0) return entry.tokens
  const product = entry.tokens * elapsedNs
  // Below 2^53 the rounded quotient of whole numbers never reaches the next integer, so its floor is exact.
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / durationNs)
  return Number((BigInt(entry.tokens) * BigInt(elapsedNs)) / BigInt(durationNs))
}

/** Tokens left of the entry itself, rounded up; all of them when its duration is unknown. */
const remainingTokens = (entry: PrefillEntry, elapsedNs: number): number => {
  const { durationNs, tokens } = entry
  if (durationNs === undefined) return tokens
  if (durationNs === 0) return 0
  return Math.ceil(tokens * Math.min(1, Math.max(0, 1 - elapsedNs / durationNs)))
}

/** `router_prefill_load_model: "aic"`: the estimated prefills count down as simulated time passes. */
export class DecayingPrefillLoad implements PrefillLoad {
  private readonly lines: Array<PrefillLine>
  /** By slot. */
  private readonly entries: Array<PrefillEntry | undefined> = []
  private readonly estimate: PrefillEstimator

  constructor(workers: number, estimate: PrefillEstimator) {
    this.lines = Array.from({ length: workers }, () => new PrefillLine())
    this.estimate = estimate
  }

  grow(workers: number): void {
    while (this.lines.length < workers) this.lines.push(new PrefillLine())
  }

  add(slot: number, worker: number, tokens: number, prefixTokens: number, nowMs: number): void {
    const durationMs = this.estimate(tokens, prefixTokens)
    const entry = { tokens, durationNs: durationMs === undefined ? undefined : nanosOfMs(durationMs) }
    this.entries[slot] = entry
    this.lines[worker]!.add(entry, nanosOfMs(nowMs))
  }

  remove(slot: number, worker: number, _tokens: number, nowMs: number): void {
    const entry = this.entries[slot]
    this.entries[slot] = undefined
    if (entry !== undefined) this.lines[worker]!.remove(entry, nanosOfMs(nowMs))
  }

  read(nowMs: number, out: Float64Array): void {
    const nowNs = nanosOfMs(nowMs)
    this.lines.forEach((line, worker) => {
      out[worker] = line.outstanding(nowNs)
    })
  }
}

const nanosOfMs = (ms: number): number => nanosOfSeconds(Math.max(0, ms) / 1000)

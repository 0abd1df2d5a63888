/**
 * What a trace is made of: lengths, arrivals, sessions and shared prefixes, in one pass and bounded memory.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { SeenPrefixes } from "./SeenPrefixes.ts"
import type { TraceError } from "./TraceError.ts"
import type { TraceRow } from "./TraceRow.ts"
import type { TraceSource } from "./TraceSource.ts"

/** Exact figures of a list of lengths, in tokens. */
export interface LengthStatistics {
  readonly total: number
  readonly mean: number
  readonly std: number
  readonly min: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** When rows arrive; times in ms. */
export interface ArrivalStatistics {
  readonly firstMs: number
  readonly lastMs: number
  /** Rows with a timestamp per second between the first and the last; `undefined` when they are the same. */
  readonly ratePerSecond: number | undefined
  /**
   * Deviation of the gaps between consecutive timestamps over their mean: 0 for a regular load, 1 for a Poisson process;
   * `undefined` when timestamps go back somewhere, or all are equal.
   */
  readonly gapVariation: number | undefined
  /** Most timestamps within one whole second, counted from the first; `undefined` when timestamps go back somewhere. */
  readonly mostInOneSecond: number | undefined
}

/** How rows go together as conversations. */
export interface SessionStatistics {
  /** Rows that name no session count as one each. */
  readonly sessions: number
  readonly multiTurnSessions: number
  readonly meanTurns: number
  readonly mostTurns: number
}

/** How much of the prompts an unlimited prefix cache would find. */
export interface SharingStatistics {
  /** Rows whose prompt begins with at least one block of an earlier prompt. */
  readonly rows: number
  /** Prompt tokens that an earlier prompt began with: what an unlimited cache of prompts alone would save. */
  readonly tokens: number
  /** Share of all prompt tokens, 0 … 1. */
  readonly tokenRatio: number
  readonly totalBlocks: number
  /** Blocks that no earlier prompt had after the same prefix. */
  readonly distinctBlocks: number
  /** The index of prefixes was full at some point; then sharing is underestimated. */
  readonly isLowerBound: boolean
}

/** What `trace inspect` tells of a trace. */
export interface TraceStatistics {
  readonly file: string
  readonly rows: number
  readonly traceBlockTokens: number
  readonly clampedRows: number
  readonly promptTokens: LengthStatistics
  readonly outputTokens: LengthStatistics
  /** `undefined` when no row has a timestamp. */
  readonly arrivals: ArrivalStatistics | undefined
  readonly sessions: SessionStatistics
  /** `undefined` when rows hold only parts of prompts. */
  readonly sharing: SharingStatistics | undefined
}

/** Counts of lengths: lengths are small integers, so this is far smaller than the list of them, and exact. */
class LengthCounts {
  private readonly counts = new Map<number, number>()
  private values = 0

  add(length: number): void {
    this.counts.set(length, (this.counts.get(length) ?? 0) + 1)
    this.values += 1
  }

  finish(): LengthStatistics {
    const sorted = [...this.counts].toSorted((a, b) => a[0] - b[0])
    const total = sorted.reduce((sum, [length, count]) => sum + length * count, 0)
    const mean = total / this.values
    const variance = sorted.reduce((sum, [length, count]) => sum + count * (length - mean) ** 2, 0) / this.values
    return {
      total,
      mean,
      std: Math.sqrt(variance),
      min: sorted[0]?.[0] ?? Number.NaN,
      p50: this.percentile(sorted, 50),
      p90: this.percentile(sorted, 90),
      p99: this.percentile(sorted, 99),
      max: sorted.at(-1)?.[0] ?? Number.NaN
    }
  }

  /** The smallest length that at least so many per cent of the values do not exceed. */
  private percentile(sorted: ReadonlyArray<readonly [number, number]>, percent: number): number {
    let left = Math.ceil((this.values * percent) / 100)
    for (const [length, count] of sorted) {
      left -= count
      if (left <= 0) return length
    }
    return Number.NaN
  }
}

class ArrivalCounts {
  private timestamps = 0
  private firstMs = Number.POSITIVE_INFINITY
  private lastMs = Number.NEGATIVE_INFINITY
  private previousMs = Number.NaN
  private startMs = Number.NaN
  private sorted = true
  private squaredGaps = 0
  private second = 0
  private inSecond = 0
  private mostInOneSecond = 0

  add(timestampMs: number | undefined): void {
    if (timestampMs === undefined) return
    if (this.timestamps === 0) this.startMs = timestampMs
    else {
      const gapMs = timestampMs - this.previousMs
      if (gapMs < 0) this.sorted = false
      this.squaredGaps += gapMs * gapMs
    }
    this.previousMs = timestampMs
    this.timestamps += 1
    this.firstMs = Math.min(this.firstMs, timestampMs)
    this.lastMs = Math.max(this.lastMs, timestampMs)
    const second = Math.floor((timestampMs - this.startMs) / 1000)
    this.inSecond = second === this.second ? this.inSecond + 1 : 1
    this.second = second
    this.mostInOneSecond = Math.max(this.mostInOneSecond, this.inSecond)
  }

  finish(): ArrivalStatistics | undefined {
    if (this.timestamps === 0) return undefined
    const { firstMs, lastMs, sorted, timestamps } = this
    const spanMs = lastMs - firstMs
    const gaps = timestamps - 1
    const meanMs = spanMs / gaps
    const variance = Math.max(0, this.squaredGaps / gaps - meanMs * meanMs)
    return {
      firstMs,
      lastMs,
      ratePerSecond: spanMs > 0 ? timestamps / (spanMs / 1000) : undefined,
      gapVariation: sorted && spanMs > 0 ? Math.sqrt(variance) / meanMs : undefined,
      mostInOneSecond: sorted ? this.mostInOneSecond : undefined
    }
  }
}

class SharingCounts {
  private readonly index: SeenPrefixes
  private readonly traceBlockTokens: number
  private rows = 0
  private tokens = 0
  private promptTokens = 0
  private totalBlocks = 0
  private distinctBlocks = 0

  constructor(traceBlockTokens: number, maxPrefixes: number) {
    this.traceBlockTokens = traceBlockTokens
    this.index = new SeenPrefixes(maxPrefixes)
  }

  add({ hashIds, promptTokens }: TraceRow): void {
    const blocks = Math.ceil(promptTokens / this.traceBlockTokens)
    const known = this.index.add(hashIds, blocks)
    if (known > 0) this.rows += 1
    this.tokens += Math.min(known * this.traceBlockTokens, promptTokens)
    this.promptTokens += promptTokens
    this.totalBlocks += blocks
    this.distinctBlocks += blocks - known
  }

  finish(): SharingStatistics {
    const { distinctBlocks, rows, tokens, totalBlocks } = this
    return {
      rows,
      tokens,
      tokenRatio: tokens / this.promptTokens,
      totalBlocks,
      distinctBlocks,
      isLowerBound: this.index.isFull
    }
  }
}

const sessionStatistics = ({ survey }: TraceSource): SessionStatistics => {
  const { rows, sessions, sessionTurns } = survey
  const turns = sessionTurns ?? new Uint32Array(0)
  return {
    sessions,
    multiTurnSessions: turns.reduce((count, each) => (each > 1 ? count + 1 : count), 0),
    meanTurns: rows / sessions,
    mostTurns: turns.reduce((most, each) => Math.max(most, each), 1)
  }
}

/** Distinct prefixes kept by default: 64 MiB at the most. */
const defaultMaxPrefixes = 1 << 21

/** Reads a checked trace once more and describes it. */
export const traceStatistics = (
  trace: TraceSource,
  options: { readonly maxPrefixes?: number } = {}
): Effect.Effect<TraceStatistics, TraceError> =>
  Effect.suspend(() => {
    const { accumulatesPrompts, file, rows, survey, traceBlockTokens } = trace
    const prompts = new LengthCounts()
    const outputs = new LengthCounts()
    const arrivals = new ArrivalCounts()
    const sharing = new SharingCounts(traceBlockTokens, options.maxPrefixes ?? defaultMaxPrefixes)
    const addAll = (chunk: ReadonlyArray<TraceRow>): Effect.Effect<void> =>
      Effect.sync(() => {
        for (const row of chunk) {
          prompts.add(row.promptTokens)
          outputs.add(row.outputTokens)
          arrivals.add(row.timestampMs)
          if (!accumulatesPrompts) sharing.add(row)
        }
      })
    return Effect.map(Stream.runForEachArray(rows, addAll), () => ({
      file,
      rows: survey.rows,
      traceBlockTokens,
      clampedRows: survey.clampedRows,
      promptTokens: prompts.finish(),
      outputTokens: outputs.finish(),
      arrivals: arrivals.finish(),
      sessions: sessionStatistics(trace),
      sharing: accumulatesPrompts ? undefined : sharing.finish()
    }))
  })

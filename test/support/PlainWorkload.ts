/**
 * The simplest workload there can be: independent rows already in arrival order, held in memory. Tests of the engines and
 * loops use it, so that they do not depend on trace files and load drivers.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { BlockIdentity } from "../../src/request/BlockIdentity.ts"
import { noRoutingHints, SimRequest } from "../../src/request/SimRequest.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { Workload, type WorkloadCore } from "../../src/workload/Workload.ts"

export interface PlainWorkloadOptions {
  readonly rows: ReadonlyArray<TraceRow>
  readonly traceBlockTokens: number
  /** Requests in flight at most; arrivals then follow completions instead of timestamps. */
  readonly concurrency?: number | undefined
  /** Rows handed over at a time. Default: all at once. */
  readonly chunkRows?: number | undefined
  /** Makes the run recycle unused block identities at every opportunity instead of once there are many. */
  readonly recyclesAlways?: boolean
  /** Sees the block identities of the run. */
  readonly onIdentity?: (identity: BlockIdentity) => void
}

class PlainWorkloadCore implements WorkloadCore {
  readonly kind: "open" | "closed"
  readonly limit: number
  private readonly identity: BlockIdentity
  private readonly rows: Array<TraceRow> = []
  private next = 0
  private ended = false

  constructor(identity: BlockIdentity, concurrency: number | undefined) {
    this.identity = identity
    this.kind = concurrency === undefined ? "open" : "closed"
    this.limit = concurrency ?? Number.POSITIVE_INFINITY
  }

  get needsRows(): boolean {
    return this.next === this.rows.length && !this.ended
  }

  get ignoresEnds(): boolean {
    return this.kind === "open"
  }

  get drained(): boolean {
    return this.next === this.rows.length && this.ended
  }

  pushRows(rows: ReadonlyArray<TraceRow>): void {
    this.rows.push(...rows)
  }

  endRows(): void {
    this.ended = true
  }

  nextReadyMs(): number {
    const row = this.rows[this.next]
    return row === undefined || this.kind === "closed" ? Number.POSITIVE_INFINITY : (row.timestampMs ?? 0)
  }

  popReady(nowMs: number, inFlight: number): SimRequest | undefined {
    const row = this.rows[this.next]
    if (row === undefined) return undefined
    if (this.kind === "closed" ? inFlight >= this.limit : (row.timestampMs ?? 0) > nowMs) return undefined
    const id = this.next++
    return new SimRequest({
      id,
      sessionId: row.sessionId ?? null,
      turnIndex: 0,
      requestId: row.requestId ?? null,
      promptTokens: row.promptTokens,
      outputTokens: row.outputTokens,
      blocks: this.identity.blocksOfHashIds(row.hashIds, row.promptTokens),
      arrivalMs: this.kind === "closed" ? nowMs : (row.timestampMs ?? 0),
      hints: noRoutingHints,
      annotations: null,
      workloadKey: 0
    })
  }

  onTerminal(): void {}

  markBlocks(): void {}
}

export const layer = (options: PlainWorkloadOptions): Layer.Layer<Workload> =>
  Layer.succeed(
    Workload,
    Workload.of({
      traceBlockTokens: options.traceBlockTokens,
      usesTokenRuns: false,
      rows: Stream.rechunk(Stream.fromIterable(options.rows), options.chunkRows ?? Math.max(1, options.rows.length)),
      make: (identity) =>
        Effect.sync(() => {
          options.onIdentity?.(identity)
          if (options.recyclesAlways === true) Object.assign(identity, { wantsCollection: () => true })
          return new PlainWorkloadCore(identity, options.concurrency)
        })
    })
  )

/**
 * Drives a workload core without an engine: every request is served for a time of the test's choosing, any number at once.
 * Rows are handed over in chunks, only when the core asks, exactly as a simulation does.
 */
import type { BlockIdentity } from "../../src/request/BlockIdentity.ts"
import type { SimRequest } from "../../src/request/SimRequest.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import type { WorkloadCore } from "../../src/workload/WorkloadCore.ts"

/** Identities by a map from whole prefixes: slow, and obviously right. */
export const mapIdentity = (blockTokens: number, traceBlockTokens = blockTokens): BlockIdentity => {
  const known = new Map<string, number>()
  const blocksOfRuns = (symbols: ArrayLike<number | bigint>, counts: ArrayLike<number>): Int32Array => {
    const tokens: Array<number | bigint> = []
    for (let run = 0; run < counts.length; run++) {
      for (let token = 0; token < counts[run]!; token++) tokens.push(symbols[run]!)
    }
    return Int32Array.from({ length: Math.floor(tokens.length / blockTokens) }, (_, block) => {
      const prefix = tokens.slice(0, (block + 1) * blockTokens).join()
      const identity = known.get(prefix) ?? known.size
      known.set(prefix, identity)
      return identity
    })
  }
  return {
    blockTokens,
    capacityBlocks: Number.POSITIVE_INFINITY,
    blocksOfRuns,
    blocksOfHashIds: (hashIds, promptTokens) =>
      blocksOfRuns(
        hashIds,
        Array.from(hashIds, (_, i) => Math.max(0, Math.min(traceBlockTokens, promptTokens - i * traceBlockTokens)))
      ),
    wantsCollection: () => false,
    collect: () => {}
  }
}

export interface DriveOptions {
  readonly rows: ReadonlyArray<TraceRow>
  readonly chunkRows?: number
  /** Time from arrival to the end of a request; 10 ms by default. */
  readonly serviceMs?: (request: SimRequest) => number
  readonly isRejected?: (request: SimRequest) => boolean
}

export interface Drive {
  readonly requests: ReadonlyArray<SimRequest>
  /** Time at which each request was handed out. */
  readonly dispatchMs: ReadonlyArray<number>
  readonly endMs: ReadonlyArray<number>
  readonly mostInFlight: number
  /** Most rows that had been handed over and not been dispatched yet. */
  readonly mostRowsAhead: number
}

class Driver {
  private readonly core: WorkloadCore
  private readonly options: Required<DriveOptions>
  private readonly running: Array<{ readonly request: SimRequest; readonly endMs: number }> = []
  private handedOver = 0
  private nowMs = 0
  readonly requests: Array<SimRequest> = []
  readonly dispatchMs: Array<number> = []
  readonly endMs: Array<number> = []
  mostInFlight = 0
  mostRowsAhead = 0

  constructor(core: WorkloadCore, options: DriveOptions) {
    this.core = core
    this.options = { chunkRows: 4, serviceMs: () => 10, isRejected: () => false, ...options }
  }

  run(): void {
    for (;;) {
      this.takeArrivals()
      const [next] = this.running.toSorted((a, b) => a.endMs - b.endMs)
      const nextMs = Math.min(this.core.nextReadyMs(), next?.endMs ?? Number.POSITIVE_INFINITY)
      if (nextMs === Number.POSITIVE_INFINITY) return this.finish()
      if (nextMs < this.nowMs) throw new Error(`time goes back from ${this.nowMs} to ${nextMs}`)
      this.nowMs = nextMs
      if (next?.endMs === nextMs) this.complete(next)
    }
  }

  private takeArrivals(): void {
    for (;;) {
      while (this.core.needsRows) this.feed()
      const request = this.core.popReady(this.nowMs, this.running.length)
      if (request === undefined) {
        if (this.core.needsRows) continue
        return
      }
      this.requests.push(request)
      this.dispatchMs.push(this.nowMs)
      const served = this.options.isRejected(request) ? 0 : this.options.serviceMs(request)
      this.running.push({ request, endMs: this.nowMs + served })
      this.mostInFlight = Math.max(this.mostInFlight, this.running.length)
    }
  }

  private feed(): void {
    const { chunkRows, rows } = this.options
    if (this.handedOver === rows.length) {
      this.core.endRows()
      if (this.core.needsRows) throw new Error("the core asks for rows after their end")
      return
    }
    this.core.pushRows(rows.slice(this.handedOver, this.handedOver + chunkRows))
    this.handedOver = Math.min(rows.length, this.handedOver + chunkRows)
    this.mostRowsAhead = Math.max(this.mostRowsAhead, this.handedOver - this.requests.length)
  }

  private complete(run: { readonly request: SimRequest; readonly endMs: number }): void {
    this.running.splice(this.running.indexOf(run), 1)
    this.endMs[run.request.id] = run.endMs
    const rejected = this.options.isRejected(run.request)
    if (!rejected) run.request.emittedTokens = run.request.outputTokens
    run.request.status = rejected ? "rejected" : "completed"
    this.core.onTerminal(run.request, this.nowMs)
  }

  private finish(): void {
    if (!this.core.drained) throw new Error("the core is not drained, but nothing will ever happen again")
  }
}

export const drive = (core: WorkloadCore, options: DriveOptions): Drive => {
  const driver = new Driver(core, options)
  driver.run()
  return driver
}

export const row = (line: number, fields: Partial<TraceRow> = {}): TraceRow => ({
  line,
  timestampMs: undefined,
  promptTokens: 64,
  outputTokens: 1,
  hashIds: [line],
  sessionId: undefined,
  delayMs: undefined,
  outputTokenIds: undefined,
  requestId: undefined,
  priority: 0,
  strictPriority: 0,
  policyClass: undefined,
  ...fields
})

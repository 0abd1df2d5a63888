/**
 * Open loop over a graph of requests.
 *
 * A request that waits for nothing is ready at `(timestamp - origin) / speedup`, or at 0 without a timestamp. Any other
 * is ready when the last of its dependencies is terminal (completed or rejected), plus its own wait divided by the
 * speedup; its timestamp plays no part. Ready requests go in the order (ready time, position in the trace).
 */
import type { SimRequest } from "../request/SimRequest.ts"
import type { RequestGraph } from "../trace/RequestGraph.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import { ArrivalFrontier } from "./ArrivalFrontier.ts"
import { ReadyHeap } from "./ReadyHeap.ts"
import { RequestFactory } from "./RequestFactory.ts"
import type { PromptOptions } from "./RequestFactory.ts"
import { RowStore } from "./RowStore.ts"
import type { WorkloadCore } from "./WorkloadCore.ts"

export interface AgenticOptions extends PromptOptions {
  readonly graph: RequestGraph
  /** Trace time that becomes 0. */
  readonly originMs: number
  readonly arrivalSpeedup: number
  /** Rows come so that none is ready before a root that came earlier; otherwise all are read first. */
  readonly streamable: boolean
}

/** Not read yet. */
const noRow = -1

export class AgenticCore implements WorkloadCore {
  readonly kind = "open"
  readonly limit = Number.POSITIVE_INFINITY
  private readonly options: AgenticOptions
  private readonly rows = new RowStore()
  private readonly ready = new ReadyHeap()
  private readonly requests: RequestFactory
  private readonly frontier: ArrivalFrontier
  /** Dependencies that are not terminal yet, per request. */
  private readonly missing: Uint32Array
  /** End of the last dependency so far, per request. */
  private readonly releasedMs: Float64Array
  /** Row of each request that had to wait when it was read. */
  private readonly rowOf: Float64Array
  /** Sessions of those rows that name one. */
  private readonly sessionOf = new Map<number, string>()
  private read = 0
  private ended = false
  private inFlight = 0

  constructor(options: AgenticOptions) {
    const { graph } = options
    this.options = options
    this.requests = new RequestFactory(options, this.rows)
    this.frontier = new ArrivalFrontier(options.streamable)
    this.missing = graph.dependencies.slice()
    this.releasedMs = new Float64Array(graph.requests)
    this.rowOf = new Float64Array(graph.requests).fill(noRow)
  }

  get needsRows(): boolean {
    return !this.ended && !this.frontier.hasPassed(this.ready.headMs)
  }

  pushRows(rows: ReadonlyArray<TraceRow>): void {
    for (const row of rows) this.add(row, this.read++)
  }

  endRows(): void {
    this.ended = true
  }

  nextReadyMs(): number {
    return this.ready.headMs
  }

  popReady(nowMs: number): SimRequest | undefined {
    const { ready } = this
    const arrivalMs = ready.headMs
    if (arrivalMs > nowMs || ready.length === 0 || this.needsRows) return undefined
    const workloadKey = ready.headKey
    const sessionId = this.sessionOf.get(workloadKey) ?? null
    this.sessionOf.delete(workloadKey)
    const request = this.requests.make({ row: ready.headRow, sessionId, turnIndex: 0, arrivalMs, workloadKey })
    ready.pop()
    this.inFlight += 1
    return request
  }

  onTerminal({ workloadKey }: SimRequest, nowMs: number): void {
    const { dependentEnds, dependents } = this.options.graph
    this.inFlight -= 1
    const end = dependentEnds[workloadKey]!
    for (let edge = workloadKey === 0 ? 0 : dependentEnds[workloadKey - 1]!; edge < end; edge++) {
      const dependent = dependents[edge]!
      this.releasedMs[dependent] = Math.max(this.releasedMs[dependent]!, nowMs)
      this.missing[dependent]! -= 1
      const row = this.rowOf[dependent]!
      if (this.missing[dependent] === 0 && row !== noRow) this.release(dependent, row)
    }
  }

  get drained(): boolean {
    return this.ended && this.inFlight === 0 && this.ready.length === 0
  }

  /** The workload keeps no blocks: a prompt becomes blocks when it is dispatched. */
  markBlocks(): void {}

  private add(row: TraceRow, request: number): void {
    const { arrivalSpeedup, graph, originMs } = this.options
    const handle = this.rows.add(row, (row.delayMs ?? 0) / arrivalSpeedup)
    if (row.sessionId !== undefined) this.sessionOf.set(request, row.sessionId)
    if (graph.dependencies[request] === 0) {
      const readyMs = row.timestampMs === undefined ? 0 : (row.timestampMs - originMs) / arrivalSpeedup
      this.frontier.raise(readyMs)
      this.ready.push(readyMs, request, 0, handle, request)
    } else if (this.missing[request] === 0) {
      this.release(request, handle)
    } else {
      this.rowOf[request] = handle
    }
  }

  private release(request: number, row: number): void {
    this.ready.push(this.releasedMs[request]! + this.rows.delayMs(row), request, 0, row, request)
  }
}

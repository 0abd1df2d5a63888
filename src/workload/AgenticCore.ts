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
import { ReadyQueueCore } from "./ReadyQueueCore.ts"
import type { PromptOptions } from "./RequestFactory.ts"

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

export class AgenticCore extends ReadyQueueCore {
  private readonly options: AgenticOptions
  /** Dependencies that are not terminal yet, per request. */
  private readonly missing: Uint32Array
  /** End of the last dependency so far, per request. */
  private readonly releasedMs: Float64Array
  /** Row of each request that had to wait when it was read. */
  private readonly rowOf: Float64Array
  /** Sessions of those rows that name one. */
  private readonly sessionOf = new Map<number, string>()
  private read = 0

  constructor(options: AgenticOptions) {
    super(options, options.streamable)
    const { graph } = options
    this.options = options
    this.missing = graph.dependencies.slice()
    this.releasedMs = new Float64Array(graph.requests)
    this.rowOf = new Float64Array(graph.requests).fill(noRow)
  }

  pushRows(rows: ReadonlyArray<TraceRow>): void {
    for (const row of rows) this.add(row, this.read++)
  }

  protected makeRequest(arrivalMs: number): SimRequest {
    const { ready } = this
    const workloadKey = ready.headKey
    const sessionId = this.sessionOf.get(workloadKey) ?? null
    this.sessionOf.delete(workloadKey)
    return this.requests.make({ row: ready.headRow, sessionId, turnIndex: 0, isLastTurn: null, arrivalMs, workloadKey })
  }

  protected followUp({ workloadKey }: SimRequest, nowMs: number): void {
    const { dependentEnds, dependents } = this.options.graph
    const end = dependentEnds[workloadKey]!
    for (let edge = workloadKey === 0 ? 0 : dependentEnds[workloadKey - 1]!; edge < end; edge++) {
      const dependent = dependents[edge]!
      this.releasedMs[dependent] = Math.max(this.releasedMs[dependent]!, nowMs)
      this.missing[dependent]! -= 1
      const row = this.rowOf[dependent]!
      if (this.missing[dependent] === 0 && row !== noRow) this.release(dependent, row)
    }
  }

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

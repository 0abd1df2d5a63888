/** Requests for a timeline, each from its arrival to its end with its stages one after the other; times in simulated ms. */
import type { RequestStatus, SimRequest } from "../request/SimRequest.ts"
import { NumberRows } from "../structures/NumberRows.ts"

/** Time without KV: from a preemption to the next admission; infinite where there was none. */
export interface Preemption {
  readonly startMs: number
  endMs: number
}

/** By their numbers in {@link requestColumn}. */
export const statuses: ReadonlyArray<RequestStatus> = ["in_flight", "completed", "rejected", "failed"]

/** Where the row of a request has what. */
export const requestColumn = {
  id: 0,
  startMs: 1,
  /** Not before its start. */
  endMs: 2,
  status: 3,
  promptTokens: 4,
  emittedTokens: 5,
  reusedTokens: 6,
  /** `-1` before routing. */
  workerIndex: 7,
  /** `-1` but in disaggregated runs. */
  prefillWorkerIndex: 8,
  /** Whether it goes from one worker to another after its prefill: 0 or 1. */
  handedOver: 9,
  /** Starts of the second, third and fourth stage; `NaN`, or after its end, for those never reached. */
  turns: 10
} as const
const columns = requestColumn
const width = columns.turns + 3

export const never: ReadonlyArray<Preemption> = []

export class RequestSpans {
  /** Numbers, see {@link requestColumn}. */
  readonly rows = new NumberRows(width)
  /** Names that the trace gives, by row; shorter where those of the last rows are missing, and none for most traces. */
  private readonly names: Array<string | null> = []
  /** By request; most have none. */
  private readonly preemptions = new Map<number, ReadonlyArray<Preemption>>()

  get length(): number {
    return this.rows.length
  }

  /** Adds a request as of `nowMs`, which ends it unless its last token did. */
  add(request: SimRequest, nowMs: number, preemptions: ReadonlyArray<Preemption> | undefined): void {
    const { rows } = this
    const { arrivalMs, handoff } = request
    const row = rows.add()
    const { cells } = rows
    cells[row + columns.id] = request.id
    cells[row + columns.startMs] = arrivalMs
    cells[row + columns.endMs] = endOf(request, nowMs)
    cells[row + columns.status] = statuses.indexOf(request.status)
    cells[row + columns.promptTokens] = request.promptTokens
    cells[row + columns.emittedTokens] = request.emittedTokens
    cells[row + columns.reusedTokens] = request.reusedTokens
    cells[row + columns.workerIndex] = request.workerIndex
    cells[row + columns.prefillWorkerIndex] = handoff === null ? -1 : handoff.prefillWorkerIndex
    cells[row + columns.handedOver] = handoff === null ? 0 : 1
    cells[row + columns.turns] = handoff === null ? request.firstAdmitMs : handoff.prefillAdmitMs
    cells[row + columns.turns + 1] = handoff === null ? request.firstTokenMs : handoff.sourceHeldMs
    cells[row + columns.turns + 2] = handoff === null ? Number.NaN : handoff.decodeAdmitMs
    if (request.requestId !== null) this.nameRow(rows.length - 1, request.requestId)
    if (preemptions !== undefined) this.preemptions.set(request.id, preemptions)
  }

  private nameRow(row: number, name: string): void {
    while (this.names.length < row) this.names.push(null)
    this.names.push(name)
  }

  /** Lets go of requests whose number is not divisible. */
  keepEvery(every: number): void {
    const { names, preemptions, rows } = this
    let kept = 0
    for (let row = 0; row < rows.length; row++) {
      const id = rows.get(row, columns.id)
      if (id % every !== 0) {
        preemptions.delete(id)
        continue
      }
      rows.copy(row, kept)
      if (kept < names.length) names[kept] = names[row] ?? null
      kept += 1
    }
    rows.truncate(kept)
    names.length = Math.min(names.length, kept)
  }

  /** The name that the trace gives to the request of this row; `null` where it gives none. */
  nameOf(row: number): string | null {
    return this.names[row] ?? null
  }

  /** When the request of this number had no KV. */
  preemptionsOf(id: number): ReadonlyArray<Preemption> {
    return this.preemptions.size === 0 ? never : (this.preemptions.get(id) ?? never)
  }
}

export const endOf = ({ arrivalMs, lastTokenMs, status }: SimRequest, nowMs: number): number =>
  Math.max(arrivalMs, status === "completed" && !Number.isNaN(lastTokenMs) ? lastTokenMs : nowMs)

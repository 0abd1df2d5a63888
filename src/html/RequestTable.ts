/** The requests of a run as the page shows them: gathered while the run goes on, packed at its end. */
import type { RequestRecord } from "../request/SimRequest.ts"
import { packColumn, type PackedColumn } from "./PackedColumns.ts"

/** Name, step of quantisation in its unit, value; `NaN` for none. */
const columns: ReadonlyArray<readonly [name: string, step: number, of: (record: RequestRecord) => number]> = [
  ["number", 1, ({ id }) => id],
  ["arrival_ms", 1, ({ arrivalMs }) => arrivalMs],
  ["queued_ms", 0.1, ({ arrivalMs, firstAdmitMs }) => firstAdmitMs - arrivalMs],
  ["ttft_ms", 0.1, ({ arrivalMs, firstTokenMs }) => firstTokenMs - arrivalMs],
  ["tpot_ms", 0.01, (record) => (record.lastTokenMs - record.firstTokenMs) / (record.emittedTokens - 1)],
  ["e2e_ms", 1, ({ arrivalMs, lastTokenMs }) => lastTokenMs - arrivalMs],
  ["input_tokens", 1, ({ promptTokens }) => promptTokens],
  ["output_tokens", 1, ({ emittedTokens }) => emittedTokens],
  ["reused_tokens", 1, ({ sharedReusedTokens }) => sharedReusedTokens],
  ["worker", 1, ({ workerIndex }) => (workerIndex < 0 ? Number.NaN : workerIndex)]
]

/** More would make the file too large to open with pleasure. */
export const mostRequestsShown = 50_000

export interface PackedRequests {
  readonly requests: number
  /** One request of so many is in the table. */
  readonly every: number
  readonly columns: Readonly<Record<string, PackedColumn>>
}

export class RequestTable {
  private readonly isMeasured: ((record: RequestRecord) => boolean) | undefined
  private rows: Array<ReadonlyArray<number>> = []
  private every = 1
  private requests = 0

  /** `isMeasured`: whether a request counts, where not all of them do; is asked once for each. A column says it. */
  constructor(isMeasured?: (record: RequestRecord) => boolean) {
    this.isMeasured = isMeasured
  }

  add(record: RequestRecord): void {
    this.requests += 1
    const measured = this.isMeasured === undefined ? [] : [Number(this.isMeasured(record))]
    if (record.id % this.every !== 0) return
    this.rows.push([...columns.map(([, , of]) => of(record)), ...measured])
    if (this.rows.length <= mostRequestsShown) return
    this.every *= 2
    this.rows = this.rows.filter(([number = 0]) => number % this.every === 0)
  }

  pack(): PackedRequests {
    const rows = this.rows.toSorted(([left = 0], [right = 0]) => left - right)
    const shown = this.isMeasured === undefined ? columns : [...columns, ["measured", 1] as const]
    const packed = shown.map(([name, step], index) => {
      const values = rows.map((row) => row[index] ?? Number.NaN)
      return [name, packColumn(values, step, index < 2)] as const
    })
    return { requests: this.requests, every: this.every, columns: Object.fromEntries(packed) }
  }
}

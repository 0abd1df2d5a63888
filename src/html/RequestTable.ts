/** The requests of a run as the page shows them: gathered while the run goes on, packed at its end. */
import type { RequestRecord } from "../request/SimRequest.ts"
import { NumberRows } from "../structures/NumberRows.ts"
import { packColumn, type PackedColumn } from "./PackedColumns.ts"

/** What an unfinished request comes to is not known yet. */
const completed = (status: RequestRecord["status"], value: number): number =>
  status === "completed" ? value : Number.NaN

/** Name, step of quantisation in its unit, value; `NaN` for none. */
const columns: ReadonlyArray<readonly [name: string, step: number, of: (record: RequestRecord) => number]> = [
  ["number", 1, ({ id }) => id],
  ["arrival_ms", 1, ({ arrivalMs }) => arrivalMs],
  ["queued_ms", 0.1, ({ arrivalMs, firstAdmitMs }) => firstAdmitMs - arrivalMs],
  ["ttft_ms", 0.1, ({ arrivalMs, firstTokenMs }) => firstTokenMs - arrivalMs],
  [
    "tpot_ms",
    0.01,
    ({ emittedTokens, firstTokenMs, lastTokenMs, status }) =>
      completed(status, (lastTokenMs - firstTokenMs) / (emittedTokens - 1))
  ],
  ["e2e_ms", 1, ({ arrivalMs, lastTokenMs, status }) => completed(status, lastTokenMs - arrivalMs)],
  ["input_tokens", 1, ({ promptTokens }) => promptTokens],
  ["output_tokens", 1, ({ emittedTokens }) => emittedTokens],
  ["reused_tokens", 1, ({ sharedReusedTokens }) => sharedReusedTokens],
  ["worker", 1, ({ workerIndex }) => (workerIndex < 0 ? Number.NaN : workerIndex)]
]

const numberColumn = 0
const measuredColumn = columns.length

/** More would make the file too large to open with pleasure. */
export const mostRequestsShown = 50_000

/** Two to a power, so that numbers of requests up to 2^36 keep their row. */
const moreThanRows = 2 ** 17

export interface PackedRequests {
  readonly requests: number
  /** One request of so many is in the table. */
  readonly every: number
  readonly columns: Readonly<Record<string, PackedColumn>>
}

export class RequestTable {
  private readonly isMeasured: ((record: RequestRecord) => boolean) | undefined
  private readonly rows = new NumberRows(columns.length + 1)
  private every = 1
  private requests = 0

  /** `isMeasured`: whether a request counts, where not all of them do; is asked once for each. A column says it. */
  constructor(isMeasured?: (record: RequestRecord) => boolean) {
    this.isMeasured = isMeasured
  }

  add(record: RequestRecord): void {
    this.requests += 1
    const isMeasured = this.isMeasured?.(record) === true
    if (record.id % this.every !== 0) return
    const { rows } = this
    const row = rows.add()
    const { cells } = rows
    for (let column = 0; column < columns.length; column++) cells[row + column] = columns[column]![2](record)
    cells[row + measuredColumn] = Number(isMeasured)
    if (rows.length > mostRequestsShown) this.halve()
  }

  pack(): PackedRequests {
    const order = this.rowsByNumber()
    const shown = this.isMeasured === undefined ? columns : [...columns, ["measured", 1] as const]
    const packed = shown.map(
      ([name, step], column) => [name, packColumn(this.valuesOf(column, order), step, column < 2)] as const
    )
    return { requests: this.requests, every: this.every, columns: Object.fromEntries(packed) }
  }

  private valuesOf(column: number, order: Float64Array): Float64Array {
    const values = new Float64Array(order.length)
    for (let index = 0; index < order.length; index++) values[index] = this.rows.get(order[index]!, column)
    return values
  }

  /** Sorted as numbers that end in the row: many times cheaper than by comparing rows. */
  private rowsByNumber(): Float64Array {
    const { rows } = this
    const keys = new Float64Array(rows.length)
    for (let row = 0; row < keys.length; row++) keys[row] = rows.get(row, numberColumn) * moreThanRows + row
    keys.sort()
    for (let index = 0; index < keys.length; index++) keys[index]! %= moreThanRows
    return keys
  }

  /** Keeps every second request. */
  private halve(): void {
    const { rows } = this
    this.every *= 2
    let kept = 0
    for (let row = 0; row < rows.length; row++) {
      if (rows.get(row, numberColumn) % this.every === 0) rows.copy(row, kept++)
    }
    rows.truncate(kept)
  }
}

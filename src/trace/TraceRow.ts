import type { HashIds } from "../request/HashId.ts"

/** One request row of a trace, as read: checked by schema, units in the names, nothing scaled yet. */
export interface TraceRow {
  /** Physical line in its file, from 1; what error messages and implicit sessions refer to. */
  readonly line: number
  readonly timestampMs: number | undefined
  /** Prompt length after clamping to what the hash ids can supply. */
  readonly promptTokens: number
  readonly outputTokens: number
  /** One id per trace block. */
  readonly hashIds: HashIds
  readonly sessionId: string | undefined
  readonly delayMs: number | undefined
  /** Exact generated tokens, where the trace plans them; length `outputTokens`. */
  readonly outputTokenIds: ArrayLike<number> | undefined
  readonly requestId: string | undefined
  readonly priority: number
  readonly strictPriority: number
  readonly policyClass: string | undefined
  /** Class of requests that it belongs to, by which reports tell results apart. */
  readonly className?: string | undefined
  /** Fields that change nothing in a simulation but go along into the per-request lines. */
  readonly annotations?: Readonly<Record<string, unknown>>
}

/** A row that says no more than it must; formats that everybody reads write theirs out, in an order of their own. */
export const plainRow = (
  row: Pick<TraceRow, "line" | "timestampMs" | "promptTokens" | "outputTokens" | "hashIds">
    & Partial<Pick<TraceRow, "sessionId" | "delayMs" | "requestId" | "className">> & {
      readonly annotations?: Readonly<Record<string, unknown>> | undefined
    }
): TraceRow => ({
  line: row.line,
  timestampMs: row.timestampMs,
  promptTokens: row.promptTokens,
  outputTokens: row.outputTokens,
  hashIds: row.hashIds,
  sessionId: row.sessionId,
  delayMs: row.delayMs,
  outputTokenIds: undefined,
  requestId: row.requestId,
  priority: 0,
  strictPriority: 0,
  policyClass: undefined,
  ...(row.className === undefined ? {} : { className: row.className }),
  ...(row.annotations === undefined ? {} : { annotations: row.annotations })
})

/** Requests and trace rows for tests. */
import { noRoutingHints, SimRequest } from "../../src/request/SimRequest.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"

export interface RequestSpec {
  readonly id?: number
  readonly promptTokens: number
  readonly outputTokens: number
  /** Identities of the full blocks of the prompt. */
  readonly blocks: ArrayLike<number>
  readonly arrivalMs?: number
}

export const request = (spec: RequestSpec): SimRequest =>
  new SimRequest({
    id: spec.id ?? 0,
    sessionId: null,
    turnIndex: 0,
    requestId: null,
    promptTokens: spec.promptTokens,
    outputTokens: spec.outputTokens,
    blocks: Int32Array.from(spec.blocks),
    arrivalMs: spec.arrivalMs ?? 0,
    hints: noRoutingHints,
    annotations: null,
    workloadKey: 0
  })

/** `count` block identities from `first` on. */
export const blocksFrom = (first: number, count: number): Int32Array =>
  Int32Array.from({ length: count }, (_, index) => first + index)

export interface RowSpec {
  readonly timestampMs?: number | undefined
  readonly promptTokens: number
  readonly outputTokens: number
  readonly hashIds: ArrayLike<number>
  readonly sessionId?: string | undefined
  readonly delayMs?: number | undefined
  readonly outputTokenIds?: ArrayLike<number> | undefined
}

/** A trace row; `line` counts from 1. */
export const row = (spec: RowSpec, line = 1): TraceRow => ({
  line,
  timestampMs: spec.timestampMs,
  promptTokens: spec.promptTokens,
  outputTokens: spec.outputTokens,
  hashIds: spec.hashIds,
  sessionId: spec.sessionId,
  delayMs: spec.delayMs,
  outputTokenIds: spec.outputTokenIds,
  requestId: undefined,
  priority: 0,
  strictPriority: 0,
  policyClass: undefined
})

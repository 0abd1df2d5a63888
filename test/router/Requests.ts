/** Requests and contexts for router tests. */
import { noRoutingHints, type RoutingHints, SimRequest } from "../../src/request/SimRequest.ts"
import type { RouterContext } from "../../src/router/Router.ts"

export interface RequestSpec {
  readonly id?: number
  readonly promptTokens: number
  readonly outputTokens?: number
  readonly blocks?: ArrayLike<number>
  readonly hints?: Partial<RoutingHints>
}

export const request = (spec: RequestSpec): SimRequest =>
  new SimRequest({
    id: spec.id ?? 0,
    sessionId: null,
    turnIndex: 0,
    requestId: null,
    promptTokens: spec.promptTokens,
    outputTokens: spec.outputTokens ?? 10,
    blocks: Int32Array.from(spec.blocks ?? []),
    arrivalMs: 0,
    hints: { ...noRoutingHints, ...spec.hints },
    annotations: null,
    workloadKey: 0
  })

export const context = (changes?: Partial<RouterContext>): RouterContext => ({
  workers: 4,
  blockTokens: 64,
  maxNumBatchedTokens: 8192,
  queuePolicy: undefined,
  role: "aggregated",
  ...changes
})

/** `count` block identities from `first` on. */
export const blocksFrom = (first: number, count: number): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => first + i)

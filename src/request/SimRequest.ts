/**
 * One request on its way through a simulation, and afterwards its record.
 *
 * The workload creates it at dispatch, the router and the engines fill it in, and once it is terminal it
 * leaves the simulation as a {@link RequestRecord}: the same object seen through a read-only type, so a
 * finished request costs no copy.
 */

/** How a request ended. `in_flight` marks one that was cut off by the end of the run. */
export type RequestStatus = "in_flight" | "completed" | "rejected" | "failed"

/** Simulated times and choices of a disaggregated hand-off; `NaN` or `-1` until the stage is reached. */
export interface HandoffStamps {
  prefillWorkerIndex: number
  prefillAdmitMs: number
  sourceHeldMs: number
  destinationReservedMs: number
  destinationActivatedMs: number
  decodeAdmitMs: number
  sourceReleasedMs: number
  prefillReusedTokens: number
  decodeReusedTokens: number
  prefillRouteOverlapTokens: number
  decodeRouteOverlapTokens: number
}

/** What KV tiers below the device did for a request. */
export interface TierUse {
  /** Prompt tokens of its first admission that had been loaded for it, by where they lay. */
  hostReusedTokens: number
  diskReusedTokens: number
  objectReusedTokens: number
  /** Time that it was parked while blocks were loaded for it, ms. */
  onboardWaitMs: number
  /** Time that it waited for evicted blocks to be copied, ms. */
  offloadWaitMs: number
}

export const noTierUse = (): TierUse => ({
  hostReusedTokens: 0,
  diskReusedTokens: 0,
  objectReusedTokens: 0,
  onboardWaitMs: 0,
  offloadWaitMs: 0
})

/** What the router may read from a trace row, apart from the prompt. */
export interface RoutingHints {
  /** Seconds of head start in the router queue (fcfs, lcfs) or weight bonus (wspt); never negative. */
  readonly priority: number
  /** Priority in the engine's own queue, as the row gives it; smaller goes first (vLLM's `policy: priority`). */
  readonly enginePriority: number
  /** Strict tier in the router queue; a higher tier always goes first. */
  readonly strictPriority: number
  /** Policy class or policy family named by the row. */
  readonly policyClass: string | null
}

/** Of a request that asks for nothing special. */
export const noRoutingHints: RoutingHints = { priority: 0, enginePriority: 0, strictPriority: 0, policyClass: null }

/** Of a prompt without a full block. */
export const emptyBlocks: Int32Array = new Int32Array(0)

/** The finished (or cut-off) request as sinks see it. Times in simulated ms; `NaN` where never reached. */
export interface RequestRecord {
  readonly _tag: "Request"
  /** Dispatch order within the run, from 0. */
  readonly id: number
  /** Session named by the trace, `null` for a row that names none. */
  readonly sessionId: string | null
  readonly turnIndex: number
  /** Whether its session ends with it; `null` where nobody knows, as in graphs. */
  readonly isLastTurn: boolean | null
  /** Class of requests named by the trace or the workload file, `null` for none. */
  readonly className: string | null
  /** Request id named by the trace, `null` where the format has none. */
  readonly requestId: string | null
  readonly promptTokens: number
  /** Output tokens asked for; {@link RequestRecord.emittedTokens} says how many came. */
  readonly outputTokens: number
  readonly arrivalMs: number
  readonly firstAdmitMs: number
  readonly firstAdmissionReusedTokens: number
  /** Largest prefix-cache reuse over all admissions, in tokens. */
  readonly reusedTokens: number
  /** Prompt tokens whose KV it found because another request, or an earlier turn, had computed them. */
  readonly sharedReusedTokens: number
  readonly firstTokenMs: number
  readonly secondTokenMs: number
  readonly lastTokenMs: number
  readonly emittedTokens: number
  /** Worker that decoded it; `-1` before routing. */
  readonly workerIndex: number
  /** Prefix tokens the router expected to find on the chosen worker. */
  readonly routeOverlapTokens: number
  readonly status: RequestStatus
  /** Present in disaggregated runs only. */
  readonly handoff: HandoffStamps | null
  /** Present where its workers have KV tiers. */
  readonly tiers: Readonly<TierUse> | null
  /** Trace fields that the simulation does not use but the per-request lines carry. */
  readonly annotations: Readonly<Record<string, unknown>> | null
}

/** Everything known of a request when it is dispatched. */
export interface SimRequestInit {
  readonly id: number
  readonly sessionId: string | null
  readonly turnIndex: number
  /** `null` (the default) where nobody knows. */
  readonly isLastTurn?: boolean | null
  /** `null` (the default) for none. */
  readonly className?: string | null
  readonly requestId: string | null
  readonly promptTokens: number
  readonly outputTokens: number
  /**
   * Identities of the full KV blocks of the prompt, in order; when the trace plans the generated tokens too,
   * followed by the blocks that those complete. Length `floor(known tokens / block tokens)`.
   */
  readonly blocks: Int32Array
  /** The trace says which tokens will be generated, not only how many. Default: it does not. */
  readonly plansOutput?: boolean
  readonly arrivalMs: number
  readonly hints: RoutingHints
  readonly annotations: Readonly<Record<string, unknown>> | null
  /** Handle of the workload that made the request; opaque to everybody else. */
  readonly workloadKey: number
}

/** A request while it is simulated. Engines and routers write to it how far it has come; sinks see it as {@link RequestRecord}. */
export class SimRequest implements RequestRecord {
  readonly _tag = "Request"
  readonly id: number
  readonly sessionId: string | null
  readonly turnIndex: number
  readonly isLastTurn: boolean | null
  readonly className: string | null
  readonly requestId: string | null
  readonly promptTokens: number
  readonly outputTokens: number
  readonly plansOutput: boolean
  readonly arrivalMs: number
  readonly hints: RoutingHints
  readonly annotations: Readonly<Record<string, unknown>> | null
  readonly workloadKey: number
  blocks: Int32Array
  firstAdmitMs = Number.NaN
  firstAdmissionReusedTokens = 0
  reusedTokens = 0
  sharedReusedTokens = 0
  firstTokenMs = Number.NaN
  secondTokenMs = Number.NaN
  lastTokenMs = Number.NaN
  emittedTokens = 0
  workerIndex = -1
  routeOverlapTokens = 0
  status: RequestStatus = "in_flight"
  handoff: HandoffStamps | null = null
  tiers: TierUse | null = null
  /** Leading tokens that it has found or computed so far. */
  private knownToCache = 0

  constructor(init: SimRequestInit) {
    this.id = init.id
    this.sessionId = init.sessionId
    this.turnIndex = init.turnIndex
    this.isLastTurn = init.isLastTurn ?? null
    this.className = init.className ?? null
    this.requestId = init.requestId
    this.promptTokens = init.promptTokens
    this.outputTokens = init.outputTokens
    this.plansOutput = init.plansOutput ?? false
    this.blocks = init.blocks
    this.arrivalMs = init.arrivalMs
    this.hints = init.hints
    this.annotations = init.annotations
    this.workloadKey = init.workloadKey
  }

  /** Notes an admission to a worker's batch: the first one is kept, the reuse is the largest of all. */
  admitted(nowMs: number, reusedTokens: number): void {
    if (Number.isNaN(this.firstAdmitMs)) {
      this.firstAdmitMs = nowMs
      this.firstAdmissionReusedTokens = reusedTokens
    }
    if (reusedTokens > this.reusedTokens) this.reusedTokens = reusedTokens
    this.sharedReusedTokens += Math.max(0, Math.min(reusedTokens, this.promptTokens) - this.knownToCache)
    this.computedUpTo(reusedTokens)
  }

  /** Its KV is there up to `tokens`: whatever of it a later admission finds is its own work, not somebody else's. */
  computedUpTo(tokens: number): void {
    if (tokens > this.knownToCache) this.knownToCache = tokens
  }

  /** Notes on the hand-off that an admission was to a prefill batch. */
  admittedToPrefill(nowMs: number, reusedTokens: number): void {
    const { handoff } = this
    if (handoff === null) return
    if (Number.isNaN(handoff.prefillAdmitMs)) handoff.prefillAdmitMs = nowMs
    handoff.prefillReusedTokens = Math.max(handoff.prefillReusedTokens, reusedTokens)
  }

  /** Notes on the hand-off that an admission was to a decode batch. */
  admittedToDecode(nowMs: number, reusedTokens: number): void {
    const { handoff } = this
    if (handoff === null) return
    if (Number.isNaN(handoff.decodeAdmitMs)) handoff.decodeAdmitMs = nowMs
    handoff.decodeReusedTokens = Math.max(handoff.decodeReusedTokens, reusedTokens)
  }

  /** The same request, about to start again after its worker was lost: nothing of it has been computed, it arrived when it did. */
  again(): SimRequest {
    return new SimRequest(this)
  }

  /** Drops what only the simulation needed: from here on it is a record. */
  letGo(): void {
    this.blocks = emptyBlocks
  }
}

/**
 * What a worker shows of the decisions inside its passes, to whoever installed a probe.
 *
 * Calls come while a pass is computed, in the order of the decisions; the pass's own times and totals follow in its
 * `PassOutcome`. A probe only looks: it must not change a request, and what it throws ends the run as a defect. Without a probe
 * a worker makes none of these calls.
 */
import type { SimRequest } from "../request/SimRequest.ts"
import type { DecisionProbe } from "./DecisionProbe.ts"

/** Hooks for the inside of a worker's passes, each optional. Times in simulated ms. */
export interface WorkerProbe {
  /** Takes the log of whole scheduling calls and deliveries, which workers of the vLLM profiles keep for whoever asks. */
  readonly decisions?: DecisionProbe | undefined
  /**
   * The request joins the batch; `cachedTokens` of its known tokens need no computing. A request may be admitted more than
   * once: after a preemption, and in SGLang style with every chunk of its prompt.
   */
  readonly admitted?: ((request: SimRequest, nowMs: number, cachedTokens: number) => void) | undefined
  /** The pass computes `tokens` of the request, `promptTokens` of them charged as prefill. */
  readonly scheduled?: ((request: SimRequest, tokens: number, promptTokens: number) => void) | undefined
  /** The request loses its KV blocks and waits to be computed again: at the start of the pass, or where its decode part starts. */
  readonly preempted?: ((request: SimRequest, nowMs: number) => void) | undefined
  /** So many cached blocks that nobody held were given up for new ones. */
  readonly evicted?: ((blocks: number) => void) | undefined
  /** The request emits `tokens` output tokens at `tokenMs`; a prefill worker's are hidden. */
  readonly emitted?: ((request: SimRequest, tokens: number, tokenMs: number) => void) | undefined
  /** The request's first visible token comes at `tokenMs`, which is its `firstTokenMs` from here on. */
  readonly firstToken?: ((request: SimRequest, tokenMs: number) => void) | undefined
  /**
   * So many visible tokens of the pass come `gapMs` after the token before them of the same request. Not told of passes that are computed
   * ahead of time: all of their tokens follow the pass before.
   */
  readonly tokenGap?: ((gapMs: number, tokens: number) => void) | undefined
}

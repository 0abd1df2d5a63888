/**
 * A request in an online deployment, with what has been seen of it so far.
 *
 * A worker core computes a pass at its start and writes the times it plans on the request. What counts online is what is seen
 * when the pass is over, so measured times live here and replace the planned ones when the request becomes a record.
 */
import type { SimRequest } from "../request/SimRequest.ts"

export class LiveRequest {
  readonly request: SimRequest
  /** Output tokens its worker has computed; those of the pass under way have not been emitted yet. */
  computedTokens = 0
  emittedTokens = 0
  /** Measured times, `NaN` until reached. */
  admittedMs = Number.NaN
  prefillAdmittedMs = Number.NaN
  decodeAdmittedMs = Number.NaN
  firstTokenMs = Number.NaN
  secondTokenMs = Number.NaN
  lastTokenMs = Number.NaN
  /** Nobody waits for it any more. */
  aborted = false

  constructor(request: SimRequest) {
    this.request = request
  }

  /** A pass started at `nowMs` that may have taken the request in. */
  noteAdmissions(nowMs: number): void {
    const { firstAdmitMs, handoff } = this.request
    if (Number.isNaN(this.admittedMs) && !Number.isNaN(firstAdmitMs)) this.admittedMs = nowMs
    if (handoff === null) return
    if (Number.isNaN(this.prefillAdmittedMs) && !Number.isNaN(handoff.prefillAdmitMs)) this.prefillAdmittedMs = nowMs
    if (Number.isNaN(this.decodeAdmittedMs) && !Number.isNaN(handoff.decodeAdmitMs)) this.decodeAdmittedMs = nowMs
  }

  /** `tokens` output tokens left the deployment together. */
  emit(tokens: number, stampMs: number): void {
    if (this.emittedTokens === 0) this.firstTokenMs = stampMs
    if (this.emittedTokens < 2 && this.emittedTokens + tokens >= 2) this.secondTokenMs = stampMs
    this.emittedTokens += tokens
    this.lastTokenMs = stampMs
  }

  /** Writes what was measured over what was planned. */
  stamp(): SimRequest {
    const { request } = this
    request.firstAdmitMs = this.admittedMs
    request.firstTokenMs = this.firstTokenMs
    request.secondTokenMs = this.secondTokenMs
    request.lastTokenMs = this.lastTokenMs
    request.emittedTokens = this.emittedTokens
    if (request.handoff !== null) {
      request.handoff.prefillAdmitMs = this.prefillAdmittedMs
      request.handoff.decodeAdmitMs = this.decodeAdmittedMs
    }
    return request
  }
}

/**
 * Sums over the requests that count: those that were admitted and have a token, however they ended.
 *
 * A request cut off by the end of the run counts with the tokens it has, a rejected one never has any.
 */
import type { RequestRecord } from "../request/SimRequest.ts"
import type { ServiceLevel } from "./ReportOptions.ts"

export class RequestTotals {
  requests = 0
  inputTokens = 0
  /** Output tokens asked for, also of requests that were cut off. */
  outputTokens = 0
  reusedTokens = 0
  firstAdmissionReusedTokens = 0
  /** Latest token, ms. */
  lastTokenMs = 0
  goodRequests = 0
  goodOutputTokens = 0
  private readonly serviceLevel: ServiceLevel | undefined

  constructor(serviceLevel: ServiceLevel | undefined) {
    this.serviceLevel = serviceLevel
  }

  /** Adds a request that counts. */
  add(record: RequestRecord, ttftMs: number, e2eMs: number): void {
    this.requests += 1
    this.inputTokens += record.promptTokens
    this.outputTokens += record.outputTokens
    this.reusedTokens += record.reusedTokens
    this.firstAdmissionReusedTokens += record.firstAdmissionReusedTokens
    if (record.lastTokenMs > this.lastTokenMs) this.lastTokenMs = record.lastTokenMs
    if (this.serviceLevel !== undefined && keeps(this.serviceLevel, record.outputTokens, ttftMs, e2eMs)) {
      this.goodRequests += 1
      this.goodOutputTokens += record.outputTokens
    }
  }
}

const keeps = (level: ServiceLevel, outputTokens: number, ttftMs: number, e2eMs: number): boolean => {
  if (level.e2eMs !== undefined && !(e2eMs <= level.e2eMs)) return false
  if (level.ttftMs !== undefined && !(ttftMs <= level.ttftMs)) return false
  return level.itlMs === undefined || outputTokens <= 1 || (e2eMs - ttftMs) / (outputTokens - 1) <= level.itlMs
}

/**
 * SGLang-style prefill worker: computes prompts, one hidden token each, and keeps their KV until it has been sent.
 */
import type { SimRequest } from "../../request/SimRequest.ts"
import type { SourceWorker } from "../Handoff.ts"
import type { Sequence } from "./Sequence.ts"
import { SglangWorker } from "./SglangWorker.ts"

export class SglangPrefillWorker extends SglangWorker implements SourceWorker {
  private readonly held = new Map<SimRequest, Sequence>()

  override submit(request: SimRequest): void {
    this.waiting.pushBack(this.sequenceOf(request, 1))
  }

  releaseSource(request: SimRequest): void {
    const sequence = this.held.get(request)
    if (sequence === undefined) return
    this.held.delete(request)
    this.letGo(sequence)
  }

  protected override sequences(): Array<Sequence> {
    return [...super.sequences(), ...this.held.values()]
  }

  protected override settle(sequence: Sequence): void {
    this.held.set(sequence.request, sequence)
  }

  protected override awaitsRelease(): boolean {
    return this.held.size > 0
  }

  protected override noteAdmission(request: SimRequest, nowMs: number, reusedTokens: number): void {
    super.noteAdmission(request, nowMs, reusedTokens)
    request.admittedToPrefill(nowMs, reusedTokens)
  }
}

/**
 * vLLM-style prefill worker: computes prompts, one hidden token each, and keeps their KV until it has been sent.
 */
import type { SimRequest } from "../../request/SimRequest.ts"
import type { SourceWorker } from "../Handoff.ts"
import { Signal } from "../WorkerCore.ts"
import type { Sequence } from "./Sequence.ts"
import { VllmWorker } from "./VllmWorker.ts"

export class VllmPrefillWorker extends VllmWorker implements SourceWorker {
  private readonly held = new Map<SimRequest, Sequence>()

  override submit(request: SimRequest): void {
    this.waiting.pushBack(this.sequenceOf(request, 1))
  }

  releaseSource(request: SimRequest): void {
    const sequence = this.held.get(request)
    if (sequence === undefined) return
    this.held.delete(request)
    this.letGo(sequence)
    this.situationChanged()
  }

  override markBlocks(mark: (block: number) => void): void {
    super.markBlocks(mark)
    for (const sequence of this.held.values()) sequence.markKeys(mark)
  }

  override requests(): ReadonlyArray<SimRequest> {
    return [...super.requests(), ...this.held.keys()]
  }

  protected override complete(sequence: Sequence): void {
    this.held.set(sequence.request, sequence)
    sequence.running = false
    this.outcome.signal(sequence.request, Signal.Completed)
  }

  protected override noteAdmission(request: SimRequest, nowMs: number, cachedTokens: number): void {
    super.noteAdmission(request, nowMs, cachedTokens)
    request.admittedToPrefill(nowMs, cachedTokens)
  }

  protected override heldBlocks(): number {
    let blocks = super.heldBlocks()
    for (const sequence of this.held.values()) blocks += sequence.heldBlocks
    return blocks
  }
}

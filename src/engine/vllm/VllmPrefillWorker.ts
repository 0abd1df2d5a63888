/**
 * vLLM-style prefill worker: computes prompts, and keeps their KV until it has been sent.
 *
 * It computes one hidden token per request; of a request whose output the trace plans all of them, in passes that take no time unless
 * other prompts are computed in them. Their blocks are cached here as well, so that a prompt which extends them hits.
 */
import type { SimRequest } from "../../request/SimRequest.ts"
import type { SourceWorker } from "../Handoff.ts"
import { Signal } from "../WorkerCore.ts"
import type { Sequence } from "./Sequence.ts"
import { VllmWorker } from "./VllmWorker.ts"

export class VllmPrefillWorker extends VllmWorker implements SourceWorker {
  private readonly held = new Map<SimRequest, Sequence>()

  override submit(request: SimRequest): void {
    this.waiting.pushBack(this.sequenceOf(request, request.plansOutput ? request.outputTokens : 1))
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

  /** Hidden tokens after the first take no time: there is nothing to be ahead of. */
  protected override quietPasses(): number {
    return 0
  }

  protected override complete(sequence: Sequence): void {
    this.held.set(sequence.request, sequence)
    sequence.running = false
    this.outcome.signal(sequence.request, Signal.Completed)
  }

  /** Whoever preempts itself for ever for room that computed prompts hold waits until they have been sent. */
  protected override nextToAdmit(): Sequence | undefined {
    return this.preemptsForEver && this.awaitsOthers ? undefined : super.nextToAdmit()
  }

  protected override get awaitsOthers(): boolean {
    return this.held.size > 0
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

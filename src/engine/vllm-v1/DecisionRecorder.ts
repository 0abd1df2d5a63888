/** Gathers what happens during a scheduling call or a delivery for the {@link DecisionProbe} of a run. */
import type { BlockHolder } from "../../request/BlockIdentity.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import type { BlockName, Decision, DecisionProbe } from "../DecisionProbe.ts"
import type { Batch } from "./Batch.ts"
import type { EvictionObserver } from "./BlockPool.ts"

export class DecisionRecorder implements EvictionObserver, BlockHolder {
  private readonly probe: DecisionProbe
  private readonly workerIndex: number
  /** Names of all identities ever registered here. */
  private readonly names = new Map<number, BlockName>()
  private admissions: Array<Decision["admitted"][number]> = []
  private preemptions: Array<SimRequest> = []
  private evictions: Array<BlockName> = []
  private emissions: Array<SimRequest> = []
  private ends: Array<SimRequest> = []

  constructor(probe: DecisionProbe, workerIndex: number) {
    this.probe = probe
    this.workerIndex = workerIndex
  }

  registered(key: number, request: SimRequest, block: number): void {
    if (!this.names.has(key)) this.names.set(key, { owner: request, block })
  }

  evicted(key: number): void {
    const name = this.names.get(key)
    if (name !== undefined) this.evictions.push(name)
  }

  admitted(request: SimRequest, hitTokens: number): void {
    this.admissions.push({ request, hitTokens })
  }

  preempted(request: SimRequest): void {
    this.preemptions.push(request)
  }

  emitted(request: SimRequest): void {
    this.emissions.push(request)
  }

  finished(request: SimRequest): void {
    this.ends.push(request)
  }

  decide(batch: Batch, waiting: ReadonlyArray<SimRequest>, usedBlocks: number): void {
    const { decidedMs, endMs, startMs } = batch
    this.probe.decided({
      workerIndex: this.workerIndex,
      decidedMs,
      startMs,
      endMs,
      scheduled: Array.from({ length: batch.length }, (_, index) => ({
        request: batch.sequences[index]!.request,
        tokensBefore: batch.tokensBefore[index]!,
        tokens: batch.tokens[index]!
      })),
      admitted: this.admissions,
      preempted: this.preemptions,
      evicted: this.evictions,
      waiting,
      usedBlocks
    })
    this.admissions = []
    this.preemptions = []
    this.evictions = []
  }

  /** A name must outlive its block, so the log keeps every identity that it has seen from being given to another block. */
  markBlocks(mark: (block: number) => void): void {
    for (const key of this.names.keys()) if (key >= 0) mark(key)
  }

  deliver(endMs: number, usedBlocks: number): void {
    const { emissions: emitted, ends: finished, workerIndex } = this
    this.probe.delivered({ workerIndex, endMs, emitted, finished, usedBlocks })
    this.emissions = []
    this.ends = []
  }
}

/**
 * Gaps between tokens by class of requests. Workers tell the gaps of a pass for all of its requests together, so that a token costs next to
 * nothing; by class they are told apart token by token, which only runs with classes pay for.
 */
import { GapMetric } from "../report/GapMetric.ts"
import type { SampleStatistics } from "../report/SampleStatistics.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { RunProbe } from "../simulation/RunProbe.ts"
import { grown } from "../structures/Grown.ts"

/** Different gaps of a class that are certainly kept for exact percentiles. */
const exactGaps = 1 << 16

export class ClassGaps {
  readonly probe: RunProbe = {
    start: () => this.startAfresh(),
    worker: (role) =>
      role === "prefill"
        ? undefined
        : { emitted: (request, tokens, tokenMs) => this.emitted(request, tokens, tokenMs) },
    lost: (request) => this.forget(request),
    record: (request) => this.forget(request)
  }
  private readonly metrics = new Map<string, GapMetric>()
  /** Slot of each request that is decoding, and the time of its last token by slot. */
  private readonly slots = new Map<number, number>()
  private readonly free: Array<number> = []
  private lastTokenMs = new Float64Array(64)

  /** Of a class that emitted more than one token to somebody. */
  statistics(className: string): SampleStatistics | undefined {
    return this.metrics.get(className)?.statistics().gapsMs
  }

  private emitted({ className, id }: SimRequest, tokens: number, tokenMs: number): void {
    if (className === null || tokens === 0) return
    const slot = this.slots.get(id)
    if (slot === undefined) this.lastTokenMs[this.takeSlot(id)] = tokenMs
    else {
      this.metricOf(className).addGap(tokenMs - this.lastTokenMs[slot]!, 1)
      this.lastTokenMs[slot] = tokenMs
    }
    if (tokens > 1) this.metricOf(className).addGap(0, tokens - 1)
  }

  private takeSlot(id: number): number {
    const slot = this.free.pop() ?? this.slots.size
    this.slots.set(id, slot)
    if (slot === this.lastTokenMs.length) this.lastTokenMs = grown(this.lastTokenMs)
    return slot
  }

  private forget({ id }: SimRequest): void {
    const slot = this.slots.get(id)
    if (slot === undefined) return
    this.slots.delete(id)
    this.free.push(slot)
  }

  private metricOf(className: string): GapMetric {
    const known = this.metrics.get(className)
    if (known !== undefined) return known
    const made = new GapMetric(exactGaps)
    this.metrics.set(className, made)
    return made
  }

  private startAfresh(): void {
    this.metrics.clear()
    this.slots.clear()
    this.free.length = 0
  }
}

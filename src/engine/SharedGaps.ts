/**
 * The gaps between tokens that one worker's emissions leave: requests that emitted in the previous emission, too, share one gap.
 *
 *     emission at   10 ms   12 ms   15 ms      gaps
 *     request A       •       •       •        2 ms, shared with B; then 3 ms
 *     request B       •       •                2 ms
 *     request C       •               •        5 ms of its own: it did not emit at 12 ms
 *
 * A request in steady decode costs a comparison and an addition per token.
 */
import type { TokenGaps } from "./TokenGaps.ts"
import type { WorkerProbe } from "./WorkerProbe.ts"

export class SharedGaps {
  private readonly gaps: TokenGaps | undefined
  private readonly probe: WorkerProbe | undefined
  /** Token time of the previous emission. */
  private previousMs = Number.NaN
  private tokenMs = Number.NaN
  private shared = 0

  /** `gaps` is `undefined` for a worker whose tokens nobody sees. */
  constructor(gaps: TokenGaps | undefined, probe: WorkerProbe | undefined) {
    this.gaps = gaps
    this.probe = gaps === undefined ? undefined : probe
  }

  /** What follows is emitted at `tokenMs`. */
  begin(tokenMs: number): void {
    this.tokenMs = tokenMs
    this.shared = 0
  }

  /** A request emits whose last token was at `lastTokenMs`; not for a request's first token. */
  note(lastTokenMs: number): void {
    if (lastTokenMs === this.previousMs) this.shared += 1
    else this.add(this.tokenMs - lastTokenMs, 1)
  }

  /** So many requests emit whose last token was in the previous emission. */
  noteShared(requests: number): void {
    this.shared += requests
  }

  /** A request emits `tokens` more at the same time. */
  noteBurst(tokens: number): void {
    if (tokens > 0) this.add(0, tokens)
  }

  /** Everybody has emitted; `false` for `emitted` when nobody did after all. */
  end(emitted: boolean): void {
    if (this.shared > 0) this.add(this.tokenMs - this.previousMs, this.shared)
    if (emitted) this.previousMs = this.tokenMs
  }

  /**
   * So many requests emit at each of the times `from … to` of these, in emissions that follow the last one. A probe knows them from the
   * passes ahead that it was shown.
   */
  noteEmissions(timesMs: Float64Array, from: number, to: number, requests: number): void {
    if (from === to) return
    this.gaps?.addRow(this.previousMs, timesMs, from, to, requests)
    this.tokenMs = timesMs[to - 1]!
    this.previousMs = this.tokenMs
  }

  private add(gapMs: number, count: number): void {
    this.gaps?.add(gapMs, count, this.tokenMs)
    this.probe?.tokenGap?.(gapMs, count)
  }
}

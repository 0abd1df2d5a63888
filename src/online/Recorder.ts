/** Turns what a deployment emits into the events of a run: records with measured times, and gaps between tokens. */
import { TokenGaps } from "../engine/TokenGaps.ts"
import type { ReplayEvent } from "../report/ReplayEvent.ts"
import type { RequestStatus } from "../request/SimRequest.ts"
import { RunLedger } from "../simulation/RunLedger.ts"
import type { RunProbe } from "../simulation/RunProbe.ts"
import type { LiveRequest } from "./LiveRequest.ts"
import type { OutputBatch } from "./OutputBatch.ts"

const gapPairsPerChunk = 8192

export class Recorder {
  readonly ledger = new RunLedger()
  private readonly gaps: TokenGaps
  private readonly probe: RunProbe | undefined
  private returned: Array<ReplayEvent> = []

  constructor(probe: RunProbe | undefined, timedGaps: boolean) {
    this.probe = probe
    this.gaps = new TokenGaps(timedGaps)
  }

  /** Requests that also emitted in their worker's previous batch share one gap: neighbours are counted together. */
  emitted({ emitting, stampMs, tokens }: OutputBatch): void {
    let sharedMs = Number.NaN
    let sharedCount = 0
    for (let index = 0; index < emitting.length; index++) {
      const live = emitting[index]!
      const burst = tokens[index]! - 1
      if (burst > 0) this.gaps.add(0, burst, stampMs)
      if (live.emittedTokens === 0) continue
      const gapMs = stampMs - live.lastTokenMs
      if (gapMs !== sharedMs) {
        if (sharedCount > 0) this.gaps.add(sharedMs, sharedCount, stampMs)
        sharedMs = gapMs
        sharedCount = 0
      }
      sharedCount += 1
    }
    if (sharedCount > 0) this.gaps.add(sharedMs, sharedCount, stampMs)
  }

  ended(live: LiveRequest, status: RequestStatus, nowMs: number): void {
    const request = live.stamp()
    this.ledger.settle(request, status)
    this.probe?.record?.(request, nowMs)
  }

  /** Its record is complete. */
  left(live: LiveRequest): void {
    this.ledger.emit(live.stamp())
  }

  /** What the end of the run leaves unfinished. */
  cutOff(requests: Iterable<LiveRequest>): void {
    this.ledger.cutOff(Array.from(requests, (live) => live.stamp()))
  }

  /** The finished requests since the last call, and the gaps once there are many. */
  take(): Array<ReplayEvent> {
    return this.gaps.length >= gapPairsPerChunk ? this.takeAll() : this.takeRecords()
  }

  /** Events taken that could not be handed on after all. */
  giveBack(events: ReadonlyArray<ReplayEvent>): void {
    this.returned = [...events, ...this.returned]
  }

  takeAll(): Array<ReplayEvent> {
    const events = this.takeRecords()
    if (this.gaps.length > 0) events.push({ _tag: "TokenGaps", ...this.gaps.take() })
    return events
  }

  private takeRecords(): Array<ReplayEvent> {
    const events = [...this.returned, ...this.ledger.outbox]
    this.returned = []
    this.ledger.outbox.length = 0
    return events
  }
}

/**
 * SGLang-style decode worker: reserves KV for prompts before they are computed elsewhere, and decodes them once they have arrived.
 *
 * Activated requests join the running ones at the next pass, ahead of everything that waits. While a reservation is wanted but
 * not granted, nobody is admitted from the waiting queue; only retracted requests are ever in it.
 */
import type { SimRequest } from "../../request/SimRequest.ts"
import type { DestinationWorker } from "../Handoff.ts"
import { ReservationTries } from "../ReservationTries.ts"
import type { Sequence } from "./Sequence.ts"
import { SglangWorker } from "./SglangWorker.ts"

export class SglangDecodeWorker extends SglangWorker implements DestinationWorker {
  /** Requests that want a reservation, oldest first. */
  private readonly pending: Array<Sequence> = []
  /** Requests with a reservation, and the slots set aside for each. */
  private readonly reserved = new Map<SimRequest, { readonly sequence: Sequence; readonly missingTokens: number }>()
  /** Activated requests, oldest first. */
  private readonly activated: Array<Sequence> = []
  private readonly tries = new ReservationTries<Sequence>()

  override get inFlight(): number {
    return super.inFlight + this.activated.length
  }

  override get queued(): number {
    return super.queued + this.activated.length
  }

  override abort(request: SimRequest): boolean {
    this.catchUp()
    return (
      this.abortActivated(request) || this.abortPending(request) || this.abortReserved(request) || super.abort(request)
    )
  }

  requestDestination(request: SimRequest): boolean {
    const { outputTokens, promptTokens } = request
    const { capacityTokens } = this.kv
    const sequence = this.sequenceOf(request, outputTokens)
    if (this.kv.ceilToPage(promptTokens) > capacityTokens || promptTokens + outputTokens > capacityTokens) return false
    this.pending.push(sequence)
    return true
  }

  tryReserve(): SimRequest | undefined {
    const head = this.pending[0]
    if (head === undefined || !this.tries.claim(head)) return undefined
    const missingTokens = this.reserve(head)
    if (missingTokens < 0) return undefined
    this.pending.shift()
    this.reserved.set(head.request, { sequence: head, missingTokens })
    return head.request
  }

  /** As {@link KvCache.reserve}; where nobody holds anything, slots that retractions lost are had again before it is given up. */
  private reserve(head: Sequence): number {
    const missingTokens = this.kv.reserve(head, head.promptTokens)
    if (missingTokens >= 0 || this.kv.isWhole || this.kv.activeTokens > 0) return missingTokens
    this.kv.clear()
    return this.kv.reserve(head, head.promptTokens)
  }

  /** A reservation changes how many slots are free. */
  protected override mayAdmit(): boolean {
    const head = this.pending[0]
    return super.mayAdmit() || this.activated.length > 0 || (head !== undefined && this.tries.allows(head))
  }

  missingTokens(request: SimRequest): number {
    return this.reserved.get(request)?.missingTokens ?? 0
  }

  activate(request: SimRequest): void {
    const reservation = this.reserved.get(request)
    if (reservation === undefined) throw new Error(`request ${request.id} has no reservation to activate`)
    this.reserved.delete(request)
    if (this.kv.activate(reservation.sequence) > 0) this.capacityFreed()
    this.activated.push(reservation.sequence)
  }

  private abortActivated(request: SimRequest): boolean {
    const index = this.activated.findIndex((sequence) => sequence.request === request)
    for (const sequence of index < 0 ? [] : this.activated.splice(index, 1)) this.settle(sequence)
    return index >= 0
  }

  private abortPending(request: SimRequest): boolean {
    const index = this.pending.findIndex((sequence) => sequence.request === request)
    if (index >= 0) this.pending.splice(index, 1)
    return index >= 0
  }

  private abortReserved(request: SimRequest): boolean {
    const reservation = this.reserved.get(request)
    if (reservation === undefined) return false
    this.reserved.delete(request)
    this.kv.cancel(reservation.sequence, reservation.missingTokens)
    this.capacityFreed()
    return true
  }

  protected override get reservedTokens(): number {
    let tokens = super.reservedTokens
    for (const { missingTokens } of this.reserved.values()) tokens += missingTokens
    return tokens
  }

  protected override sequences(): Array<Sequence> {
    const reserved = Array.from(this.reserved.values(), ({ sequence }) => sequence)
    return [...super.sequences(), ...this.activated, ...this.pending, ...reserved]
  }

  protected override beforeAdmission(nowMs: number): void {
    const { activated, running } = this
    const joining = Math.min(activated.length, this.args.maxNumSeqs - running.length)
    if (joining <= 0) return
    for (const sequence of activated.splice(0, joining)) {
      this.startDecoding(sequence)
      this.copies?.admitted(sequence, 0)
      this.noteAdmission(sequence.request, nowMs, 0)
    }
  }

  protected override admitsPrefill(): boolean {
    return this.pending.length === 0
  }

  protected override settle(sequence: Sequence): void {
    super.settle(sequence)
    this.capacityFreed()
  }

  /** Whoever has arrived but found no seat gives way before those who wait hold nothing any more. */
  protected override reclaim(): boolean {
    if (super.reclaim()) return true
    const last = this.activated.pop()
    if (last === undefined) return false
    this.waiting.pushBack(last)
    this.restart(last)
    return true
  }

  /** A reservation that was refused is tried again only when something else gives KV back. */
  protected override awaitsRelease(): boolean {
    const head = this.pending[0]
    return this.reserved.size > 0 || (head !== undefined && this.tries.allows(head))
  }

  protected override noteAdmission(request: SimRequest, nowMs: number, reusedTokens: number): void {
    super.noteAdmission(request, nowMs, reusedTokens)
    request.admittedToDecode(nowMs, reusedTokens)
  }

  protected override capacityFreed(): void {
    this.tries.capacityChanged()
  }
}

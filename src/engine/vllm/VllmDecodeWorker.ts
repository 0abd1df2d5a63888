/**
 * vLLM-style decode worker: reserves KV for prompts that are computed elsewhere and decodes them once it has arrived.
 *
 * While a reservation is wanted but not granted, the waiting queue is closed to everything except requests whose KV is here:
 * otherwise preempted requests would take the room again and again.
 */
import type { SimRequest } from "../../request/SimRequest.ts"
import type { DestinationWorker } from "../Handoff.ts"
import { ReservationTries } from "../ReservationTries.ts"
import { fullLengthBlocks } from "./CapacityPolicy.ts"
import type { Sequence } from "./Sequence.ts"
import { VllmWorker } from "./VllmWorker.ts"

const isMaterialised = (sequence: Sequence): boolean => sequence.computedTokens > 0

export class VllmDecodeWorker extends VllmWorker implements DestinationWorker {
  /** Requests that want a reservation, oldest first. */
  private readonly pending: Array<Sequence> = []
  /** Requests whose blocks are set aside, with the number of them that were cached. */
  private readonly reserved = new Map<SimRequest, { readonly sequence: Sequence; readonly cachedBlocks: number }>()
  private readonly tries = new ReservationTries<Sequence>()

  requestDestination(request: SimRequest): boolean {
    const sequence = this.sequenceOf(request, request.outputTokens)
    if (fullLengthBlocks(sequence, this.args.blockTokens) > this.args.numGpuBlocks) return false
    this.pending.push(sequence)
    return true
  }

  tryReserve(): SimRequest | undefined {
    const head = this.nextToReserve()
    if (head === undefined || !this.tries.claim(head)) return undefined
    this.prepareSlots(head)
    const blocks = Math.ceil(head.promptTokens / this.args.blockTokens)
    const cachedBlocks = this.pool.acquireUnregistered(head.keys, head.fullBlocks, blocks, head.slots)
    if (cachedBlocks < 0) return undefined
    head.heldBlocks = blocks
    this.pending.shift()
    this.reserved.set(head.request, { sequence: head, cachedBlocks })
    return head.request
  }

  /** Who may be given a reservation at the end of a pass. */
  private nextToReserve(): Sequence | undefined {
    const head = this.pending[0]
    return head !== undefined && this.running.length < this.args.maxNumSeqs && this.tries.allows(head)
      ? head
      : undefined
  }

  /** A reservation changes how much KV is in use. */
  protected override mayAdmit(): boolean {
    return this.nextToReserve() !== undefined || super.mayAdmit()
  }

  missingTokens(request: SimRequest): number {
    const reservation = this.reserved.get(request)
    if (reservation === undefined) return 0
    return (reservation.sequence.heldBlocks - reservation.cachedBlocks) * this.args.blockTokens
  }

  activate(request: SimRequest): void {
    const reservation = this.reserved.get(request)
    if (reservation === undefined) throw new Error(`request ${request.id} has no reservation to activate`)
    this.endReservation(request)
    const { cachedBlocks, sequence } = reservation
    const before = this.pool.activeBlocks
    this.pool.unpin(sequence.slots, cachedBlocks)
    this.pool.promoteAll(sequence.keys, cachedBlocks, sequence.fullBlocks, sequence.slots)
    if (this.pool.activeBlocks < before) this.capacityFreed()
    sequence.computedTokens = sequence.promptTokens
    this.waiting.pushBack(sequence)
  }

  /** Whoever rests until somebody comes may go on. */
  private endReservation(request: SimRequest): void {
    this.reserved.delete(request)
    if (this.preemptsForEver) this.situationChanged()
  }

  /** The first request whose KV is here goes first: it holds what those in front of it wait for. */
  unlock(): boolean {
    const { waiting } = this
    const arrived = waiting.find(isMaterialised)
    if (arrived === undefined || arrived === waiting.head) return false
    waiting.remove(arrived)
    waiting.pushFront(arrived)
    return true
  }

  override abort(request: SimRequest): boolean {
    this.catchUp()
    return this.abortPending(request) || this.abortReserved(request) || super.abort(request)
  }

  private abortPending(request: SimRequest): boolean {
    const index = this.pending.findIndex((sequence) => sequence.request === request)
    for (const sequence of index < 0 ? [] : this.pending.splice(index, 1)) this.drop(sequence)
    return index >= 0
  }

  private abortReserved(request: SimRequest): boolean {
    const reservation = this.reserved.get(request)
    if (reservation === undefined) return false
    this.endReservation(request)
    this.pool.unpin(reservation.sequence.slots, reservation.cachedBlocks)
    this.drop(reservation.sequence)
    this.capacityFreed()
    return true
  }

  override markBlocks(mark: (block: number) => void): void {
    super.markBlocks(mark)
    for (const sequence of this.pending) sequence.markKeys(mark)
    for (const { sequence } of this.reserved.values()) sequence.markKeys(mark)
  }

  override requests(): ReadonlyArray<SimRequest> {
    return [...super.requests(), ...this.pending.map((sequence) => sequence.request), ...this.reserved.keys()]
  }

  /**
   * Whoever preempts itself for room that requests behind it hold lets these go first in the end, and waits for those who have yet to come:
   * passes that take no time would leave them none to do so.
   */
  protected override nextToAdmit(): Sequence | undefined {
    if (this.pending.length > 0) return this.waiting.find(isMaterialised)
    const arrived = this.preemptsInVain ? this.waiting.find(isMaterialised) : undefined
    return arrived !== undefined || (this.preemptsForEver && this.awaitsOthers) ? arrived : super.nextToAdmit()
  }

  protected override get awaitsOthers(): boolean {
    return this.reserved.size > 0
  }

  protected override noteAdmission(request: SimRequest, nowMs: number, cachedTokens: number): void {
    super.noteAdmission(request, nowMs, cachedTokens)
    request.admittedToDecode(nowMs, cachedTokens)
  }

  protected override capacityFreed(): void {
    this.tries.capacityChanged()
  }

  protected override heldBlocks(): number {
    let blocks = super.heldBlocks()
    for (const { sequence } of this.reserved.values()) blocks += sequence.heldBlocks
    return blocks
  }
}

/**
 * What one KV tier below the device holds.
 *
 * Each of its slots is free, in flight (taken for a copy that has not arrived), pinned (held by somebody who reads it) or idle:
 *
 *     free ──take──▶ in flight ──arrive──▶ idle ──pin──▶ pinned ──unpin──▶ idle     evicted: next take without a free slot
 *
 * Only pinned and idle blocks can be found.
 */
import type { KvEventSink } from "../KvEvents.ts"
import { IntMap } from "../../structures/IntMap.ts"
import { LeafOrder } from "./LeafOrder.ts"

export class TierStore {
  readonly capacity: number
  private free: number
  private inFlight = 0
  private readonly idle = new LeafOrder()
  /** How often each pinned block is pinned. */
  private readonly pins = new IntMap()

  /** Who is told which blocks are here, as far as others can have them. */
  private readonly listeners: Array<KvEventSink> = []

  /** `capacity` may be `Infinity`: a tier that never evicts. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.free = capacity
  }

  /** Tells `sink` of changes from now on, once however often it is asked to. */
  tell(sink: KvEventSink | undefined): void {
    if (sink !== undefined && !this.listeners.includes(sink)) this.listeners.push(sink)
  }

  /** Blocks that could be taken now. */
  get available(): number {
    return this.free + this.idle.size
  }

  /** Blocks that can be found here. */
  get blocks(): number {
    return this.idle.size + this.pins.size
  }

  has(key: number): boolean {
    return this.pins.get(key) > 0 || this.idle.has(key)
  }

  /** How many of `keys[from … to)` are here, up to the first that is not. */
  run(keys: Int32Array, from: number, to: number): number {
    let position = from
    while (position < to && this.has(keys[position]!)) position += 1
    return position - from
  }

  /** Takes a slot for a block to come, evicting if need be; false when all are pinned or in flight. */
  take(): boolean {
    if (this.free > 0) this.free -= 1
    else if (this.idle.size > 0) {
      const key = this.idle.takeFirst()
      if (key >= 0) for (const listener of this.listeners) listener.removed(key, 1)
    } else return false
    this.inFlight += 1
    return true
  }

  /** The block has arrived in a slot taken for it. One that is here already gives the slot back, and counts as just used. */
  arrive(key: number, parentKey: number): void {
    this.inFlight -= 1
    if (this.pins.get(key) > 0) {
      this.free += 1
      return
    }
    if (this.idle.remove(key)) this.free += 1
    else this.announce(key)
    this.idle.insert(key, parentKey)
  }

  /** The block has arrived in a slot taken for it, and is held at once. */
  arrivePinned(key: number): void {
    this.inFlight -= 1
    if (this.has(key)) this.free += 1
    else this.announce(key)
    this.pin(key)
  }

  private announce(key: number): void {
    if (key >= 0) for (const listener of this.listeners) listener.stored(key, 1)
  }

  /** Holds a block that is here, or has just arrived. */
  pin(key: number): void {
    this.idle.remove(key)
    this.pins.set(key, this.pins.get(key) + 1)
  }

  unpin(key: number, parentKey: number): void {
    const pins = this.pins.get(key) - 1
    if (pins > 0) this.pins.set(key, pins)
    else {
      this.pins.delete(key)
      this.idle.insert(key, parentKey)
    }
  }

  /** Every identity that is known here. */
  forEachKey(visit: (key: number) => void): void {
    this.idle.forEachKey(visit)
    this.pins.forEach(visit)
  }

  checkInvariants(): void {
    this.idle.checkInvariants()
    const { free, idle, inFlight, pins } = this
    if (this.capacity !== Number.POSITIVE_INFINITY && free + inFlight + pins.size + idle.size !== this.capacity) {
      throw new Error(
        `a tier of ${this.capacity} blocks has ${free} free, ${inFlight} in flight, ${pins.size} pinned and ${idle.size} idle`
      )
    }
  }
}

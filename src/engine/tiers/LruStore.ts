/**
 * A KV tier that gives up the block that nobody has used for longest.
 *
 *     free ──take──▶ arriving ──arrive──▶ present, idle ◀──unpin── ──pin──▶ present, pinned      evicted: an idle one, for a take
 *
 * Idle blocks form one list in the order of their last use. Nodes are indexes into typed arrays that grow with what the tier holds,
 * some 25 bytes a block, the table included.
 */
import { grown } from "../../structures/Grown.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { GrowingSlotTable } from "../../structures/GrowingSlotTable.ts"

const initialNodes = 64
const none = -1
/** In place of a count of pins. */
const arriving = -1

export const BlockState = { Absent: 0, Arriving: 1, Idle: 2, Pinned: 3 } as const
export type BlockState = (typeof BlockState)[keyof typeof BlockState]

/** `length` entries more or less, without more than an eighth to spare where it is large. */
const roomier = (length: number): number => length + (length < 65_536 ? length : length >> 3)

export class LruStore {
  readonly capacity: number
  /** Blocks that can be found here: all but arriving ones. */
  blocks = 0
  /** Idle ones among them. */
  private idle = 0
  private arrivals = 0
  private nodes = 0
  /** Head of the list of unused nodes, linked by {@link next}. */
  private unused = none
  private keys: Int32Array = new Int32Array(initialNodes)
  private pins: Int32Array = new Int32Array(initialNodes)
  /** List of idle nodes, least recently used first. */
  private next: Int32Array = new Int32Array(initialNodes)
  private previous: Int32Array = new Int32Array(initialNodes)
  private oldest = none
  private newest = none
  private readonly table = new GrowingSlotTable()
  /** Who is told which blocks are here, as far as others can have them. */
  private readonly listeners: Array<KvEventSink> = []

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** Tells `sink` of changes from now on, once however often it is asked to. */
  tell(sink: KvEventSink | undefined): void {
    if (sink !== undefined && !this.listeners.includes(sink)) this.listeners.push(sink)
  }

  /** Blocks for which room could be taken now. */
  get available(): number {
    return this.capacity - this.arrivals - this.blocks + this.idle
  }

  /** What is to be said of a block here. */
  stateOf(key: number): BlockState {
    const node = this.find(key)
    if (node < 0) return BlockState.Absent
    const pins = this.pins[node]!
    return pins === arriving ? BlockState.Arriving : pins === 0 ? BlockState.Idle : BlockState.Pinned
  }

  /** Takes room for a block to come, which is not known here yet; false when there is none. */
  take(key: number): boolean {
    if (this.arrivals + this.blocks >= this.capacity && !this.evict()) return false
    const node = this.newNode()
    this.keys[node] = key
    this.pins[node] = arriving
    this.table.add(this.keys, node)
    this.arrivals += 1
    return true
  }

  /** The block for which room was taken is here. */
  arrive(key: number): void {
    const node = this.find(key)
    this.arrivals -= 1
    this.blocks += 1
    this.pins[node] = 0
    this.link(node)
    if (key >= 0) for (const listener of this.listeners) listener.stored(key, 1)
  }

  /** Holds a block that is here. */
  pin(key: number): void {
    const node = this.find(key)
    if (this.pins[node] === 0) this.unlink(node)
    this.pins[node] = this.pins[node]! + 1
  }

  /** Lets go of it; when nobody holds it any more it counts as just used. */
  unpin(key: number): void {
    const node = this.find(key)
    this.pins[node] = this.pins[node]! - 1
    if (this.pins[node] === 0) this.link(node)
  }

  /** Those of the leading `keys[0 … count)` that are here count as just used, the first of them last: a prefix outlives what extends it. */
  touch(keys: Int32Array, count: number): void {
    for (let position = count - 1; position >= 0; position--) {
      const node = this.find(keys[position]!)
      if (node < 0 || this.pins[node] !== 0 || node === this.newest) continue
      this.unlink(node)
      this.link(node)
    }
  }

  /** Every identity that is known here. */
  forEachKey(visit: (key: number) => void): void {
    this.table.forEach((node) => visit(this.keys[node]!))
  }

  checkInvariants(): void {
    let known = 0
    let arrivals = 0
    this.table.forEach((node) => {
      known += 1
      if (this.pins[node] === arriving) arrivals += 1
      if (this.find(this.keys[node]!) !== node) throw new Error(`block ${this.keys[node]} is twice in a tier`)
    })
    let idle = 0
    for (let node = this.oldest; node !== none; node = this.next[node]!) {
      idle += 1
      if (this.pins[node] !== 0) throw new Error(`block ${this.keys[node]} may be given up but is held`)
      if (idle > this.blocks) throw new Error("the list of idle blocks of a tier is circular")
    }
    if (arrivals !== this.arrivals || known - arrivals !== this.blocks || idle !== this.idle)
      throw new Error(
        `a tier knows ${known} blocks, ${arrivals} arriving and ${idle} idle; counted ${this.blocks} present, ${this.arrivals} arriving `
          + `and ${this.idle} idle`
      )
    if (known > this.capacity) throw new Error(`a tier of ${this.capacity} blocks holds ${known}`)
  }

  private find(key: number): number {
    return this.table.find(this.keys, key)
  }

  private evict(): boolean {
    const node = this.oldest
    if (node === none) return false
    const key = this.keys[node]!
    this.unlink(node)
    this.table.remove(this.keys, node)
    if (key >= 0) for (const listener of this.listeners) listener.removed(key, 1)
    this.next[node] = this.unused
    this.unused = node
    this.blocks -= 1
    return true
  }

  private newNode(): number {
    const node = this.unused
    if (node !== none) {
      this.unused = this.next[node]!
      return node
    }
    if (this.nodes === this.keys.length) this.grow()
    return this.nodes++
  }

  private grow(): void {
    const length = Math.min(this.capacity, roomier(this.nodes))
    this.keys = grown(this.keys, length)
    this.pins = grown(this.pins, length)
    this.next = grown(this.next, length)
    this.previous = grown(this.previous, length)
  }

  private link(node: number): void {
    this.idle += 1
    this.previous[node] = this.newest
    this.next[node] = none
    if (this.newest === none) this.oldest = node
    else this.next[this.newest] = node
    this.newest = node
  }

  private unlink(node: number): void {
    this.idle -= 1
    const before = this.previous[node]!
    const after = this.next[node]!
    if (before === none) this.oldest = after
    else this.next[before] = after
    if (after === none) this.newest = before
    else this.previous[after] = before
  }
}

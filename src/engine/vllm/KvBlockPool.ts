/**
 * KV block pool of one worker with prefix caching.
 *
 * Every slot is in one of three states:
 *
 *     free ──take──▶ active (held by >= 1 request) ──last release──▶ inactive (full, matchable, nobody holds it)
 *      ▲                │  ▲                                            │  │
 *      └── partial ─────┘  └───────────────── hit ──────────────────────┘  └── evicted: next take
 *
 * Inactive slots form one list in release order. Holders always hold a whole prefix and release deepest first, so the head
 * of that list is exactly the least recently released leaf of the prefix tree: plain LRU needs no tree.
 * Everything is a preallocated typed array.
 */
import { SlotTable } from "../../structures/SlotTable.ts"
import type { KvEventSink } from "../KvEvents.ts"
import { noBlock } from "../tiers/LeafOrder.ts"
import type { WorkerProbe } from "../WorkerProbe.ts"

/** Key of a slot that holds a block still being filled: private to its request, never matched. */
const partialKey = -1
/** First key of privately generated full blocks; counts down. */
const firstPrivateKey = -2

export class KvBlockPool {
  readonly capacity: number
  /** Increases whenever a shareable block starts or stops being active: what a cached gate decision depends on. */
  activeVersion = 0
  protected readonly keys: Int32Array
  protected readonly references: Int32Array
  /** How many of a slot's references belong to reservations; see {@link acquireUnregistered}. */
  private readonly pins: Int32Array
  /** Links of the inactive list; index `capacity` is its sentinel. */
  private readonly next: Int32Array
  private readonly previous: Int32Array
  private readonly freeSlots: Int32Array
  protected freeCount: number
  protected inactiveCount = 0
  /** Slots with an identity. */
  private readonly table: SlotTable
  private nextPrivateKey = firstPrivateKey
  private readonly reservedSlots: Array<number> = []
  private readonly events: KvEventSink | undefined
  private readonly probe: WorkerProbe | undefined

  constructor(capacity: number, events: KvEventSink | undefined, probe?: WorkerProbe) {
    this.capacity = capacity
    this.events = events
    this.probe = probe
    this.keys = new Int32Array(capacity).fill(partialKey)
    this.references = new Int32Array(capacity)
    this.pins = new Int32Array(capacity)
    this.next = new Int32Array(capacity + 1)
    this.previous = new Int32Array(capacity + 1)
    this.next[capacity] = capacity
    this.previous[capacity] = capacity
    this.freeSlots = new Int32Array(capacity)
    for (let slot = 0; slot < capacity; slot++) this.freeSlots[slot] = slot
    this.freeCount = capacity
    this.table = new SlotTable(this.keys)
  }

  /** Distinct blocks held by at least one request; those set aside by {@link reserve} do not count. */
  get activeBlocks(): number {
    return this.capacity - this.freeCount - this.inactiveCount - this.reservedSlots.length
  }

  /** Blocks that can be handed out now. */
  get availableBlocks(): number {
    return this.freeCount + this.inactiveCount
  }

  /** Blocks that nobody holds but that can still be matched. */
  get cachedBlocks(): number {
    return this.inactiveCount
  }

  /** A fresh identity for a block that nobody else can match. */
  privateKey(): number {
    const key = this.nextPrivateKey
    this.nextPrivateKey = key === -0x80000000 ? firstPrivateKey : key - 1
    return key
  }

  /** Number of leading `keys[0 … count)` that are cached here, active or not. */
  residentPrefix(keys: Int32Array, count: number): number {
    let block = 0
    while (block < count && this.find(keys[block]!) >= 0) block += 1
    return block
  }

  /** Number of leading `keys[0 … count)` that are held by some request; reservations alone do not make a block active. */
  activePrefix(keys: Int32Array, count: number): number {
    let block = 0
    while (block < count) {
      const slot = this.find(keys[block]!)
      if (slot < 0 || this.references[slot] === this.pins[slot]) break
      block += 1
    }
    return block
  }

  /**
   * Acquires list positions `from … to` of a request, all or nothing: positions below `fullCount` are the full blocks
   * `keys[position]`, a position beyond them is a block to be filled. Slots go to `slots[position]`.
   *
   * Residency is prefix-closed, so cached blocks form a leading run and the walk may stop at the first miss.
   */
  acquire(keys: Int32Array, fullCount: number, from: number, to: number, slots: Int32Array): boolean {
    const hitEnd = this.pinHits(keys, from, Math.min(to, fullCount), slots)
    if (!this.hasRoom(to - hitEnd)) {
      this.giveBack(slots, from, hitEnd)
      return false
    }
    if (to > from) this.activeVersion += 1
    for (let position = hitEnd; position < to; position++) {
      const slot = this.takeSlot()
      slots[position] = slot
      if (position < fullCount) this.register(slot, keys[position]!, position > 0 ? keys[position - 1]! : noBlock)
    }
    return true
  }

  /**
   * A reservation: pins a prompt's leading cached full blocks and takes as many unregistered slots as the rest of its `blocks` needs,
   * all or nothing. Returns the number of blocks that were cached, -1 when there is no room. {@link unpin} makes the pins ordinary holds.
   */
  acquireUnregistered(keys: Int32Array, fullCount: number, blocks: number, slots: Int32Array): number {
    const hits = this.pinHits(keys, 0, fullCount, slots)
    if (!this.hasRoom(blocks - hits)) {
      this.giveBack(slots, 0, hits)
      return -1
    }
    for (let position = 0; position < hits; position++) this.pins[slots[position]!]! += 1
    for (let position = hits; position < blocks; position++) slots[position] = this.takeSlot()
    return hits
  }

  /** The reservation whose first `count` slots were cached ends: what it pinned is held like any other block from now on. */
  unpin(slots: Int32Array, count: number): void {
    for (let position = 0; position < count; position++) this.pins[slots[position]!]! -= 1
    if (count > 0) this.activeVersion += 1
  }

  /** A slot for one block to be filled, or -1 when none is left. */
  acquirePartial(): number {
    return this.hasRoom(1) ? this.takeSlot() : -1
  }

  /** Sets `count` slots aside for {@link takeReserved}, evicting as needed; false and no change when there are too few. */
  reserve(count: number): boolean {
    if (!this.hasRoom(count)) return false
    for (let index = 0; index < count; index++) this.reservedSlots.push(this.takeSlot())
    return true
  }

  /** One of the slots set aside, for a block to be filled. */
  takeReserved(): number {
    const slot = this.reservedSlots.pop()
    if (slot === undefined) throw new Error("no reserved KV slot is left")
    return slot
  }

  /** Frees what {@link reserve} set aside and nobody took. */
  returnReserved(): void {
    for (const slot of this.reservedSlots) this.free(slot)
    this.reservedSlots.length = 0
  }

  /** Identity of the full block in a slot. */
  keyOf(slot: number): number {
    return this.keys[slot]!
  }

  /** Turns a filled block into a full one under `key`, behind the block `parentKey`; returns the slot that now stands for it. */
  promote(slot: number, key: number, parentKey = noBlock): number {
    const existing = key >= 0 ? this.find(key) : -1
    if (existing < 0) {
      this.register(slot, key, parentKey)
      if (key >= 0) this.activeVersion += 1
      return slot
    }
    this.hold(existing)
    this.activeVersion += 1
    this.free(slot)
    return existing
  }

  /** Gives back a hold: a block still being filled becomes free, a full one inactive once nobody holds it. */
  release(slot: number): void {
    if (this.keys[slot] === partialKey) {
      this.free(slot)
      return
    }
    const references = this.references[slot]! - 1
    this.references[slot] = references
    if (references > this.pins[slot]!) return
    this.activeVersion += 1
    if (references === 0) this.linkInactive(slot)
  }

  /** Every shareable identity cached here. */
  markBlocks(mark: (block: number) => void): void {
    for (let slot = 0; slot < this.capacity; slot++) {
      const key = this.keys[slot]!
      if (key >= 0) mark(key)
    }
  }

  /** Walks all slots and lists: each slot in exactly one state, each registered key found. */
  checkInvariants(): void {
    this.checkInactive()
    let held = 0
    for (let slot = 0; slot < this.capacity; slot++) {
      if (this.references[slot]! > 0) held += 1
      if (this.references[slot]! < this.pins[slot]!)
        throw new Error(`KV slot ${slot} has more reservations than holders`)
      const key = this.keys[slot]!
      if (key !== partialKey && this.find(key) !== slot)
        throw new Error(`KV block ${key} is not found in its slot ${slot}`)
    }
    if (held + this.quarantinedBlocks !== this.activeBlocks)
      throw new Error(`${held} KV slots are held, counted ${this.activeBlocks}`)
  }

  /** Evicted blocks whose slots are not free yet; they count as active. */
  get quarantinedBlocks(): number {
    return 0
  }

  protected checkInactive(): void {
    let inactive = 0
    for (let slot = this.next[this.capacity]!; slot !== this.capacity; slot = this.next[slot]!) {
      inactive += 1
      if (this.references[slot] !== 0) throw new Error(`KV slot ${slot} is inactive but has holders`)
      if (inactive > this.capacity) throw new Error("the inactive list is circular")
    }
    if (inactive !== this.inactiveCount)
      throw new Error(`inactive list has ${inactive} slots, counted ${this.inactiveCount}`)
  }

  /** Whether `count` slots can be taken now; where evicting takes time, it begins with it. */
  protected hasRoom(count: number): boolean {
    return count <= this.freeCount + this.inactiveCount
  }

  /** Gives back the hits of an acquisition that came to nothing: deepest first, so that a prefix outlives what extends it. */
  protected giveBack(slots: Int32Array, from: number, to: number): void {
    for (let position = to - 1; position >= from; position--) this.release(slots[position]!)
  }

  private pinHits(keys: Int32Array, from: number, end: number, slots: Int32Array): number {
    let position = from
    while (position < end) {
      const slot = this.find(keys[position]!)
      if (slot < 0) break
      this.hold(slot)
      slots[position] = slot
      position += 1
    }
    return position
  }

  private hold(slot: number): void {
    const references = this.references[slot]!
    if (references === 0) this.unlinkInactive(slot)
    this.references[slot] = references + 1
  }

  /** A free slot, else the one released longest ago, evicting its block. The caller knows that one exists. */
  private takeSlot(): number {
    let slot: number
    if (this.freeCount > 0) {
      this.freeCount -= 1
      slot = this.freeSlots[this.freeCount]!
    } else {
      slot = this.next[this.capacity]!
      this.unlinkInactive(slot)
      this.evict(slot)
    }
    this.references[slot] = 1
    return slot
  }

  protected free(slot: number): void {
    this.references[slot] = 0
    this.freeSlots[this.freeCount] = slot
    this.freeCount += 1
  }

  protected linkInactive(slot: number): void {
    const sentinel = this.capacity
    const tail = this.previous[sentinel]!
    this.next[tail] = slot
    this.previous[slot] = tail
    this.next[slot] = sentinel
    this.previous[sentinel] = slot
    this.inactiveCount += 1
  }

  protected unlinkInactive(slot: number): void {
    const before = this.previous[slot]!
    const after = this.next[slot]!
    this.next[before] = after
    this.previous[after] = before
    this.inactiveCount -= 1
  }

  /** The slot of a cached block, -1 when it is not cached. */
  protected find(key: number): number {
    return this.table.find(key)
  }

  protected register(slot: number, key: number, _parentKey: number): void {
    this.keys[slot] = key
    this.table.add(slot)
    if (key >= 0 && this.events !== undefined) this.events.stored(key)
  }

  protected evict(slot: number): void {
    const key = this.keys[slot]!
    this.table.remove(slot)
    this.keys[slot] = partialKey
    if (key >= 0 && this.events !== undefined) this.events.removed(key)
    this.probe?.evicted?.(1)
  }
}

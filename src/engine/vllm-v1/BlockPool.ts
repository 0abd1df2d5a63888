/**
 * KV blocks of one worker as vLLM V1 keeps them: reference counts, one ordered queue of free blocks, and identities that several
 * slots may carry at once.
 *
 *     take ◀── front [ no identity … | cached, least recently released first … ] back ◀── release
 *
 * A slot in the queue that has an identity stays matchable until it is taken. Nothing is ever deduplicated: a block that is
 * computed twice has two slots, and a look-up finds the one registered first. Slot numbers never influence a decision.
 *
 * A table finds the first slot of each identity; further slots of an identity hang on it as a doubly linked list in order of
 * registration. Slots that were never taken are one entry of the queue, and all columns grow with those that were: a pool that nobody
 * uses costs next to nothing.
 *
 *     queue   ends ⇄ slot 5 ⇄ untouched (slots 9 … capacity) ⇄ slot 3 ⇄ ends
 */
import { grown } from "../../structures/Grown.ts"
import { IntMap } from "../../structures/IntMap.ts"
import type { KvEventSink } from "../KvEvents.ts"
import type { PrivateKeys } from "../tiers/PrivateKeys.ts"

/** A slot without identity. */
const noKey = -1
/** First identity of privately generated blocks; counts down. */
const firstPrivateKey = -2
const noSlot = 0
/** Entry of the free queue that links its first and its last one. */
const ends = 0
/** Entry of the free queue that stands for all slots that were never taken. */
const untouched = 1
export const firstSlot = 2
const initialSlots = 8

/** Sees every slot lose its identity; for decision logs. */
export interface EvictionObserver {
  evicted(key: number): void
}

export class BlockPool {
  /** Usable blocks. vLLM's reserved null block comes on top and is never handed out. */
  readonly capacity: number
  /** Blocks that can be handed out now, cached ones that nobody holds included. */
  freeBlocks: number
  /** Those of them that still have an identity. */
  cachedFreeBlocks = 0
  /** Where announcements of shareable blocks go; the worker redirects it between decision and delivery. */
  events: KvEventSink | undefined
  observer: EvictionObserver | undefined = undefined

  /** Leading blocks found by the last {@link lookUp}, and how many of them nobody held. */
  hitBlocks = 0
  idleHitBlocks = 0
  /** Whether the last {@link lookUp} would find the same now. */
  lookUpIsCurrent = false

  private readonly unidentifiedToFront: boolean
  /** Slots below this were taken at least once. */
  private reached = firstSlot
  private keys = new Int32Array(initialSlots)
  private references = new Int32Array(initialSlots)
  /** Links of the free queue. */
  private next = new Int32Array(initialSlots)
  private previous = new Int32Array(initialSlots)
  /** Links among the slots of one identity; {@link noSlot} at either end. */
  private laterCopy = new Int32Array(initialSlots)
  private earlierCopy = new Int32Array(initialSlots)
  /** Of an identity's first slot: its last one. */
  private lastCopy = new Int32Array(initialSlots)
  /** The first slot of each identity. */
  private readonly firstSlots = new IntMap()
  private nextPrivateKey = firstPrivateKey
  private readonly identities: PrivateKeys | undefined
  /** Slots that the last look-up found carry its number. */
  private lookUpOfSlot = new Uint32Array(initialSlots)
  private lookUps = 0
  private missedKey = noKey

  /** `identities` gives own identities that nobody else has either, where workers may share a tier below. */
  constructor(
    capacity: number,
    unidentifiedBlocksGoTo: "front" | "back",
    events: KvEventSink | undefined,
    identities?: PrivateKeys
  ) {
    this.capacity = capacity
    this.identities = identities
    this.freeBlocks = capacity
    this.unidentifiedToFront = unidentifiedBlocksGoTo === "front"
    this.events = events
    this.link(untouched, ends)
  }

  /** Blocks held by at least one request, copies counted one by one. */
  get usedBlocks(): number {
    return this.capacity - this.freeBlocks
  }

  /** A fresh identity for a block that only its own request can match. */
  privateKey(): number {
    if (this.identities !== undefined) return this.identities.privateKey()
    const key = this.nextPrivateKey
    this.nextPrivateKey = key === -0x80000000 ? firstPrivateKey : key - 1
    return key
  }

  /** Identity of the block in a slot; negative where it has none or one that nobody else can match. */
  keyOf(slot: number): number {
    return this.keys[slot]!
  }

  /**
   * Finds the leading ones of `keys[0 … limit)` that are here, held or not, and writes their slots to `slots`: results in
   * {@link hitBlocks} and {@link idleHitBlocks}. The last `leftOut` of them are not counted.
   *
   * A blocked head of the queue is looked up again at every pass, so the pool remembers which slots and which missing identity the
   * result rests on, and {@link lookUpIsCurrent} tells whether any of them has changed.
   */
  lookUp(keys: Int32Array, limit: number, slots: Int32Array, leftOut = 0): void {
    const { lookUpOfSlot, references } = this
    this.lookUps = (this.lookUps + 1) >>> 0
    this.missedKey = noKey
    let hits = 0
    let idle = 0
    while (hits < limit) {
      const slot = this.firstSlots.get(keys[hits]!)
      if (slot === noSlot) {
        this.missedKey = keys[hits]!
        break
      }
      lookUpOfSlot[slot] = this.lookUps
      if (references[slot] === 0) idle += 1
      slots[hits] = slot
      hits += 1
    }
    for (let left = Math.min(leftOut, hits); left > 0; left--) {
      hits -= 1
      if (references[slots[hits]!] === 0) idle -= 1
    }
    this.hitBlocks = hits
    this.idleHitBlocks = idle
    this.lookUpIsCurrent = true
  }

  /** Holds the first `count` slots of a list; those that nobody held leave the queue. */
  hold(slots: Int32Array, count: number): void {
    for (let position = 0; position < count; position++) {
      const slot = slots[position]!
      if (this.references[slot] === 0) {
        this.unlink(slot)
        this.noteChange(slot)
      }
      this.references[slot] = this.references[slot]! + 1
    }
  }

  /** Fills list positions `from … to` with slots from the front of the queue. The caller knows that there are enough. */
  take(slots: Int32Array, from: number, to: number): void {
    for (let position = from; position < to; position++) {
      let slot = this.next[ends]!
      if (slot === untouched) slot = this.touchNext()
      else {
        this.unlink(slot)
        if (this.keys[slot] !== noKey) this.evict(slot)
      }
      this.references[slot] = 1
      slots[position] = slot
    }
  }

  /** Gives a held slot an identity, as the latest one to carry it. */
  register(slot: number, key: number): void {
    const first = this.firstSlots.get(key)
    this.keys[slot] = key
    if (first !== noSlot) {
      this.appendCopy(first, slot)
      return
    }
    this.firstSlots.set(key, slot)
    this.lastCopy[slot] = slot
    if (key < 0) return
    if (key === this.missedKey) this.lookUpIsCurrent = false
    if (this.events !== undefined) this.events.stored(key, 1)
  }

  /** Gives back a list of held blocks, the last one first. */
  release(slots: Int32Array, count: number): void {
    const { keys, references } = this
    for (let position = count - 1; position >= 0; position--) {
      const slot = slots[position]!
      const left = references[slot]! - 1
      references[slot] = left
      if (left > 0) continue
      if (keys[slot] === noKey && this.unidentifiedToFront) this.linkBehind(ends, slot)
      else this.linkBehind(this.previous[ends]!, slot)
      this.noteChange(slot)
    }
  }

  /** Every shareable identity cached here. */
  markBlocks(mark: (block: number) => void): void {
    for (let slot = firstSlot; slot < this.reached; slot++) if (this.keys[slot]! >= 0) mark(this.keys[slot]!)
  }

  /** Walks all slots and lists: every slot either held or queued, every identity found, its copies in one chain. */
  checkInvariants(): void {
    let queued = 0
    let cached = 0
    for (let slot = this.next[ends]!; slot !== ends; slot = this.next[slot]!) {
      if (slot === untouched) {
        queued += this.untouchedSlots
        continue
      }
      queued += 1
      if (this.keys[slot] !== noKey) cached += 1
      if (this.references[slot] !== 0) throw new Error(`KV slot ${slot} is free but has holders`)
      if (queued > this.capacity) throw new Error("the queue of free KV slots is circular")
    }
    if (queued !== this.freeBlocks) throw new Error(`${queued} KV slots are free, counted ${this.freeBlocks}`)
    if (cached !== this.cachedFreeBlocks)
      throw new Error(`${cached} free KV slots have an identity, counted ${this.cachedFreeBlocks}`)
    let held = 0
    for (let slot = firstSlot; slot < this.reached; slot++) {
      if (this.references[slot]! > 0) held += 1
      if (this.references[slot]! < 0) throw new Error(`KV slot ${slot} was released more often than it was held`)
      if (this.keys[slot] !== noKey && !this.isCopy(this.firstSlots.get(this.keys[slot]!), slot))
        throw new Error(`KV block ${this.keys[slot]} is not found in its slot ${slot}`)
    }
    if (held !== this.usedBlocks) throw new Error(`${held} KV slots are held, counted ${this.usedBlocks}`)
  }

  private isCopy(first: number, slot: number): boolean {
    let copy = first
    while (copy !== noSlot && copy !== slot) copy = this.laterCopy[copy]!
    return copy === slot
  }

  /** What the last look-up rests on may have changed. */
  private noteChange(slot: number): void {
    if (this.lookUpOfSlot[slot] === this.lookUps) this.lookUpIsCurrent = false
  }

  private get untouchedSlots(): number {
    return this.capacity - (this.reached - firstSlot)
  }

  /** The first slot that was never taken leaves the queue. */
  private touchNext(): number {
    const slot = this.reached
    if (slot === this.keys.length) this.grow()
    this.reached += 1
    this.keys[slot] = noKey
    this.freeBlocks -= 1
    if (this.untouchedSlots === 0) this.cut(untouched)
    return slot
  }

  private linkBehind(before: number, slot: number): void {
    this.link(slot, before)
    this.freeBlocks += 1
    if (this.keys[slot] !== noKey) this.cachedFreeBlocks += 1
  }

  private unlink(slot: number): void {
    this.cut(slot)
    this.freeBlocks -= 1
    if (this.keys[slot] !== noKey) this.cachedFreeBlocks -= 1
  }

  private link(entry: number, before: number): void {
    const after = this.next[before]!
    this.next[before] = entry
    this.previous[entry] = before
    this.next[entry] = after
    this.previous[after] = entry
  }

  private cut(entry: number): void {
    const before = this.previous[entry]!
    const after = this.next[entry]!
    this.next[before] = after
    this.previous[after] = before
  }

  private appendCopy(first: number, slot: number): void {
    const last = this.lastCopy[first]!
    this.laterCopy[last] = slot
    this.earlierCopy[slot] = last
    this.lastCopy[first] = slot
  }

  /** Takes a slot's identity away; the identity itself goes when this was its only slot. */
  private evict(slot: number): void {
    const { earlierCopy, keys, laterCopy } = this
    const key = keys[slot]!
    const earlier = earlierCopy[slot]!
    const later = laterCopy[slot]!
    if (earlier === noSlot) this.dropFirst(slot, later)
    else {
      laterCopy[earlier] = later
      if (later === noSlot) this.lastCopy[this.firstSlots.get(key)] = earlier
      else earlierCopy[later] = earlier
    }
    earlierCopy[slot] = noSlot
    laterCopy[slot] = noSlot
    keys[slot] = noKey
    this.noteChange(slot)
    this.observer?.evicted(key)
  }

  /** The table's slot of an identity goes: its next copy takes the place, or the entry is removed. */
  private dropFirst(slot: number, later: number): void {
    const key = this.keys[slot]!
    if (later !== noSlot) {
      this.firstSlots.set(key, later)
      this.earlierCopy[later] = noSlot
      this.lastCopy[later] = this.lastCopy[slot]!
      return
    }
    this.firstSlots.delete(key)
    if (key >= 0 && this.events !== undefined) this.events.removed(key, 1)
  }

  private grow(): void {
    this.keys = grown(this.keys)
    this.references = grown(this.references)
    this.next = grown(this.next)
    this.previous = grown(this.previous)
    this.laterCopy = grown(this.laterCopy)
    this.earlierCopy = grown(this.earlierCopy)
    this.lastCopy = grown(this.lastCopy)
    this.lookUpOfSlot = grown(this.lookUpOfSlot)
  }
}

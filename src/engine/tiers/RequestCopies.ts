/**
 * What a worker with lists of slots does whose blocks are copied to tiers once they are computed: requests that are done with blocks, or
 * preempted, leave all of them, and their list of slots, to the copies that run, as vLLM's connectors make them do.
 */
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import { emptyBlocks } from "../../request/SimRequest.ts"
import { ComputedCopies, type CopyingWorker } from "./ComputedCopies.ts"
import type { Load, TierMatch } from "./KvTiers.ts"
import { CopyHolder, type CopyUser, countReuse, defer } from "./TierUser.ts"

/** What the worker does with blocks, and is told of them. */
export interface CopyWorker extends CopyingWorker {
  /** Identity of the full block in a slot. */
  keyOf(slot: number): number
  /** Lets go of the first `count` held slots of a list, the last one first. */
  release(slots: Int32Array, count: number): void
  /**
   * Blocks `keys[from … to)` have been loaded into `slots[from … to)`, which were taken for them behind `from` held cached ones: they become
   * cached blocks, and nobody holds any of the list.
   */
  publish(keys: Int32Array, slots: Int32Array, from: number, to: number): void
}

interface Held {
  readonly slots: Int32Array
  readonly heldBlocks: number
}

export class RequestCopies<Member extends CopyUser> extends ComputedCopies<Member, CopyHolder, CopyWorker> {
  /** Requests whose blocks are being loaded; they stand in the queue. */
  private readonly loading = new Set<Member>()
  /** Those that were dropped meanwhile: the copies still end. */
  private readonly abandoned = new Map<Member, Held>()
  /** Identities of blocks that are being handed over. */
  private keys = new Int32Array(64)

  // ---- down ------------------------------------------------------------------------------------------------------------

  /** The first `end` blocks of the request are full, and computed when the pass ends. */
  computed(member: Member, end: number): void {
    const { copiedBlocks, keys } = member
    if (end <= copiedBlocks) return
    member.copiedBlocks = end
    const someClaimed =
      end <= keys.length ? this.tiers.claim(keys, copiedBlocks, end) : this.claimGenerated(member, copiedBlocks, end)
    if (someClaimed) this.collect((member.copyHolder ??= new CopyHolder()))
  }

  /** The same of blocks behind the known identities: they have those that the worker gave them. */
  private claimGenerated({ slots }: Member, from: number, to: number): boolean {
    const count = to - from
    if (count > this.keys.length) this.keys = new Int32Array(2 * count)
    const { keys } = this
    for (let block = 0; block < count; block++) keys[block] = this.worker.keyOf(slots[from + block]!)
    return this.tiers.claim(keys, 0, count)
  }

  /** The request lets go of its blocks: whether they, and its list of slots, stay held for copies that run. */
  keepsBlocks(member: Member): boolean {
    const { copyHolder, heldBlocks, keys, slots } = member
    member.copiedBlocks = 0
    if (this.loading.delete(member)) this.abandoned.set(member, { slots, heldBlocks })
    else {
      this.tiers.touch(keys, Math.min(keys.length, heldBlocks))
      if (copyHolder === undefined || copyHolder.copies === 0) return false
      copyHolder.slots = slots
      copyHolder.heldBlocks = heldBlocks
      this.linger(copyHolder)
    }
    member.copyHolder = undefined
    member.heldBlocks = 0
    member.slots = emptyBlocks
    return true
  }

  protected release({ heldBlocks, slots }: CopyHolder): void {
    this.worker.release(slots, heldBlocks)
  }

  // ---- up --------------------------------------------------------------------------------------------------------------

  /**
   * What could be loaded of `keys[cached … to)` for a waiting request. When blocks of it are on their way the request is deferred
   * instead, and nothing returned.
   */
  find(member: Member, cached: number, to: number, nowMs: number): TierMatch | undefined {
    return this.search(member, member.keys, cached, to, nowMs)
  }

  /** Holds what was found until it is loaded or let go. */
  reserve(match: TierMatch): void {
    this.tiers.reserve(match)
  }

  letGo(match: TierMatch): void {
    this.tiers.letGo(match)
  }

  /** Loads what is reserved into slots that the request has taken; it is deferred until then. */
  start(match: TierMatch, member: Member, nowMs: number): void {
    this.loading.add(member)
    defer(member, this.tiers.start(match, member), nowMs)
  }

  loaded(load: Load<Member>): void {
    const { from, keys, owner } = load
    owner.loads = [...owner.loads, load]
    const { heldBlocks, slots }: Held = this.abandoned.get(owner) ?? owner
    this.worker.publish(keys, slots, from, heldBlocks)
    if (this.loading.delete(owner)) owner.heldBlocks = 0
    this.abandoned.delete(owner)
    this.worker.roomMade()
  }

  /** The request joins the batch for the first time. */
  countReuse(member: Member, cachedTokens: number): void {
    this.touchPrompt(member)
    countReuse(member, cachedTokens, this.blockTokens)
  }

  private touchPrompt({ keys }: Member): void {
    this.tiers.touch(keys, keys.length)
  }

  // ---- both ------------------------------------------------------------------------------------------------------------

  /** Blocks held for copies by nobody in queue or batch. */
  heldBlocks(): number {
    let held = 0
    for (const { heldBlocks } of this.lingering) held += heldBlocks
    for (const { heldBlocks } of this.abandoned.values()) held += heldBlocks
    return held
  }

  markBlocks(mark: MarkBlocks): void {
    this.tiers.markBlocks(mark)
    for (const { keys } of this.abandoned.keys()) for (const key of keys) if (key >= 0) mark(key)
  }
}

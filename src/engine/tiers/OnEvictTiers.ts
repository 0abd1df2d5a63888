/**
 * Tiers that are written when the device evicts, as the reference's engine does it (profile 1.3.1): a block goes down only when the
 * pool needs its slot, and the slot is not free before the copy has ended. What arrives in host memory is written on to disk and object
 * store, where there are such.
 *
 *     device ──evicted──▶ host ──at once──▶ disk, object store
 *     device ◀──────whole run────── host ◀── what host memory lacks of it: object store first, then disk
 */
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import { RefilledList } from "../../structures/RefilledList.ts"
import { wideRunLength } from "../../structures/WideFrame.ts"
import type { BlockChains } from "./BlockChains.ts"
import { type DownBatch, HostDownlink } from "./HostDownlink.ts"
import {
  type EvictionEvents,
  type EvictionTiers,
  type Load,
  matchedBlocks,
  type Offload,
  type TierMatch
} from "./KvTiers.ts"
import { noBlock } from "./LeafOrder.ts"
import type { LowerTier } from "./LowerTier.ts"
import type { SharedTiers } from "./SharedTiers.ts"
import type { TierArgs } from "./TierArgs.ts"
import type { TierEventSinks } from "../KvEvents.ts"
import type { TierOccupancy } from "../WorkerCore.ts"
import { occupancyOf } from "./Occupancy.ts"
import { TierStore } from "./TierStore.ts"
import { TransferLink } from "./TransferLink.ts"
import { TierWriter } from "./TierWriter.ts"
import type { TransferTimes } from "./TransferTimes.ts"

class TierLoad<Owner> implements Load<Owner> {
  readonly keys: Int32Array
  readonly from: number
  readonly hostBlocks: number
  readonly diskBlocks: number
  readonly objectBlocks: number
  readonly owner: Owner
  readonly startedMs: number
  /** Order of start. */
  readonly sequence: number
  arrived = true

  constructor(match: TierMatch, owner: Owner, sequence: number, startedMs: number) {
    this.startedMs = startedMs
    this.keys = match.keys
    this.from = match.from
    this.hostBlocks = match.hostBlocks
    this.diskBlocks = match.diskBlocks
    this.objectBlocks = match.objectBlocks
    this.owner = owner
    this.sequence = sequence
  }

  get diskFrom(): number {
    return this.from + this.hostBlocks
  }

  get objectFrom(): number {
    return this.diskFrom + this.diskBlocks
  }

  get to(): number {
    return this.objectFrom + this.objectBlocks
  }
}

const parentOf = (keys: Int32Array, position: number): number => (position > 0 ? keys[position - 1]! : noBlock)

const stagedBlocks = ({ diskBlocks, objectBlocks }: TierMatch): number => diskBlocks + objectBlocks

const pin = (store: TierStore, keys: Int32Array, from: number, to: number): void => {
  for (let position = from; position < to;) {
    const run = wideRunLength(keys, position, to)
    store.pin(keys[position]!, run)
    position += run
  }
}

const unpin = (store: TierStore, keys: Int32Array, from: number, to: number): void => {
  for (let position = from; position < to;) {
    const run = wideRunLength(keys, position, to)
    store.unpin(keys[position]!, run, parentOf(keys, position))
    position += run
  }
}

export class OnEvictTiers<Owner> implements EvictionTiers<Owner> {
  private readonly events: EvictionEvents<Owner>
  private readonly times: TransferTimes
  private readonly blockBytes: number
  /** Every load from a lower tier leaves one pin too many behind, as the reference does. */
  private readonly leaksPins: boolean
  private readonly host: TierStore
  private readonly down: HostDownlink
  private readonly up: TransferLink<TierLoad<Owner>>
  private readonly disk: LowerTier | undefined
  private readonly object: LowerTier | undefined
  private readonly writes: ReadonlyArray<TierWriter>
  private readonly ended = new RefilledList<TierLoad<Owner>>()
  /** Loads whose blocks have reached host memory from the tier named, told to this worker at its next tick. */
  private readonly staged: Array<{
    readonly load: TierLoad<Owner>
    readonly tier: LowerTier
    readonly endedMs: number
  }> = []
  /** Loads that found no room in host memory, and those of them that go back to their owner at the next tick. */
  private failed: Array<TierLoad<Owner>> = []
  private returning: Array<TierLoad<Owner>> = []
  /** Blocks of loads from lower tiers for which room in host memory is claimed. */
  private stagingBlocks = 0
  private nextSequence = 0
  private nowMs = 0

  constructor(args: TierArgs, shared: SharedTiers, events: EvictionEvents<Owner>, sinks?: TierEventSinks) {
    this.events = events
    this.times = shared.times
    this.blockBytes = args.blockBytes
    this.leaksPins = args.referenceQuirks
    this.host = new TierStore(args.hostBlocks)
    this.down = new HostDownlink(args, this.host, shared)
    this.up = new TransferLink(args.hostToDeviceGbS, shared.times)
    shared.watch("device", "host", this.down.link, args.blockBytes)
    shared.watch("host", "device", this.up, args.blockBytes)
    this.disk = args.diskBlocks > 0 ? shared.disk : undefined
    this.host.tell(sinks?.host)
    this.disk?.store.tell(sinks?.sharedDisk)
    this.object = args.objectStore ? shared.object : undefined
    this.writes = [this.disk, this.object].flatMap((tier) =>
      tier === undefined ? [] : [new TierWriter(tier, this.host, args.batchBlocks, args.blockBytes)]
    )
  }

  // ---- up --------------------------------------------------------------------------------------------------------------

  lookup(keys: Int32Array, from: number, to: number): TierMatch | undefined {
    const hostBlocks = this.host.run(keys, from, to)
    const diskBlocks = this.disk?.store.run(keys, from + hostBlocks, to) ?? 0
    const objectBlocks = this.object?.store.run(keys, from + hostBlocks + diskBlocks, to) ?? 0
    const lower = diskBlocks + objectBlocks
    if (lower > 0 && this.down.committed + lower <= this.host.available)
      return { keys, from, hostBlocks, diskBlocks, objectBlocks }
    return hostBlocks === 0 ? undefined : { keys, from, hostBlocks, diskBlocks: 0, objectBlocks: 0 }
  }

  /** A run that lower tiers have a part of only claims its room in host memory: it is pinned when it starts, as in the reference. */
  reserve(match: TierMatch): void {
    const staged = stagedBlocks(match)
    if (staged > 0) this.claim(staged)
    else pin(this.host, match.keys, match.from, match.from + match.hostBlocks)
  }

  letGo(match: TierMatch): void {
    const staged = stagedBlocks(match)
    if (staged > 0) this.claim(-staged)
    else unpin(this.host, match.keys, match.from, match.from + match.hostBlocks)
  }

  start(match: TierMatch, owner: Owner): void {
    const load = new TierLoad(match, owner, this.nextSequence++, this.nowMs)
    if (stagedBlocks(load) === 0) {
      this.loadRun(load)
      return
    }
    for (let pins = this.leaksPins ? 2 : 1; pins > 0; pins--) {
      pin(this.host, load.keys, load.from, load.diskFrom)
      if (this.disk !== undefined) pin(this.disk.store, load.keys, load.diskFrom, load.objectFrom)
    }
    if (load.objectBlocks > 0 && this.object !== undefined) this.stage(load, this.object, load.objectBlocks)
    else if (this.disk !== undefined) this.stage(load, this.disk, load.diskBlocks)
  }

  loadMs(match: TierMatch): number {
    const { blockBytes } = this
    const stagedMs =
      (this.disk?.reads.timeOf(match.diskBlocks * blockBytes) ?? 0)
      + (this.object?.reads.timeOf(match.objectBlocks * blockBytes) ?? 0)
    return stagedMs + this.up.timeOf(matchedBlocks(match) * blockBytes)
  }

  /** Copies what host memory lacks into it from one tier; both tiers one after the other. */
  private stage(load: TierLoad<Owner>, tier: LowerTier, blocks: number): void {
    if (this.host.available < blocks) {
      this.fail(load, tier)
      return
    }
    this.host.take(blocks)
    const ended = (endedMs: number): void => void this.staged.push({ load, tier, endedMs })
    tier.reads.start({ ended }, blocks * this.blockBytes, this.nowMs)
  }

  /** What was copied from the tier is in host memory. */
  private finishStage(load: TierLoad<Owner>, tier: LowerTier): void {
    const { diskFrom, keys, objectFrom, to } = load
    if (tier === this.object) {
      for (let position = objectFrom; position < to; position++) this.host.arrivePinned(keys[position]!)
      if (load.diskBlocks > 0 && this.disk !== undefined) {
        this.stage(load, this.disk, load.diskBlocks)
        return
      }
    } else {
      for (let position = diskFrom; position < objectFrom; position++) this.host.arrivePinned(keys[position]!)
      unpin(tier.store, keys, diskFrom, objectFrom)
    }
    this.claim(-stagedBlocks(load))
    this.loadRun(load)
  }

  private loadRun(load: TierLoad<Owner>): void {
    this.up.start(load, matchedBlocks(load) * this.blockBytes, this.nowMs)
  }

  /** Blocks pinned since the room was measured leave none for those of `tier`: everything is let go, and the owner must try anew. */
  private fail(load: TierLoad<Owner>, tier: LowerTier): void {
    const { diskFrom, from, keys, objectFrom, to } = load
    load.arrived = false
    unpin(this.host, keys, from, diskFrom)
    if (tier !== this.object) unpin(this.host, keys, objectFrom, to)
    if (this.disk !== undefined) unpin(this.disk.store, keys, diskFrom, objectFrom)
    this.failed.push(load)
    this.settleFailed()
  }

  private claim(blocks: number): void {
    this.stagingBlocks += blocks
    this.down.committed += blocks
  }

  private get isQuiet(): boolean {
    const { disk, object } = this
    return (
      this.down.link.active === 0
      && this.up.active === 0
      && (disk === undefined || disk.reads.active === 0)
      && (object === undefined || object.reads.active === 0)
    )
  }

  /** Failed loads wait until nothing moves that could still pin or take room. */
  private settleFailed(): void {
    if (this.failed.length === 0 || !this.isQuiet) return
    for (const load of this.failed) {
      this.claim(-stagedBlocks(load))
      this.returning.push(load)
      this.times.changes += 1
    }
    this.failed = []
  }

  // ---- down ------------------------------------------------------------------------------------------------------------

  offload(evicted: BlockChains): Offload | undefined {
    return this.down.submit(evicted, this.nowMs)
  }

  /** Writes what has arrived in host memory on to the lower tiers, offload by offload. */
  private writeOn(ended: RefilledList<DownBatch>): void {
    if (this.writes.length === 0 || ended.length === 0) return
    const batches = ended.toArray()
    const offloads = [...new Set(batches.map(({ offload }) => offload))].toSorted((a, b) => a.sequence - b.sequence)
    for (const offload of offloads) {
      const own = batches.filter((batch) => batch.offload === offload)
      const keys: Array<number> = []
      const parentKeys: Array<number> = []
      for (const { chains } of own) {
        chains.forEachBlock((key, parentKey) => {
          keys.push(key)
          parentKeys.push(parentKey)
        })
      }
      for (const write of this.writes) write.submit(keys, parentKeys, this.nowMs)
    }
  }

  // ---- time ------------------------------------------------------------------------------------------------------------

  tick(nowMs: number): boolean {
    this.nowMs = nowMs
    if (this.writes.length === 0 && this.passesBy(nowMs)) return false
    const { ended, returning } = this
    const arrived = this.down.advance(nowMs)
    this.up.advance(nowMs, ended)
    const lowerEnded = this.tickLower(nowMs)
    if (!arrived && !lowerEnded && ended.length === 0 && returning.length === 0 && this.failed.length === 0)
      return false
    this.times.changes += 1
    const freed = this.down.settle(nowMs)
    if (freed > 0) this.events.slotsFreed(freed)
    this.writeOn(this.down.ended)
    this.down.forget()
    if (this.staged.length > 0) for (const { load, tier } of this.staged.splice(0)) this.finishStage(load, tier)
    // Those that fail from here on go back with the next tick; none do without lower tiers.
    if (this.writes.length > 0) this.returning = []
    this.settleFailed()
    const anyLoad = ended.length > 0 || returning.length > 0
    if (anyLoad) this.finishLoads(ended.takeAll(), returning)
    return arrived || lowerEnded || anyLoad
  }

  /** Moves to `nowMs` where nothing ends until then; false where something does. */
  private passesBy(nowMs: number): boolean {
    const { up } = this
    const { link } = this.down
    if (!link.isQuietUntil(nowMs) || !up.isQuietUntil(nowMs)) return false
    link.moveTo(nowMs)
    up.moveTo(nowMs)
    return true
  }

  catchUp(nowMs: number): boolean {
    const { up } = this
    const { link } = this.down
    let any = false
    for (; link.nextEndMs <= nowMs || up.nextEndMs <= nowMs; any = true)
      this.tick(link.nextEndMs < up.nextEndMs ? link.nextEndMs : up.nextEndMs)
    return any
  }

  settle({ endMs }: { readonly endMs: number }): void {
    if (this.down.link.nextEndMs <= endMs && this.loadedMs() > endMs) this.catchUp(endMs)
  }

  private finishLoads(ended: ReadonlyArray<TierLoad<Owner>>, returning: ReadonlyArray<TierLoad<Owner>>): void {
    // The first started is to be the first in the queue of those that go back to its front.
    for (const load of ended.toSorted((a, b) => b.sequence - a.sequence)) {
      unpin(this.host, load.keys, load.from, load.to)
      this.events.loaded(load, this.nowMs)
    }
    for (const load of returning) this.events.loaded(load, this.nowMs)
  }

  private tickLower(nowMs: number): boolean {
    if (this.writes.length === 0) return false
    this.disk?.advance(nowMs)
    this.object?.advance(nowMs)
    let any = this.staged.length > 0
    for (const write of this.writes) {
      if (write.noticeMs === Number.POSITIVE_INFINITY) continue
      write.count()
      any = true
    }
    return any
  }

  deadlineMs(): number {
    const downMs = this.down.link.nextEndMs
    const upMs = this.up.nextEndMs
    let deadlineMs = downMs < upMs ? downMs : upMs
    if (this.writes.length === 0) return deadlineMs
    if (this.returning.length > 0 || (this.failed.length > 0 && this.isQuiet))
      deadlineMs = Math.min(deadlineMs, this.nowMs)
    for (const { noticeMs } of this.writes) deadlineMs = Math.min(deadlineMs, noticeMs)
    for (const { endedMs } of this.staged) deadlineMs = Math.min(deadlineMs, endedMs)
    if (this.disk !== undefined) deadlineMs = Math.min(deadlineMs, this.disk.deadlineMs())
    return this.object === undefined ? deadlineMs : Math.min(deadlineMs, this.object.deadlineMs())
  }

  loadedMs(): number {
    const downMs = this.down.link.nextEndMs
    return downMs <= this.nowMs ? downMs : this.up.nextEndMs
  }

  occupancy(): TierOccupancy {
    return occupancyOf(this.host, this.disk?.store, [this.down.link, this.up], this.blockBytes)
  }

  markBlocks(mark: MarkBlocks): void {
    const markShared = (key: number): void => {
      if (key >= 0) mark(key)
    }
    this.host.markBlocks(mark)
    this.down.forEachKey(markShared)
    for (const tier of [this.disk, this.object]) {
      tier?.store.markBlocks(mark)
      tier?.forEachWrittenKey(markShared)
    }
    for (const write of this.writes) write.forEachKey(markShared)
  }

  checkInvariants(): void {
    this.host.checkInvariants()
    this.down.checkInvariants(this.stagingBlocks)
    this.disk?.store.checkInvariants()
    this.object?.store.checkInvariants()
  }
}

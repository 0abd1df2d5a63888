/**
 * Tiers that are written through, as vLLM's connector and LMCache do it (our model of them): blocks are copied to host memory once they
 * are computed, and from there to disk. Evicting a block whose copy has ended costs nothing.
 *
 *     device ──computed──▶ host ──at once──▶ disk
 *     device ◀─────run───── host ◀── what host memory lacks of it
 *
 * Copies on a lane follow one another. A block is a hit once its copy has ended and pending while it runs; a request that needs a pending
 * one waits for it. What is read stays where it is until it is read. Both tiers give up what nobody has used for longest.
 */
import { wideRunLength, wideRunLengthBefore } from "../../structures/WideFrame.ts"
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import { type BlockRuns, blocksOf, RunList } from "./BlockRuns.ts"
import { CopyLane, type LaneCopy } from "./CopyLane.ts"
import { HostCopies } from "./HostCopies.ts"
import type { RunningCopies } from "./TierUser.ts"
import { DiskCopy, type DiskTier, type DiskWrite } from "./DiskTier.ts"
import { type CopyEvents, type CopyTiers, type Load, matchedBlocks, type Offload, type TierMatch } from "./KvTiers.ts"
import { BlockState, LruStore } from "./LruStore.ts"
import type { SharedTiers, TierAccount } from "./SharedTiers.ts"
import type { TierArgs } from "./TierArgs.ts"
import type { TransferTimes } from "./TransferTimes.ts"
import type { TierEventSinks } from "../KvEvents.ts"
import type { TierOccupancy } from "../WorkerCore.ts"
import { occupancyOf } from "./Occupancy.ts"

/** A copy to host memory for which somebody waits. */
class AwaitedCopy implements Offload {
  live = true
  endedMs = Number.POSITIVE_INFINITY
}

class DiskWriting implements DiskWrite {
  live = true
  endedMs = Number.POSITIVE_INFINITY
  readonly runs: BlockRuns

  constructor(runs: BlockRuns) {
    this.runs = runs
  }
}

class LaneLoad<Owner> implements Load<Owner>, Offload, LaneCopy<LaneLoad<Owner>> {
  live = true
  endedMs = Number.POSITIVE_INFINITY
  readonly arrived = true
  readonly keys: Int32Array
  readonly from: number
  readonly hostBlocks: number
  readonly diskBlocks: number
  readonly objectBlocks = 0
  readonly owner: Owner
  readonly startedMs: number
  readonly bytes: number
  endMs = Number.NaN
  behind: LaneLoad<Owner> | undefined = undefined

  constructor(match: TierMatch, blockBytes: number, owner: Owner, startedMs: number) {
    const { diskBlocks, from, hostBlocks, keys } = match
    this.bytes = matchedBlocks(match) * blockBytes
    this.keys = keys
    this.from = from
    this.hostBlocks = hostBlocks
    this.diskBlocks = diskBlocks
    this.owner = owner
    this.startedMs = startedMs
  }

  get diskFrom(): number {
    return this.from + this.hostBlocks
  }

  get to(): number {
    return this.diskFrom + this.diskBlocks
  }

  brings(key: number): boolean {
    return this.keys.subarray(this.from, this.to).includes(key)
  }
}

const pin = (store: LruStore, keys: Int32Array, from: number, to: number): void => {
  for (let position = from; position < to;) {
    const run = wideRunLength(keys, position, to)
    store.pin(keys[position]!, run)
    position += run
  }
}

const hasEnded = ({ live }: Offload): boolean => !live

/** A prefix is used later than what extends it. */
const unpin = (store: LruStore, keys: Int32Array, from: number, to: number): void => {
  for (let end = to; end > from;) {
    const run = wideRunLengthBefore(keys, from, end)
    end -= run
    store.unpin(keys[end]!, run)
  }
}

export class WriteThroughTiers<Owner, Holder extends RunningCopies> implements CopyTiers<Owner, Holder> {
  awaited: Offload | undefined = undefined
  private readonly events: CopyEvents<Owner, Holder>
  private readonly account: TierAccount
  private readonly times: TransferTimes
  private readonly blockBytes: number
  private readonly host: LruStore
  private readonly disk: DiskTier | undefined
  private readonly down: HostCopies<Holder>
  private readonly up: CopyLane<LaneLoad<Owner>>
  /** What is on its way to the device. */
  private readonly loads = new Set<LaneLoad<Owner>>()
  /** Those of the copies to host memory for which some request waits, by number. */
  private readonly awaitedCopies = new Map<number, AwaitedCopy>()
  /** Others are told what host memory has. */
  private readonly isWatched: boolean
  /** Copies of other workers that requests here wait for. */
  private foreign: ReadonlyArray<Offload> = []
  private nowMs = 0
  /** What the copy to host memory that has just ended has brought, where it goes on to disk; the last run first. */
  private readonly ended = new RunList()
  /** What was claimed last. */
  private readonly claimed = new RunList()

  constructor(args: TierArgs, shared: SharedTiers, events: CopyEvents<Owner, Holder>, sinks?: TierEventSinks) {
    this.events = events
    this.account = shared.account
    this.times = shared.times
    this.blockBytes = args.blockBytes
    this.host = new LruStore(args.hostBlocks)
    this.isWatched = sinks !== undefined
    this.disk = shared.diskOf(args)
    const times = this.noticesEveryEnd ? shared.times : shared.unnoticed
    this.down = new HostCopies(args.deviceToHostGbS, args.latencyMs, times, args.blockBytes)
    this.up = new CopyLane(args.hostToDeviceGbS, args.latencyMs, shared.times)
    this.host.tell(sinks?.host)
    this.disk?.store.tell(args.diskPerWorker ? sinks?.disk : sinks?.sharedDisk)
    shared.watch("device", "host", this.down, args.blockBytes)
    shared.watch("host", "device", this.up, args.blockBytes)
  }

  // ---- down ------------------------------------------------------------------------------------------------------------

  claim(keys: Int32Array, from: number, to: number): boolean {
    const { host } = this
    const refused = host.refused
    const runs = this.claimed
    runs.clear()
    for (let position = from; position < to;) {
      const run = wideRunLength(keys, position, to)
      host.claim(keys[position]!, run, runs)
      position += run
    }
    this.account.droppedBlocks += host.refused - refused
    return runs.count > 0
  }

  hold(holder: Holder): void {
    this.down.add(this.claimed, holder)
  }

  copy(readyMs: number): void {
    this.down.start(readyMs)
  }

  touch(keys: Int32Array, count: number): void {
    this.host.touch(keys, count)
    this.disk?.store.touch(keys, count)
  }

  private readonly arrived = (key: number, count: number): void => {
    this.host.arrive(key, count)
    if (this.disk !== undefined) this.ended.add(key, count)
  }

  /** Ends the next copy to host memory. */
  private endCopy(): void {
    const { awaitedCopies, disk, down } = this
    const { first, nextEndMs } = down
    const holder = down.end(this.arrived)
    if (awaitedCopies.size > 0) this.endWait(first, nextEndMs)
    if (disk !== undefined) {
      this.writeOn(disk, this.ended.copyBackwards(), nextEndMs)
      this.ended.clear()
    }
    this.events.copied(holder, this.nowMs)
  }

  /** Nobody waits for the copy with this number any more. */
  private endWait(copy: number, endMs: number): void {
    const awaited = this.awaitedCopies.get(copy)
    if (awaited === undefined) return
    this.awaitedCopies.delete(copy)
    this.times.changes += 1
    awaited.live = false
    awaited.endedMs = endMs
  }

  /** Waits for a block that is on its way to host memory; few ask, so nobody keeps a list by block. */
  private waitForHost(key: number): undefined {
    const load = this.loadOf(key)
    if (load !== undefined) return this.waitFor(load)
    const copy = this.down.bringing(key)
    if (copy < 0) return undefined
    let awaited = this.awaitedCopies.get(copy)
    if (awaited === undefined) {
      awaited = new AwaitedCopy()
      this.awaitedCopies.set(copy, awaited)
      this.times.changes += 1
    }
    return this.waitFor(awaited)
  }

  private loadOf(key: number): LaneLoad<Owner> | undefined {
    for (const load of this.loads) if (load.brings(key)) return load
    return undefined
  }

  /** Blocks that have just arrived in host memory go to disk, those that it lacks; they stay in host memory until they are there. */
  private writeOn(disk: DiskTier, arrived: BlockRuns, nowMs: number): void {
    const { host } = this
    const { store } = disk
    const refused = store.refused
    const { claimed } = this
    claimed.clear()
    for (let at = 0; at < arrived.length; at += 2) store.claim(arrived[at]!, arrived[at + 1]!, claimed)
    this.account.droppedBlocks += store.refused - refused
    if (claimed.count === 0) return
    const runs = claimed.copy()
    const write = new DiskWriting(runs)
    for (let at = 0; at < runs.length; at += 2) host.pin(runs[at]!, runs[at + 1]!)
    disk.arriving.add(write)
    const ended = (endMs: number): void => {
      for (let at = runs.length - 2; at >= 0; at -= 2) {
        store.arrive(runs[at]!, runs[at + 1]!)
        host.unpin(runs[at]!, runs[at + 1]!)
      }
      disk.arriving.delete(write)
      write.live = false
      write.endedMs = endMs
    }
    disk.writes.start(new DiskCopy(blocksOf(runs) * this.blockBytes, ended), nowMs)
  }

  // ---- up --------------------------------------------------------------------------------------------------------------

  lookup(keys: Int32Array, from: number, to: number): TierMatch | undefined {
    this.awaited = undefined
    const { host } = this
    let idle = 0
    let position = from
    while (position < to) {
      const key = keys[position]!
      const run = wideRunLength(keys, position, to)
      const present = host.presentRun(key, run)
      const pinned = host.pinnedAmong(key, present)
      if (pinned > 0 && this.someLoaded(keys, position, position + present)) return undefined
      idle += present - pinned
      position += present
      if (present === run) continue
      if (host.stateOf(key + present) === BlockState.Arriving) return this.waitForHost(key + present)
      break
    }
    const hostBlocks = position - from
    const diskBlocks = this.disk === undefined ? 0 : this.runOnDisk(this.disk, keys, position, to, idle)
    if (this.awaited !== undefined || hostBlocks + diskBlocks === 0) return undefined
    return { keys, from, hostBlocks, diskBlocks, objectBlocks: 0 }
  }

  /** Whether some of these blocks are on their way to the device already; whoever needs them waits for that. */
  private someLoaded(keys: Int32Array, from: number, to: number): boolean {
    if (this.loads.size === 0) return false
    for (let position = from; position < to; position++) {
      const load = this.loadOf(keys[position]!)
      if (load === undefined) continue
      this.waitFor(load)
      return true
    }
    return false
  }

  private waitFor(copy: Offload | undefined): undefined {
    this.awaited = copy
  }

  /**
   * Blocks of the run that lie on disk only, as far as host memory has room for them beside its own part, of which `idle` blocks are
   * about to be held.
   */
  private runOnDisk(disk: DiskTier, keys: Int32Array, from: number, to: number, idle: number): number {
    const end = Math.min(to, from + this.host.available - idle)
    let position = from
    for (; position < end; position++) {
      const key = keys[position]!
      // What host memory has behind a gap is found again once the gap is filled.
      if (this.host.stateOf(key) !== BlockState.Absent) break
      const state = disk.store.stateOf(key)
      if (state === BlockState.Absent) break
      if (state !== BlockState.Arriving) continue
      const write = disk.bringing(key)
      if (write !== undefined) this.foreign = [...this.foreign, write]
      this.waitFor(write)
      break
    }
    return position - from
  }

  reserve({ diskBlocks, from, hostBlocks, keys }: TierMatch): void {
    const diskFrom = from + hostBlocks
    pin(this.host, keys, from, diskFrom)
    if (this.disk !== undefined) pin(this.disk.store, keys, diskFrom, diskFrom + diskBlocks)
  }

  letGo({ diskBlocks, from, hostBlocks, keys }: TierMatch): void {
    const diskFrom = from + hostBlocks
    if (this.disk !== undefined) unpin(this.disk.store, keys, diskFrom, diskFrom + diskBlocks)
    unpin(this.host, keys, from, diskFrom)
  }

  /** How soon the run would be on the device. */
  loadMs({ diskBlocks, ...match }: TierMatch): number {
    const { blockBytes, disk, nowMs } = this
    const stagedMs = disk === undefined || diskBlocks === 0 ? nowMs : disk.reads.endOf(diskBlocks * blockBytes, nowMs)
    return this.up.endOf(matchedBlocks({ ...match, diskBlocks }) * blockBytes, stagedMs) - nowMs
  }

  /** The load is what others may wait for. */
  start(match: TierMatch, owner: Owner): Offload {
    const load = new LaneLoad(match, this.blockBytes, owner, this.nowMs)
    this.loads.add(load)
    if (this.disk === undefined || load.diskBlocks === 0) this.up.start(load, this.nowMs)
    else this.stage(this.disk, load)
    return load
  }

  /** Copies what lies on disk to host memory first. */
  private stage(disk: DiskTier, load: LaneLoad<Owner>): void {
    const { diskBlocks, diskFrom, keys, to } = load
    this.claim(keys, diskFrom, to)
    const runs = this.claimed.copy()
    if (blocksOf(runs) !== diskBlocks) throw new Error("host memory has less room than was measured")
    const ended = (endMs: number): void => {
      unpin(disk.store, keys, diskFrom, to)
      for (let at = runs.length - 2; at >= 0; at -= 2) {
        this.host.arrive(runs[at]!, runs[at + 1]!)
        this.host.pin(runs[at]!, runs[at + 1]!)
      }
      this.up.start(load, endMs)
    }
    disk.reads.start(new DiskCopy(diskBlocks * this.blockBytes, ended), this.nowMs)
  }

  private readonly loadEnded = (load: LaneLoad<Owner>): void => {
    unpin(this.host, load.keys, load.from, load.to)
    this.loads.delete(load)
    load.live = false
    load.endedMs = this.nowMs
    this.events.loaded(load, this.nowMs)
  }

  // ---- time ------------------------------------------------------------------------------------------------------------

  /** In the order in which copies end; at one instant in that in which the end of one may start another: down, disk, up. */
  tick(nowMs: number): boolean {
    this.nowMs = nowMs
    const { disk, down, up } = this
    if (disk === undefined && up.nextEndMs > nowMs) {
      // Of copies to host memory alone nobody is told but who waits for one.
      const any = down.nextEndMs <= nowMs && (this.isWatched || this.awaitedCopies.size > 0) && this.noticeMs() <= nowMs
      while (down.nextEndMs <= nowMs) this.endCopy()
      return any
    }
    let any = this.noticeMs() <= nowMs
    for (let endMs = this.nextEndMs; endMs <= nowMs; endMs = this.nextEndMs) {
      while (down.nextEndMs <= endMs) this.endCopy()
      disk?.advance(endMs)
      up.advance(endMs, this.loadEnded)
    }
    if (this.foreign.some(hasEnded)) {
      this.times.changes += 1
      this.foreign = this.foreign.filter(({ live }) => live)
      any = true
    }
    return any
  }

  /** A copy that another worker has seen to the end of is still to be seen here. */
  deadlineMs(): number {
    const { nextEndMs } = this
    return this.foreign.length > 0 && this.foreign.some(hasEnded) ? Math.min(nextEndMs, this.nowMs) : nextEndMs
  }

  private get nextEndMs(): number {
    const nextEndMs = Math.min(this.down.nextEndMs, this.up.nextEndMs)
    return this.disk === undefined ? nextEndMs : Math.min(nextEndMs, this.disk.nextEndMs)
  }

  /** A disk may be shared: who waits for a copy there is unknown here. */
  private get noticesEveryEnd(): boolean {
    return this.disk !== undefined || this.isWatched
  }

  noticeMs(): number {
    if (this.noticesEveryEnd) return this.deadlineMs()
    let noticeMs = this.up.nextEndMs
    if (this.awaitedCopies.size === 0) return noticeMs
    for (const copy of this.awaitedCopies.keys()) noticeMs = Math.min(noticeMs, this.down.endMsOf(copy))
    return noticeMs
  }

  occupancy(): TierOccupancy {
    return occupancyOf(this.host, this.disk?.store, [this.down, this.up], this.blockBytes)
  }

  markBlocks(mark: MarkBlocks): void {
    this.host.markBlocks(mark)
    this.disk?.store.markBlocks(mark)
  }

  checkInvariants(): void {
    this.host.checkInvariants()
    this.disk?.store.checkInvariants()
  }
}

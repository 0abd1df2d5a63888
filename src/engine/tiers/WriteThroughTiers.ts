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
import { CopyLane } from "./CopyLane.ts"
import type { DiskTier } from "./DiskTier.ts"
import { type CopyEvents, type CopyTiers, type Load, matchedBlocks, type Offload, type TierMatch } from "./KvTiers.ts"
import { BlockState, LruStore } from "./LruStore.ts"
import type { SharedTiers, TierAccount } from "./SharedTiers.ts"
import type { TierArgs } from "./TierArgs.ts"
import type { TierEventSinks } from "../KvEvents.ts"
import type { TierOccupancy } from "../WorkerCore.ts"
import { occupancyOf } from "./Occupancy.ts"

/** Blocks on their way down, and for whom. */
class HostCopy<Holder> implements Offload {
  live = true
  endedMs = Number.POSITIVE_INFINITY
  readonly keys: ReadonlyArray<number>
  readonly holder: Holder

  constructor(keys: ReadonlyArray<number>, holder: Holder) {
    this.keys = keys
    this.holder = holder
  }
}

class LaneLoad<Owner> implements Load<Owner>, Offload {
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

  constructor({ diskBlocks, from, hostBlocks, keys }: TierMatch, owner: Owner, startedMs: number) {
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
}

export class WriteThroughTiers<Owner, Holder> implements CopyTiers<Owner, Holder> {
  awaited: Offload | undefined = undefined
  private readonly events: CopyEvents<Owner, Holder>
  private readonly account: TierAccount
  private readonly blockBytes: number
  private readonly host: LruStore
  private readonly disk: DiskTier | undefined
  private readonly down: CopyLane<HostCopy<Holder>>
  private readonly up: CopyLane<LaneLoad<Owner>>
  /** What is on its way to host memory from the device, and from disk. */
  private readonly copies = new Set<HostCopy<Holder>>()
  private readonly staging = new Set<LaneLoad<Owner>>()
  /** The load of each block that is on its way to the device. */
  private readonly loading = new Map<number, LaneLoad<Owner>>()
  /** Copies of other workers that requests here wait for. */
  private foreign: ReadonlyArray<Offload> = []
  private nowMs = 0

  constructor(args: TierArgs, shared: SharedTiers, events: CopyEvents<Owner, Holder>, sinks?: TierEventSinks) {
    this.events = events
    this.account = shared.account
    this.blockBytes = args.blockBytes
    this.host = new LruStore(args.hostBlocks)
    this.down = new CopyLane(args.deviceToHostGbS, args.latencyMs)
    this.up = new CopyLane(args.hostToDeviceGbS, args.latencyMs)
    this.disk = shared.diskOf(args)
    this.host.tell(sinks?.host)
    this.disk?.store.tell(args.diskPerWorker ? sinks?.disk : sinks?.sharedDisk)
    shared.watch("device", "host", this.down, args.blockBytes)
    shared.watch("host", "device", this.up, args.blockBytes)
  }

  // ---- down ------------------------------------------------------------------------------------------------------------

  claim(key: number): boolean {
    if (this.host.stateOf(key) !== BlockState.Absent) return false
    if (this.host.take(key)) return true
    this.account.droppedBlocks += 1
    return false
  }

  copy(keys: ReadonlyArray<number>, holder: Holder, readyMs: number): void {
    const copy = new HostCopy(keys, holder)
    this.copies.add(copy)
    this.down.start(copy, keys.length * this.blockBytes, readyMs)
  }

  touch(keys: Int32Array, count: number): void {
    this.host.touch(keys, count)
    this.disk?.store.touch(keys, count)
  }

  private readonly copied = (copy: HostCopy<Holder>, endMs: number): void => {
    const { keys } = copy
    // A prefix is used later than what extends it.
    for (let index = keys.length - 1; index >= 0; index--) this.host.arrive(keys[index]!)
    this.copies.delete(copy)
    copy.live = false
    copy.endedMs = endMs
    if (this.disk !== undefined) this.writeOn(this.disk, keys, endMs)
    this.events.copied(copy.holder, this.nowMs)
  }

  /** What brings a block that is on its way to host memory; few ask, so nobody keeps a list by block. */
  private bringing(key: number): Offload | undefined {
    for (const copy of this.copies) if (copy.keys.includes(key)) return copy
    for (const load of this.staging) if (load.keys.subarray(load.diskFrom, load.to).includes(key)) return load
    return undefined
  }

  /** Blocks that have just arrived in host memory go to disk, those that it lacks; they stay in host memory until they are there. */
  private writeOn(disk: DiskTier, keys: ReadonlyArray<number>, nowMs: number): void {
    const written = keys.filter((key) => disk.store.stateOf(key) === BlockState.Absent && this.takeDisk(disk, key))
    if (written.length === 0) return
    const write = new HostCopy(written, undefined)
    for (const key of written) this.host.pin(key)
    disk.arriving.add(write)
    const ended = (endMs: number): void => {
      for (let index = written.length - 1; index >= 0; index--) {
        const key = written[index]!
        disk.store.arrive(key)
        this.host.unpin(key)
      }
      disk.arriving.delete(write)
      write.live = false
      write.endedMs = endMs
    }
    disk.writes.start(ended, written.length * this.blockBytes, nowMs)
  }

  private takeDisk({ store }: DiskTier, key: number): boolean {
    const taken = store.take(key)
    if (!taken) this.account.droppedBlocks += 1
    return taken
  }

  // ---- up --------------------------------------------------------------------------------------------------------------

  lookup(keys: Int32Array, from: number, to: number): TierMatch | undefined {
    this.awaited = undefined
    let idle = 0
    let position = from
    for (; position < to; position++) {
      const key = keys[position]!
      const load = this.loading.get(key)
      if (load !== undefined) return this.waitFor(load)
      const state = this.host.stateOf(key)
      if (state === BlockState.Arriving) return this.waitFor(this.bringing(key))
      if (state === BlockState.Absent) break
      if (state === BlockState.Idle) idle += 1
    }
    const hostBlocks = position - from
    const diskBlocks = this.disk === undefined ? 0 : this.runOnDisk(this.disk, keys, position, to, idle)
    if (this.awaited !== undefined || hostBlocks + diskBlocks === 0) return undefined
    return { keys, from, hostBlocks, diskBlocks, objectBlocks: 0 }
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
    for (let position = from; position < diskFrom; position++) this.host.pin(keys[position]!)
    for (let position = diskFrom; position < diskFrom + diskBlocks; position++) this.disk?.store.pin(keys[position]!)
  }

  letGo({ diskBlocks, from, hostBlocks, keys }: TierMatch): void {
    const diskFrom = from + hostBlocks
    for (let position = diskFrom + diskBlocks - 1; position >= diskFrom; position--)
      this.disk?.store.unpin(keys[position]!)
    for (let position = diskFrom - 1; position >= from; position--) this.host.unpin(keys[position]!)
  }

  /** How soon the run would be on the device. */
  loadMs({ diskBlocks, ...match }: TierMatch): number {
    const { blockBytes, disk, nowMs } = this
    const stagedMs = disk === undefined || diskBlocks === 0 ? nowMs : disk.reads.endOf(diskBlocks * blockBytes, nowMs)
    return this.up.endOf(matchedBlocks({ ...match, diskBlocks }) * blockBytes, stagedMs) - nowMs
  }

  /** The load is what others may wait for. */
  start(match: TierMatch, owner: Owner): Offload {
    const load = new LaneLoad(match, owner, this.nowMs)
    for (let position = load.from; position < load.to; position++) this.loading.set(load.keys[position]!, load)
    if (this.disk === undefined || load.diskBlocks === 0) this.loadRun(load, this.nowMs)
    else this.stage(this.disk, load)
    return load
  }

  /** Copies what lies on disk to host memory first. */
  private stage(disk: DiskTier, load: LaneLoad<Owner>): void {
    const { diskBlocks, diskFrom, keys, to } = load
    for (let position = diskFrom; position < to; position++)
      if (!this.host.take(keys[position]!)) throw new Error("host memory has less room than was measured")
    this.staging.add(load)
    const ended = (endMs: number): void => {
      for (let position = to - 1; position >= diskFrom; position--) {
        const key = keys[position]!
        disk.store.unpin(key)
        this.host.arrive(key)
        this.host.pin(key)
      }
      this.staging.delete(load)
      this.loadRun(load, endMs)
    }
    disk.reads.start(ended, diskBlocks * this.blockBytes, this.nowMs)
  }

  private loadRun(load: LaneLoad<Owner>, nowMs: number): void {
    this.up.start(load, matchedBlocks(load) * this.blockBytes, nowMs)
  }

  private readonly loadEnded = (load: LaneLoad<Owner>): void => {
    for (let position = load.to - 1; position >= load.from; position--) {
      this.host.unpin(load.keys[position]!)
      this.loading.delete(load.keys[position]!)
    }
    load.live = false
    load.endedMs = this.nowMs
    this.events.loaded(load, this.nowMs)
  }

  // ---- time ------------------------------------------------------------------------------------------------------------

  /** In the order in which the end of a copy may start another: down, disk, up. */
  tick(nowMs: number): boolean {
    this.nowMs = nowMs
    let any = this.down.advance(nowMs, this.copied)
    if (this.disk?.advance(nowMs) === true) any = true
    if (this.up.advance(nowMs, this.loadEnded)) any = true
    if (this.foreign.some(({ live }) => !live)) {
      this.foreign = this.foreign.filter(({ live }) => live)
      any = true
    }
    return any
  }

  deadlineMs(): number {
    const deadlineMs = Math.min(this.down.deadlineMs(), this.up.deadlineMs())
    return this.disk === undefined ? deadlineMs : Math.min(deadlineMs, this.disk.deadlineMs())
  }

  occupancy(): TierOccupancy {
    return occupancyOf(this.host, this.disk?.store, [this.down, this.up], this.blockBytes)
  }

  markBlocks(mark: (block: number) => void): void {
    const markShared = (key: number): void => {
      if (key >= 0) mark(key)
    }
    this.host.forEachKey(markShared)
    this.disk?.store.forEachKey(markShared)
  }

  checkInvariants(): void {
    this.host.checkInvariants()
    this.disk?.store.checkInvariants()
  }
}

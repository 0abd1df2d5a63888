/**
 * Tiers that are written when the device evicts, as the reference's engine does it (profile 1.3.1): a block goes down only when the
 * pool needs its slot, and the slot is not free before the copy has ended.
 */
import { HostDownlink } from "./HostDownlink.ts"
import type { KvTiers, Load, Offload, TierEvents, TierMatch } from "./KvTiers.ts"
import { matchedBlocks } from "./KvTiers.ts"
import { noBlock } from "./LeafOrder.ts"
import type { TierArgs } from "./TierArgs.ts"
import { TierStore } from "./TierStore.ts"
import { TransferLink } from "./TransferLink.ts"

interface HostLoad<Owner> extends Load<Owner> {
  readonly sequence: number
}

export class OnEvictTiers<Owner> implements KvTiers<Owner> {
  private readonly events: TierEvents<Owner>
  private readonly blockBytes: number
  private readonly host: TierStore
  private readonly down: HostDownlink
  private readonly up: TransferLink<HostLoad<Owner>>
  private readonly ended: Array<HostLoad<Owner>> = []
  private nextSequence = 0
  private nowMs = 0

  constructor(args: TierArgs, events: TierEvents<Owner>) {
    this.events = events
    this.blockBytes = args.blockBytes
    this.host = new TierStore(args.hostBlocks)
    this.down = new HostDownlink(args, this.host)
    this.up = new TransferLink(args.hostToDeviceGbS)
  }

  lookup(keys: Int32Array, from: number, to: number): TierMatch | undefined {
    const hostBlocks = this.host.run(keys, from, to)
    return hostBlocks === 0 ? undefined : { keys, from, hostBlocks, diskBlocks: 0, objectBlocks: 0 }
  }

  reserve({ from, hostBlocks, keys }: TierMatch): void {
    for (let position = from; position < from + hostBlocks; position++) this.host.pin(keys[position]!)
  }

  letGo({ from, hostBlocks, keys }: TierMatch): void {
    for (let position = from; position < from + hostBlocks; position++) {
      this.host.unpin(keys[position]!, position > 0 ? keys[position - 1]! : noBlock)
    }
  }

  start(match: TierMatch, owner: Owner): void {
    const load = { ...match, owner, arrived: true, sequence: this.nextSequence++ }
    this.up.start(load, matchedBlocks(match) * this.blockBytes, this.nowMs)
  }

  offload(
    keys: ReadonlyArray<number>,
    parentKeys: ReadonlyArray<number>,
    slots: ReadonlyArray<number>
  ): Offload | undefined {
    return this.down.submit(keys, parentKeys, slots, this.nowMs)
  }

  tick(nowMs: number): boolean {
    this.nowMs = nowMs
    const { ended } = this
    const freed = this.down.advance(nowMs)
    this.up.advance(nowMs, ended)
    if (freed.length === 0 && ended.length === 0) return false
    this.down.settle(nowMs, (slots) => this.events.slotsFreed(slots))
    ended.sort((a, b) => b.sequence - a.sequence)
    for (const load of ended) {
      this.letGo(load)
      this.events.loaded(load)
    }
    ended.length = 0
    return true
  }

  deadlineMs(): number {
    return Math.min(this.down.deadlineMs(), this.up.deadlineMs())
  }

  markBlocks(mark: (block: number) => void): void {
    const markShared = (key: number): void => {
      if (key >= 0) mark(key)
    }
    this.host.forEachKey(markShared)
    this.down.forEachKey(markShared)
  }

  checkInvariants(): void {
    this.host.checkInvariants()
    this.down.checkInvariants()
  }
}

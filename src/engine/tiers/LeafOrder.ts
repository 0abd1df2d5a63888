/**
 * In which order a store of KV blocks gives up those that nobody holds: the leaf of the prefix tree that became idle first.
 *
 * Every idle block has its turn, given when it became idle. A block with an idle block below it is never a candidate; once the last
 * of those has gone it is one at its old turn. A block that is not idle but has idle ones below it stays in the tree as a
 * placeholder. Unlike in a pool whose holders release deepest blocks first, a plain list would not do: blocks come back from
 * another tier prefix first.
 *
 * Blocks lie in frames of 32 (`structures/WideFrame.ts`), a trace block each. Those of one frame that became idle one right after another, along the tree, are
 * one entry, whose turn is one:
 *
 *     next ──▶ [ f2: ●●●●○○○○ ] ⇄ [ f7: ●●●●●●●● ] ⇄ [ f2: ○○○○●●○○ ] ◀── newest          f2 also has an entry out of the list:
 *                                                                                              [ f2: ○○○○○○●● ] without a leaf
 *
 * An entry without a leaf leaves the list when its turn comes, and is back as soon as it has one. Mostly, that is when what it waited for
 * has just been given up, so that it comes next. Every operation costs a few reads and writes, for 32 blocks as for one.
 *
 *     links     inner  ○●●●●●●●     blocks that extend the one before them in their frame
 *               outer  ●○○○○○○○     blocks that extend one elsewhere: their parents
 *               bears  ○○○○○○○●     blocks that are extended by some elsewhere: by one, and those that `siblings` counts of the slot
 *
 * Of a frame, what most operations read is 32 bytes in a row. 208 bytes per frame with one entry: 7 a block where frames are full. Starts with
 * a few frames and doubles.
 */
import { type MarkBlocks, markWideMembers } from "../../request/BlockIdentity.ts"
import { firstOf, lastOf } from "../../structures/FrameMask.ts"
import { FrameTable } from "../../structures/FrameTable.ts"
import { grown } from "../../structures/Grown.ts"
import { IntMap } from "../../structures/IntMap.ts"
import {
  isOne,
  wideBits,
  wideCount,
  wideFrameOf,
  wideMemberOf,
  wideMembersFrom,
  wideSize,
  wideTrailing
} from "../../structures/WideFrame.ts"

/** The parent of a block that begins a prompt. */
export const noBlock = -1

// Cells of a frame's row: masks of its members, and its newest entry. Rows and entries begin at multiples of eight: cells of them are found
// without an addition that might overflow.
const idleCell = 0
const innerCell = 1
const outerCell = 2
const bearsCell = 3
const newestCell = 4
const rowBits = 3

const rowOf = (frame: number): number => frame << rowBits

// Cells of an entry, and its turn behind them.
const frameCell = 0
const maskCell = 1
/** The entry of the same frame that is older, 0 for none; of a free entry the next free one. */
const olderCell = 2
/** Neighbours in the list; before an entry out of it is {@link outside}. */
const beforeCell = 3
const behindCell = 4
/** 1 where the first member became idle first, 0 where the last one did. */
const risingCell = 5
const entryCells = 8

const turnOf = (entry: number): number => (entry >> 1) | 3

const initialEntries = 16
const initialBereft = 4
/** The entry that links the first and the last one. */
const ends = 0
const outside = -1

export class LeafOrder {
  /** Idle blocks. */
  size = 0
  /** How many {@link takeFirst} took last. */
  taken = 0
  private readonly frames = new FrameTable()
  private rows = new Int32Array(rowOf(this.frames.capacity))
  /** The slot of each member's parent. */
  private parents = new Int32Array(this.frames.capacity * wideSize)
  /** How many blocks elsewhere extend the one in a slot, beyond the first. */
  private readonly siblings = new IntMap()
  private cells = new Int32Array(initialEntries * entryCells)
  private turns = new Float64Array(this.cells.buffer)
  private firstFree = 0
  private reached = entryCells
  private nextTurn = 0
  /** The entry made last, 0 when it has gone. */
  private latest = 0
  /** Slots that have lost what was below them, while they are being looked at. */
  private bereft = new Int32Array(initialBereft)
  private bereftCount = 0

  /** Whether the block is idle here. */
  has(key: number): boolean {
    return (this.idleOf(wideFrameOf(key)) & (1 << wideMemberOf(key))) !== 0
  }

  /** Which of the members of a frame of 32 are idle. */
  idleOf(frameNumber: number): number {
    return this.rows[rowOf(this.frames.find(frameNumber)) | idleCell]!
  }

  /**
   * The `count` blocks `key …` of a frame become idle, each but the first behind the one before it, the first behind `parentKey`: prefix first,
   * or the last one first. Their turn comes after all that are idle now. False, and nothing is done, where one of them is idle already.
   */
  insert(key: number, count: number, parentKey: number, prefixFirst: boolean): boolean {
    const frame = this.frameFor(wideFrameOf(key))
    const { rows } = this
    const row = rowOf(frame)
    const first = wideMemberOf(key)
    const bit = 1 << first
    const members = wideMembersFrom(first, count)
    const idle = rows[row | idleCell]!
    if ((idle & members) !== 0) return false
    const outer = rows[row | outerCell]!
    let inner = rows[row | innerCell]! | (members & ~bit)
    if (parentKey === key - 1 && first > 0) inner |= bit & ~outer
    this.size += count
    rows[row | idleCell] = idle | members
    rows[row | innerCell] = inner
    if (((inner | outer) & bit) === 0 && parentKey !== noBlock) this.link(frame, first, parentKey)
    this.append(frame, members, prefixFirst)
    return true
  }

  /** Those of the `count` blocks `key …` of a frame that are idle are held again, or gone; returns their number. */
  remove(key: number, count: number): number {
    const frame = this.frames.find(wideFrameOf(key))
    const row = rowOf(frame)
    const members = wideMembersFrom(wideMemberOf(key), count) & this.rows[row | idleCell]!
    if (members === 0) return 0
    this.takeOut(row, members)
    const leaves = this.leavesOf(row)
    this.rows[row | idleCell]! &= ~members
    this.size -= wideCount(members)
    this.prune(frame, leaves)
    return wideCount(members)
  }

  /**
   * Takes out the candidate, and those that are it after that, up to `limit`, as far as each is the block before the last one: returns the
   * identity of the last one, {@link taken} their number. There must be an idle block.
   */
  takeFirst(limit: number): number {
    const { cells, rows } = this
    const entry = cells[ends | behindCell]!
    const frame = cells[entry | frameCell]!
    const mask = cells[entry | maskCell]!
    const row = rowOf(frame)
    const inner = rows[row | innerCell]!
    const idle = rows[row | idleCell]!
    const bears = rows[row | bearsCell]!
    const leaves = leavesAmong(idle, inner, bears)
    const own = leaves & mask
    if (own === 0) {
      this.skipLeafless()
      return this.takeFirst(limit)
    }
    const top = cells[entry | risingCell] === 1 ? firstOf(own) : lastOf(own)
    // Those that extend one of the entry that nothing else extends.
    const follow = inner & ((mask & ~bears) << 1)
    let taken = limit
    if (limit > 1) {
      const chained = wideTrailing(follow, top) + 1
      if (chained < limit) taken = chained
    }
    const low = top - taken + 1
    const members = wideMembersFrom(low, taken)
    this.taken = taken
    this.size -= taken
    rows[row | idleCell] = idle & ~members
    const key = (this.frames.numbers[frame]! << wideBits) | low
    if ((follow & (1 << low)) !== 0) {
      // The block before them is of the same entry, which has its turn again with that as its leaf.
      cells[entry | maskCell] = mask & ~members
      rows[row | innerCell] = inner & ~members
    } else {
      this.takeOut(row, members)
      this.prune(frame, leaves)
    }
    return key
  }

  /** Every shareable identity in the tree, those of placeholders included. */
  markBlocks(mark: MarkBlocks): void {
    const { capacity, numbers } = this.frames
    for (let frame = 1; frame < capacity; frame++) if (numbers[frame]! >= 0) this.markFrame(frame, mark)
  }

  private markFrame(frame: number, mark: MarkBlocks): void {
    const { rows } = this
    const row = rowOf(frame)
    const inner = rows[row | innerCell]!
    const members = rows[row | idleCell]! | inner | (inner >>> 1) | rows[row | outerCell]! | rows[row | bearsCell]!
    markWideMembers(this.frames.numbers[frame]!, members, mark)
  }

  /** Walks list and tree: each idle block in one entry, each leaf in one of the list, which is in order, each link counted. */
  checkInvariants(): void {
    const below = new Int32Array(this.frames.capacity * wideSize)
    let idle = 0
    for (let frame = 1; frame < this.frames.capacity; frame++) {
      const row = rowOf(frame)
      idle += wideCount(this.rows[row | idleCell]!)
      this.checkEntries(frame)
      for (let member = 0; member < wideSize; member++) {
        if ((this.rows[row | outerCell]! & (1 << member)) !== 0) below[this.parents[frame * wideSize + member]!]! += 1
      }
    }
    if (idle !== this.size) throw new Error(`${idle} blocks are idle, counted ${this.size}`)
    for (let slot = 0; slot < below.length; slot++) {
      const bears = (this.rows[rowOf(slot >> wideBits) | bearsCell]! & (1 << wideMemberOf(slot))) !== 0
      if (below[slot] !== this.siblings.get(slot) + (bears ? 1 : 0))
        throw new Error(`slot ${slot} has lost count of the blocks below it`)
    }
    let turn = -1
    for (let entry = this.cells[ends | behindCell]!; entry !== ends; entry = this.cells[entry | behindCell]!) {
      if (this.turns[turnOf(entry)]! <= turn) throw new Error("candidates are out of order")
      turn = this.turns[turnOf(entry)]!
    }
  }

  private checkEntries(frame: number): void {
    const { cells, rows } = this
    const row = rowOf(frame)
    let members = 0
    let leaves = this.leavesOf(row)
    for (let entry = rows[row | newestCell]!; entry !== 0; entry = cells[entry | olderCell]!) {
      if ((members & cells[entry | maskCell]!) !== 0) throw new Error(`a block of frame ${frame} is idle twice`)
      members |= cells[entry | maskCell]!
      if (cells[entry | beforeCell] !== outside) leaves &= ~cells[entry | maskCell]!
    }
    if (members !== rows[row | idleCell]) throw new Error(`a block of frame ${frame} is idle without a turn`)
    if (leaves !== 0) throw new Error(`a block of frame ${frame} is a leaf but no candidate`)
    if ((rows[row | innerCell]! & rows[row | outerCell]!) !== 0)
      throw new Error(`a block of frame ${frame} is below two others`)
  }

  // ---- tree ------------------------------------------------------------------------------------------------------------

  /** The idle members of a frame that nothing extends. */
  private leavesOf(row: number): number {
    const { rows } = this
    return leavesAmong(rows[row | idleCell]!, rows[row | innerCell]!, rows[row | bearsCell]!)
  }

  /** A member extends a block of another frame, or one of its own that is not the one before it. */
  private link(frame: number, member: number, parentKey: number): void {
    const parentFrame = this.frameFor(wideFrameOf(parentKey))
    const { rows } = this
    const bit = 1 << wideMemberOf(parentKey)
    const parentRow = rowOf(parentFrame)
    const bears = rows[parentRow | bearsCell]!
    const parent = (parentFrame << wideBits) | wideMemberOf(parentKey)
    rows[rowOf(frame) | outerCell]! |= 1 << member
    this.parents[(frame << wideBits) | member] = parent
    if ((bears & bit) === 0) rows[parentRow | bearsCell] = bears | bit
    else this.siblings.add(parent, 1)
  }

  /**
   * Blocks of a frame, whose leaves were `leaves`, are not idle any more: those without anything below them vanish, and so do placeholders
   * above that are left without children.
   */
  private prune(frame: number, leaves: number): void {
    this.pruneFrame(frame, leaves)
    while (this.bereftCount > 0) {
      const parent = this.bereft[--this.bereftCount]!
      const parentFrame = parent >> wideBits
      const row = rowOf(parentFrame)
      const bit = 1 << wideMemberOf(parent)
      const before = this.leavesOf(row)
      this.rows[row | bearsCell]! &= ~bit
      if ((this.rows[row | idleCell]! & bit) === 0) this.pruneFrame(parentFrame, before)
      else if ((this.leavesOf(row) & bit) !== 0) this.comeBack(row, bit)
    }
  }

  private pruneFrame(frame: number, leavesBefore: number): void {
    const { rows } = this
    const row = rowOf(frame)
    const kept = rows[row | idleCell]! | rows[row | bearsCell]!
    if (kept === 0) {
      this.dropFrame(frame)
      return
    }
    let inner = rows[row | innerCell]!
    // Those that nothing keeps in its place, and what they extend as far as nothing else does.
    for (let tails = (inner | rows[row | outerCell]!) & ~kept & ~(inner >>> 1); tails !== 0;) {
      const last = lastOf(tails)
      const first = last - wideTrailing(inner & ~kept, last)
      tails &= ~(1 << last)
      if (first < last) inner &= ~wideMembersFrom(first + 1, last - first)
      if ((rows[row | outerCell]! & ~kept & (1 << first)) !== 0) this.unlink(frame, first)
    }
    rows[row | innerCell] = inner
    const found = this.leavesOf(row) & ~leavesBefore
    if (found !== 0) this.comeBack(row, found)
  }

  /** Nothing keeps any of its members: the frame vanishes. */
  private dropFrame(frame: number): void {
    const row = rowOf(frame)
    this.rows[row | innerCell] = 0
    for (let outer = this.rows[row | outerCell]!; outer !== 0; outer &= outer - 1) this.unlink(frame, firstOf(outer))
    this.frames.remove(frame)
  }

  private unlink(frame: number, member: number): void {
    const parent = this.parents[(frame << wideBits) | member]!
    this.rows[rowOf(frame) | outerCell]! &= ~(1 << member)
    if (this.siblings.get(parent) > 0) {
      this.siblings.add(parent, -1)
      return
    }
    if (this.bereftCount === this.bereft.length) this.bereft = grown(this.bereft)
    this.bereft[this.bereftCount++] = parent
  }

  private frameFor(number: number): number {
    const found = this.frames.find(number)
    if (found !== 0) return found
    const frame = this.frames.add(number)
    if (rowOf(frame) >= this.rows.length) {
      this.rows = grown(this.rows, rowOf(this.frames.capacity))
      this.parents = grown(this.parents, this.frames.capacity * wideSize)
    }
    return frame
  }

  // ---- turns -----------------------------------------------------------------------------------------------------------

  /** The entries before the first one with a leaf leave the list. */
  private skipLeafless(): void {
    const { cells } = this
    let entry = cells[ends | behindCell]!
    while ((cells[entry | maskCell]! & this.leavesOf(rowOf(cells[entry | frameCell]!))) === 0) {
      const next = cells[entry | behindCell]!
      this.leaveList(entry)
      entry = next
    }
  }

  /** Members of a frame have become leaves. */
  private comeBack(row: number, leaves: number): void {
    const { cells } = this
    for (let entry = this.rows[row | newestCell]!; entry !== 0; entry = cells[entry | olderCell]!) {
      if ((cells[entry | maskCell]! & leaves) !== 0 && cells[entry | beforeCell] === outside) this.enterList(entry)
    }
  }

  /** Behind entries that are back for the same reason, and whose turn comes first. */
  private enterList(entry: number): void {
    const { cells, turns } = this
    const turn = turns[turnOf(entry)]!
    let behind = cells[ends | behindCell]!
    while (behind !== ends && turns[turnOf(behind)]! < turn) behind = cells[behind | behindCell]!
    this.join(entry, behind)
  }

  private join(entry: number, behind: number): void {
    const { cells } = this
    const before = cells[behind | beforeCell]!
    cells[entry | beforeCell] = before
    cells[entry | behindCell] = behind
    cells[before | behindCell] = entry
    cells[behind | beforeCell] = entry
  }

  private leaveList(entry: number): void {
    const { cells } = this
    const before = cells[entry | beforeCell]!
    const behind = cells[entry | behindCell]!
    cells[before | behindCell] = behind
    cells[behind | beforeCell] = before
    cells[entry | beforeCell] = outside
  }

  private append(frame: number, members: number, prefixFirst: boolean): void {
    const { latest } = this
    if (latest !== 0 && this.cells[latest | frameCell] === frame && this.extendLatest(members, prefixFirst)) return
    const entry = this.freeEntry()
    const { cells, rows } = this
    const newest = rowOf(frame) | newestCell
    cells[entry | frameCell] = frame
    cells[entry | maskCell] = members
    cells[entry | olderCell] = rows[newest]!
    cells[entry | risingCell] = prefixFirst ? 1 : 0
    this.turns[turnOf(entry)] = this.nextTurn++
    rows[newest] = entry
    this.latest = entry
    this.join(entry, ends)
  }

  /** Makes members that follow those of the latest entry, in its direction, part of it; false when they do not. */
  private extendLatest(members: number, prefixFirst: boolean): boolean {
    const { cells, latest } = this
    if (cells[latest | beforeCell] === outside) return false
    const mask = cells[latest | maskCell]!
    const isAbove = isBeyond(members, mask)
    const isBelow = isBeyond(mask, members)
    const rises = isOne(mask) ? isAbove : cells[latest | risingCell] === 1
    if (!(rises ? isAbove : isBelow) || (!isOne(members) && rises !== prefixFirst)) return false
    cells[latest | maskCell] = mask | members
    cells[latest | risingCell] = rises ? 1 : 0
    return true
  }

  /** Takes members out of the entries of their frame; all of them are idle. */
  private takeOut(row: number, members: number): void {
    const { cells, rows } = this
    let wanted = members
    let newer = 0
    let entry = rows[row | newestCell]!
    while (wanted !== 0) {
      const mask = cells[entry | maskCell]!
      const older = cells[entry | olderCell]!
      wanted &= ~mask
      cells[entry | maskCell] = mask & ~members
      if ((mask & ~members) !== 0) newer = entry
      else {
        if (newer === 0) rows[row | newestCell] = older
        else cells[newer | olderCell] = older
        this.dropEntry(entry)
      }
      entry = older
    }
  }

  private dropEntry(entry: number): void {
    const { cells } = this
    if (cells[entry | beforeCell] !== outside) this.leaveList(entry)
    if (entry === this.latest) this.latest = 0
    cells[entry | olderCell] = this.firstFree
    this.firstFree = entry
  }

  private freeEntry(): number {
    const free = this.firstFree
    if (free !== 0) {
      this.firstFree = this.cells[free | olderCell]!
      return free
    }
    if (this.reached === this.cells.length) {
      this.cells = grown(this.cells)
      this.turns = new Float64Array(this.cells.buffer)
    }
    this.reached += entryCells
    return this.reached - entryCells
  }
}

/** Of idle members, those that nothing extends: neither the one behind them nor one elsewhere. */
const leavesAmong = (idle: number, inner: number, bears: number): number => idle & ~(bears | (inner >>> 1))

/** Whether the first member of one mask is behind the last one of the other. */
const isBeyond = (mask: number, other: number): boolean => (mask & -mask) >>> 0 > other >>> 0

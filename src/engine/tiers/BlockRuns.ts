/** Blocks by runs of consecutive identities within a frame of 32 (`structures/WideFrame.ts`): first identity and length of one run after another. */
import { firstOf } from "../../structures/FrameMask.ts"
import { grown } from "../../structures/Grown.ts"
import { wideBits, wideLeading, wideMembersFrom } from "../../structures/WideFrame.ts"

export type BlockRuns = ArrayLike<number>

export const blocksOf = (runs: BlockRuns): number => {
  let blocks = 0
  for (let at = 1; at < runs.length; at += 2) blocks += runs[at]!
  return blocks
}

export const hasBlock = (runs: BlockRuns, key: number): boolean => {
  for (let at = 0; at < runs.length; at += 2) if (key >= runs[at]! && key < runs[at]! + runs[at + 1]!) return true
  return false
}

/** A list of runs that is filled and emptied again and again, and keeps its storage. */
export class RunList {
  /** Runs in the list. */
  count = 0
  private cells = new Int32Array(32)

  clear(): void {
    this.count = 0
  }

  add(key: number, length: number): void {
    if (2 * this.count === this.cells.length) this.cells = grown(this.cells)
    this.cells[2 * this.count] = key
    this.cells[2 * this.count + 1] = length
    this.count += 1
  }

  /** Adds the members of a mask, lowest first. */
  addMembers(frameNumber: number, mask: number): void {
    for (let rest = mask; rest !== 0;) {
      const first = firstOf(rest)
      const length = wideLeading(rest, first)
      this.add((frameNumber << wideBits) | first, length)
      rest &= ~wideMembersFrom(first, length)
    }
  }

  keyOf(run: number): number {
    return this.cells[2 * run]!
  }

  lengthOf(run: number): number {
    return this.cells[2 * run + 1]!
  }

  /** What is in the list now, to be kept. */
  copy(): BlockRuns {
    return this.cells.slice(0, 2 * this.count)
  }

  /** The same, the last run first. */
  copyBackwards(): BlockRuns {
    const { cells, count } = this
    return Int32Array.from({ length: 2 * count }, (_, at) => cells[2 * (count - 1 - (at >> 1)) + (at & 1)]!)
  }
}

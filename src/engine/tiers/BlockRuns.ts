/** Blocks by runs of consecutive identities within a frame of 32 (`structures/WideFrame.ts`): first identity and length of one run after another. */
import { lastOf } from "../../structures/FrameMask.ts"
import { wideBits, wideLeading, wideMembersFrom } from "../../structures/WideFrame.ts"

export type BlockRuns = ReadonlyArray<number>

/** Adds the members of a mask, lowest first. */
export const addRuns = (runs: Array<number>, frameNumber: number, mask: number): void => {
  for (let rest = mask; rest !== 0;) {
    const first = lastOf(rest & -rest)
    const count = wideLeading(rest, first)
    runs.push((frameNumber << wideBits) | first, count)
    rest &= ~wideMembersFrom(first, count)
  }
}

export const blocksOf = (runs: BlockRuns): number => {
  let blocks = 0
  for (let at = 1; at < runs.length; at += 2) blocks += runs[at]!
  return blocks
}

export const hasBlock = (runs: BlockRuns, key: number): boolean => {
  for (let at = 0; at < runs.length; at += 2) if (key >= runs[at]! && key < runs[at]! + runs[at + 1]!) return true
  return false
}

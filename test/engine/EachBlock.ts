import type { KvEventSink } from "../../src/engine/KvEvents.ts"

interface BlockByBlock {
  readonly stored: (block: number) => void
  readonly removed: (block: number) => void
}

/** A sink that is told of each block by itself, in the order in which the worker gets and loses them. */
export const eachBlock = ({ removed, stored }: BlockByBlock): KvEventSink => ({
  stored: (first, count) => {
    for (let block = first; block < first + count; block++) stored(block)
  },
  removed: (first, count) => {
    for (let block = first + count - 1; block >= first; block--) removed(block)
  }
})

import type { BlockHolder } from "../../src/request/BlockIdentity.ts"

/** Every block that a holder marks, in the order in which it does. */
export const markedBlocks = (holder: BlockHolder): Array<number> => {
  const marked: Array<number> = []
  holder.markBlocks((first, count = 1) => {
    for (let block = first; block < first + count; block++) marked.push(block)
  })
  return marked
}

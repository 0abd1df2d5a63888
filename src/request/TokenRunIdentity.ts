/**
 * Block identities for token strings given as runs of equal tokens: prompts that contain planned or accumulated
 * outputs, whose pieces do not start on trace block boundaries.
 *
 * A block is interned by its predecessor's identity and its own content, merged into maximal runs. Slower than
 * {@link HashIdTrie} by a string key per block, and needed only where prompts are more than hash ids.
 */
import type { BlockHolder, BlockIdentity } from "./BlockIdentity.ts"
import type { HashId, HashIds } from "./HashId.ts"

const minCollection = 1 << 16
/** Predecessor of a first block. */
const noParent = -1

export class TokenRunIdentity implements BlockIdentity {
  readonly blockTokens: number
  readonly capacityBlocks: number
  private readonly traceBlockTokens: number
  private readonly blocks = new Map<string, number>()
  private readonly parents: Array<number> = []
  private readonly keys: Array<string> = []
  private readonly freeBlocks: Array<number> = []
  private madeSinceCollection = 0
  private liveAfterCollection = 0

  constructor(traceBlockTokens: number, blockTokens: number, capacityBlocks = Number.POSITIVE_INFINITY) {
    this.capacityBlocks = capacityBlocks
    this.traceBlockTokens = traceBlockTokens
    this.blockTokens = blockTokens
  }

  blocksOfHashIds(hashIds: HashIds, promptTokens: number): Int32Array {
    const runs = Math.ceil(promptTokens / this.traceBlockTokens)
    const counts = new Array<number>(runs).fill(this.traceBlockTokens)
    if (runs > 0) counts[runs - 1] = promptTokens - (runs - 1) * this.traceBlockTokens
    return this.blocksOfRuns(hashIds, counts)
  }

  blocksOfRuns(symbols: ArrayLike<HashId>, counts: ArrayLike<number>, mostTokens = Infinity): Int32Array {
    let tokens = 0
    for (let run = 0; run < counts.length; run++) tokens += counts[run]!
    tokens = Math.min(tokens, mostTokens)
    const identities = new Int32Array(Math.floor(tokens / this.blockTokens))
    let run = 0
    let left = counts.length > 0 ? counts[0]! : 0
    let parent = noParent
    for (let block = 0; block < identities.length; block++) {
      let content = ""
      let symbol: HashId = 0
      let length = 0
      for (let missing = this.blockTokens; missing > 0;) {
        while (left === 0) left = counts[++run]!
        const taken = Math.min(missing, left)
        if (length > 0 && symbols[run] !== symbol) {
          content += `${symbol}x${length},`
          length = 0
        }
        symbol = symbols[run]!
        length += taken
        left -= taken
        missing -= taken
      }
      parent = this.intern(parent, `${parent}|${content}${symbol}x${length}`)
      identities[block] = parent
    }
    return identities
  }

  wantsCollection(): boolean {
    return this.madeSinceCollection >= Math.max(minCollection, this.liveAfterCollection)
  }

  collect(holders: Iterable<BlockHolder>): void {
    const marked = new Uint8Array(this.parents.length)
    const mark = (first: number, count = 1): void => {
      for (let block = first; block < first + count; block++)
        for (let at = block; at !== noParent && marked[at] === 0; at = this.parents[at]!) marked[at] = 1
    }
    for (const holder of holders) holder.markBlocks(mark)
    this.freeBlocks.length = 0
    for (let block = marked.length - 1; block >= 0; block--) {
      if (marked[block] === 1) continue
      this.blocks.delete(this.keys[block]!)
      this.keys[block] = ""
      this.freeBlocks.push(block)
    }
    this.madeSinceCollection = 0
    this.liveAfterCollection = this.blocks.size
  }

  private intern(parent: number, key: string): number {
    const known = this.blocks.get(key)
    if (known !== undefined) return known
    const block = this.freeBlocks.pop() ?? this.parents.length
    this.parents[block] = parent
    this.keys[block] = key
    this.blocks.set(key, block)
    this.madeSinceCollection += 1
    return block
  }
}

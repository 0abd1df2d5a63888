/**
 * Block identities for prompts that are plain lists of trace hash ids: a trie over the ids.
 *
 * A hash id stands for `T` equal tokens (T = trace block size), so the content up to any position is the path of ids that leads
 * there. With `B` tokens per engine block, the block `j` ends inside the id at depth `d = floor(((j + 1) B - 1) / T)`: it is
 * identified by the trie node at that depth plus its rank among the blocks that end there. Each node owns `ceil(T / B)`
 * consecutive identities, so walking a prompt costs one table look-up per hash id, not per block or token.
 *
 *     identity = node * stride + (j - floor(d T / B))
 *
 * Nodes are recycled by mark and sweep: a node lives while a holder marks one of its blocks or a descendant's.
 */
import { maxInt32 } from "../structures/Int32.ts"
import { LabelTree } from "../structures/LabelTree.ts"
import { ShortArrays } from "../structures/ShortArrays.ts"
import type { BlockHolder, BlockIdentity } from "./BlockIdentity.ts"
import { highHalf, isNarrow, lowHalf, type HashIds } from "./HashId.ts"

/** Nodes made since the last collection that make the next one worth its cost. */
const minCollection = 1 << 16
/** Identities are 32-bit integers. */
const largestIdentity = maxInt32
const none = new Uint8Array(0)

export class HashIdTrie implements BlockIdentity {
  readonly blockTokens: number
  readonly capacityBlocks = Number.POSITIVE_INFINITY
  private readonly traceBlockTokens: number
  private readonly stride: number
  private readonly tree: LabelTree
  private readonly room = new ShortArrays()
  private madeSinceCollection = 0
  private liveAfterCollection = 0
  /** By node, while a collection is on. */
  private marked = none
  private readonly mark = (first: number, count = 1): void => {
    const { marked, stride, tree } = this
    const last = Math.floor((first + count - 1) / stride)
    for (let node = Math.floor(first / stride); node <= last; node++) tree.markPath(node, marked)
  }

  constructor(traceBlockTokens: number, blockTokens: number) {
    this.traceBlockTokens = traceBlockTokens
    this.blockTokens = blockTokens
    this.stride = Math.ceil(traceBlockTokens / blockTokens)
    this.tree = new LabelTree(Math.floor(largestIdentity / this.stride) - 1)
  }

  blocksOfHashIds(hashIds: HashIds, promptTokens: number): Int32Array {
    const { blockTokens, stride, traceBlockTokens } = this
    const count = Math.floor(promptTokens / blockTokens)
    const blocks = this.room.take(count)
    let node = 0
    let block = 0
    for (let depth = 0; block < count; depth++) {
      const id = hashIds[depth]!
      node = isNarrow(id) ? this.child(node, id | 0, 0) : this.child(node, lowHalf(id), highHalf(id))
      const base = node * stride - block
      const whole = Math.floor(((depth + 1) * traceBlockTokens) / blockTokens)
      const end = whole < count ? whole : count
      for (; block < end; block++) blocks[block] = base + block
    }
    return blocks
  }

  blocksOfRuns(): Int32Array {
    throw new Error("a trie of hash ids cannot identify token runs; use TokenRunIdentity")
  }

  wantsCollection(): boolean {
    return this.madeSinceCollection >= Math.max(minCollection, this.liveAfterCollection)
  }

  collect(holders: Iterable<BlockHolder>): void {
    const { tree } = this
    const marked = new Uint8Array(tree.nodes)
    marked[0] = 1
    this.marked = marked
    for (const holder of holders) holder.markBlocks(this.mark)
    this.marked = none
    tree.sweep(marked)
    this.madeSinceCollection = 0
    this.liveAfterCollection = tree.size
  }

  private child(parent: number, low: number, high: number): number {
    const known = this.tree.child(parent, low, high)
    if (known !== 0) return known
    const made = this.tree.add(parent, low, high)
    if (made === 0) {
      throw new Error(`more than ${this.tree.size} trace blocks are alive at once: KV block identities are exhausted`)
    }
    this.madeSinceCollection += 1
    return made
  }
}

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
import type { BlockHolder, BlockIdentity } from "./BlockIdentity.ts"
import { highHalf, isNarrow, lowHalf, type HashIds } from "./HashId.ts"

const hashFactor = 0x9e3779b1
const highFactor = 0x85ebca6b
const initialNodes = 1 << 12
/** Nodes made since the last collection that make the next one worth its cost. */
const minCollection = 1 << 16

export class HashIdTrie implements BlockIdentity {
  readonly blockTokens: number
  readonly capacityBlocks = Number.POSITIVE_INFINITY
  private readonly traceBlockTokens: number
  private readonly stride: number
  /** Node 0 is the root. */
  private parents = new Int32Array(initialNodes)
  private ids = new Int32Array(initialNodes)
  /** High halves of the ids; none while all are 0. */
  private highs: Int32Array | undefined
  private nodeCount = 1
  private readonly freeNodes: Array<number> = []
  /** Open addressing over (parent, id in two halves): node, 0 where empty. */
  private table = new Int32Array(initialNodes * 2)
  private tableShift = 32 - Math.log2(initialNodes * 2)
  private liveNodes = 1
  private madeSinceCollection = 0
  private liveAfterCollection = 0

  constructor(traceBlockTokens: number, blockTokens: number) {
    this.traceBlockTokens = traceBlockTokens
    this.blockTokens = blockTokens
    this.stride = Math.ceil(traceBlockTokens / blockTokens)
  }

  blocksOfHashIds(hashIds: HashIds, promptTokens: number): Int32Array {
    const { blockTokens, stride, traceBlockTokens } = this
    const count = Math.floor(promptTokens / blockTokens)
    const blocks = new Int32Array(count)
    let node = 0
    let block = 0
    for (let depth = 0; block < count; depth++) {
      const id = hashIds[depth]!
      node = isNarrow(id) ? this.child(node, id | 0, 0) : this.child(node, lowHalf(id), highHalf(id))
      const first = Math.floor((depth * traceBlockTokens) / blockTokens)
      const end = Math.min(count, Math.floor(((depth + 1) * traceBlockTokens) / blockTokens))
      const base = node * stride - first
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
    const { stride } = this
    const marked = new Uint8Array(this.nodeCount)
    marked[0] = 1
    const mark = (block: number): void => {
      for (let node = Math.floor(block / stride); marked[node] === 0; node = this.parents[node]!) marked[node] = 1
    }
    for (const holder of holders) holder.markBlocks(mark)
    this.sweep(marked)
    this.madeSinceCollection = 0
    this.liveAfterCollection = this.liveNodes
  }

  private child(parent: number, id: number, high: number): number {
    if (high !== 0) this.highs ??= new Int32Array(this.ids.length)
    const { highs, ids, parents, table } = this
    const mask = table.length - 1
    let index = this.home(parent, id, high)
    for (;;) {
      const node = table[index]!
      if (node === 0) break
      if (parents[node] === parent && ids[node] === id && (highs === undefined || highs[node] === high)) return node
      index = (index + 1) & mask
    }
    return this.addChild(parent, id, high)
  }

  private home(parent: number, id: number, high: number): number {
    const mixed = Math.imul(parent, hashFactor) ^ id ^ Math.imul(high, highFactor)
    return Math.imul(mixed ^ (mixed >>> 15), hashFactor) >>> this.tableShift
  }

  private addChild(parent: number, id: number, high: number): number {
    if (this.liveNodes * 2 >= this.table.length) this.growTable()
    const node = this.freeNodes.pop() ?? this.newNode()
    this.parents[node] = parent
    this.ids[node] = id
    if (this.highs !== undefined) this.highs[node] = high
    this.liveNodes += 1
    this.madeSinceCollection += 1
    this.insert(node)
    return node
  }

  private newNode(): number {
    if (this.nodeCount === this.parents.length) {
      this.parents = grown(this.parents)
      this.ids = grown(this.ids)
      if (this.highs !== undefined) this.highs = grown(this.highs)
    }
    if ((this.nodeCount + 1) * this.stride > 0x7fffffff) {
      throw new Error(`more than ${this.nodeCount} trace blocks are alive at once: KV block identities are exhausted`)
    }
    return this.nodeCount++
  }

  private insert(node: number): void {
    const { table } = this
    const mask = table.length - 1
    let index = this.home(this.parents[node]!, this.ids[node]!, this.highs?.[node] ?? 0)
    while (table[index] !== 0) index = (index + 1) & mask
    table[index] = node
  }

  private growTable(): void {
    const old = this.table
    this.table = new Int32Array(old.length * 2)
    this.tableShift -= 1
    for (const node of old) if (node !== 0) this.insert(node)
  }

  private sweep(marked: Uint8Array): void {
    this.table.fill(0)
    this.freeNodes.length = 0
    this.liveNodes = 1
    for (let node = this.nodeCount - 1; node > 0; node--) {
      if (marked[node] === 1) {
        this.insert(node)
        this.liveNodes += 1
      } else this.freeNodes.push(node)
    }
  }
}

const grown = (array: Int32Array): Int32Array<ArrayBuffer> => {
  const bigger = new Int32Array(array.length * 2)
  bigger.set(array)
  return bigger
}

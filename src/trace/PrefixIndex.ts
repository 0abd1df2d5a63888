/**
 * How much of each prompt starts like an earlier one: a trie of the hash ids seen so far, in a table of fixed size.
 *
 * When the table is full, prompts are still compared with it, but not added: from then on the answers are lower bounds.
 */
import { highHalf, lowHalf, type HashId, type HashIds } from "../request/HashId.ts"

const hashFactor = 0x9e3779b1
const highFactor = 0x85ebca6b
const initialSlots = 1 << 12
const root = 0

export class PrefixIndex {
  private readonly maxNodes: number
  /** Node 0 is the root; `parents` and `ids` say how a node is reached. */
  private parents = new Int32Array(initialSlots / 2)
  private ids = new Int32Array(initialSlots / 2)
  /** High halves of the ids; none while all are 0. */
  private highs: Int32Array | undefined
  private nodes = 1
  /** Open addressing over (parent, id in two halves): a node, 0 where empty. */
  private table = new Int32Array(initialSlots)
  isFull = false

  /** Holds up to `maxNodes` distinct prefixes, at up to 48 bytes each. */
  constructor(maxNodes: number) {
    this.maxNodes = maxNodes
  }

  /** Distinct prefixes, counted in blocks. */
  get size(): number {
    return this.nodes - 1
  }

  /** Adds a prompt of `blocks` hash ids; returns how many of its first ids an earlier prompt began with. */
  add(hashIds: HashIds, blocks: number): number {
    let node = root
    for (let known = 0; known < blocks; known++) {
      const slot = this.slotOfId(node, hashIds[known]!)
      const child = this.table[slot]!
      if (child === 0) {
        this.insert(node, hashIds, known, blocks)
        return known
      }
      node = child
    }
    return blocks
  }

  private insert(parent: number, hashIds: HashIds, start: number, end: number): void {
    let node = parent
    for (let block = start; block < end; block++) {
      if (this.nodes > this.maxNodes) {
        this.isFull = true
        return
      }
      if (this.nodes * 2 >= this.table.length) this.grow()
      const id = hashIds[block]!
      this.table[this.slotOfId(node, id)] = this.nodes
      this.parents[this.nodes] = node
      this.ids[this.nodes] = lowHalf(id)
      if (this.highs !== undefined) this.highs[this.nodes] = highHalf(id)
      node = this.nodes++
    }
  }

  private slotOfId(parent: number, id: HashId): number {
    const high = highHalf(id)
    if (high !== 0) this.highs ??= new Int32Array(this.ids.length)
    return this.slotOf(parent, lowHalf(id), high)
  }

  /** Slot of the child, or the empty one where it belongs. */
  private slotOf(parent: number, id: number, high: number): number {
    const { highs } = this
    const mask = this.table.length - 1
    let hash = Math.imul(parent, hashFactor) ^ id ^ Math.imul(high, highFactor)
    hash = Math.imul(hash ^ (hash >>> 16), hashFactor)
    let slot = (hash ^ (hash >>> 15)) & mask
    for (;;) {
      const node = this.table[slot]!
      if (node === 0) return slot
      const same = this.parents[node] === parent && this.ids[node] === id
      if (same && (highs === undefined || highs[node] === high)) return slot
      slot = (slot + 1) & mask
    }
  }

  private grow(): void {
    const slots = this.table.length * 2
    const parents = new Int32Array(slots / 2)
    const ids = new Int32Array(slots / 2)
    parents.set(this.parents)
    ids.set(this.ids)
    this.parents = parents
    this.ids = ids
    this.table = new Int32Array(slots)
    if (this.highs !== undefined) {
      const highs = new Int32Array(slots / 2)
      highs.set(this.highs)
      this.highs = highs
    }
    for (let node = 1; node < this.nodes; node++) {
      this.table[this.slotOf(parents[node]!, ids[node]!, this.highs?.[node] ?? 0)] = node
    }
  }
}

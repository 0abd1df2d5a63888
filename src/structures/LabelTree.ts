/**
 * A tree whose edges carry labels of 64 bits: (parent, label) leads to a child. Nodes are numbered from 1; 0 is the root.
 *
 *     nodes    parents[n], lows[n], highs[n]            columns; highs only once a label needs them
 *     table    … | node | 0 | node | …                 open addressing over (parent, label), at most half full; 0: empty
 *
 * A step costs one or two table reads. Freed nodes are used again. 8 bytes per node and 8 to 16 of table, 4 more with high halves.
 */
import { grown } from "./Grown.ts"
import { hashFactor } from "./Hash.ts"

const highFactor = 0x85ebca6b
const initialNodes = 1 << 12

export class LabelTree {
  /** Nodes below the root. */
  size = 0
  private readonly maxNodes: number
  private parents = new Int32Array(initialNodes)
  private lows = new Int32Array(initialNodes)
  /** High halves of the labels; none while all are 0. */
  private highs: Int32Array | undefined
  /** Nodes that were ever used, and the root. */
  private reached = 1
  private readonly free: Array<number> = []
  private table = new Int32Array(initialNodes * 2)
  private shift = 32 - Math.log2(initialNodes * 2)

  /** For up to `maxNodes` nodes below the root. */
  constructor(maxNodes: number = Number.POSITIVE_INFINITY) {
    this.maxNodes = maxNodes
  }

  /** The child of `parent` under a label given as two signed halves; 0 when there is none. */
  child(parent: number, low: number, high: number): number {
    const { highs, lows, parents, table } = this
    const mask = table.length - 1
    let index = this.home(parent, low, high)
    for (;;) {
      const node = table[index]!
      if (node === 0) return 0
      if (parents[node] === parent && lows[node] === low && (highs === undefined ? high === 0 : highs[node] === high))
        return node
      index = (index + 1) & mask
    }
  }

  /** Adds a child that is not there yet and returns it; 0 when the tree is full. */
  add(parent: number, low: number, high: number): number {
    const node = this.free.pop() ?? this.freshNode()
    if (node === 0) return 0
    if ((this.size + 1) * 2 >= this.table.length) this.growTable()
    if (high !== 0) this.highs ??= new Int32Array(this.lows.length)
    this.parents[node] = parent
    this.lows[node] = low
    if (this.highs !== undefined) this.highs[node] = high
    this.size += 1
    this.enter(node)
    return node
  }

  /** Marks a node and all its ancestors, the root included, in `marked`, which has an entry per {@link nodes}. */
  markPath(node: number, marked: Uint8Array): void {
    for (let at = node; marked[at] === 0; at = this.parents[at]!) marked[at] = 1
  }

  /** Node numbers in use are below this. */
  get nodes(): number {
    return this.reached
  }

  /** Frees every node that is not marked; a marked one's ancestors are marked. */
  sweep(marked: Uint8Array): void {
    this.table.fill(0)
    this.free.length = 0
    this.size = 0
    for (let node = this.reached - 1; node > 0; node--) {
      if (marked[node] === 1) {
        this.enter(node)
        this.size += 1
      } else this.free.push(node)
    }
  }

  private home(parent: number, low: number, high: number): number {
    const mixed = Math.imul(parent, hashFactor) ^ low ^ Math.imul(high, highFactor)
    return Math.imul(mixed ^ (mixed >>> 15), hashFactor) >>> this.shift
  }

  private freshNode(): number {
    if (this.reached > this.maxNodes) return 0
    if (this.reached === this.parents.length) {
      this.parents = grown(this.parents)
      this.lows = grown(this.lows)
      if (this.highs !== undefined) this.highs = grown(this.highs)
    }
    return this.reached++
  }

  private enter(node: number): void {
    const { table } = this
    const mask = table.length - 1
    let index = this.home(this.parents[node]!, this.lows[node]!, this.highs?.[node] ?? 0)
    while (table[index] !== 0) index = (index + 1) & mask
    table[index] = node
  }

  private growTable(): void {
    const old = this.table
    this.table = new Int32Array(old.length * 2)
    this.shift -= 1
    for (const node of old) if (node !== 0) this.enter(node)
  }
}

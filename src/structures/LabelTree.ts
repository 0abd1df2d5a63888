/**
 * A tree whose edges carry labels of 64 bits: (parent, label) leads to a child. Nodes are numbered from 1; 0 is the root.
 *
 *     nodes    parents[n], lows[n], highs[n]      columns; highs only once a label needs them
 *     first    firsts[n] ──▶ child                the child that came first, found without hashing: most nodes have one child only
 *     others   forks[n] = 1                       the node has more; they are in the table
 *     table    … | node | 0 | node | …            open addressing over (parent, label), at most half full; 0: empty
 *
 * A step costs two reads along a path without forks, a table look-up where it leaves the first child; adding to a node that had no
 * child hashes nothing. Freed nodes are linked through their parents and used again. 13 bytes per node, 4 more with high halves, and 8 to 16 of table per further child.
 */
import { grown } from "./Grown.ts"
import { hashFactor } from "./Hash.ts"

const highFactor = 0x85ebca6b
const initialNodes = 1 << 12
const initialTable = 1 << 8

export class LabelTree {
  /** Nodes below the root. */
  size = 0
  private readonly maxNodes: number
  private parents = new Int32Array(initialNodes)
  private lows = new Int32Array(initialNodes)
  /** High halves of the labels; none while all are 0. */
  private highs: Int32Array | undefined
  private firsts = new Int32Array(initialNodes)
  private forks = new Uint8Array(initialNodes)
  /** Nodes that were ever used, and the root. */
  private reached = 1
  /** The first of the free nodes, which are linked through {@link parents}; 0 for none. */
  private firstFree = 0
  private table = new Int32Array(initialTable)
  private tabled = 0
  private shift = 32 - Math.log2(initialTable)

  /** For up to `maxNodes` nodes below the root. */
  constructor(maxNodes: number = Number.POSITIVE_INFINITY) {
    this.maxNodes = maxNodes
  }

  /** The child of `parent` under a label given as two signed halves; 0 when there is none. */
  child(parent: number, low: number, high: number): number {
    const first = this.firsts[parent]!
    if (first === 0 || this.hasLabel(first, low, high)) return first
    return this.forks[parent] === 0 ? 0 : this.otherChild(parent, low, high)
  }

  /** Adds a child that is not there yet and returns it; 0 when the tree is full. */
  add(parent: number, low: number, high: number): number {
    const node = this.freeNode()
    if (node === 0) return 0
    if (high !== 0) this.highs ??= new Int32Array(this.lows.length)
    this.parents[node] = parent
    this.lows[node] = low
    if (this.highs !== undefined) this.highs[node] = high
    this.size += 1
    this.enter(node, parent)
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
    this.firsts.fill(0)
    this.forks.fill(0)
    this.tabled = 0
    this.firstFree = 0
    this.size = 0
    for (let node = 1; node < this.reached; node++) {
      if (marked[node] === 0) continue
      this.enter(node, this.parents[node]!)
      this.size += 1
    }
    // From above, so that low numbers are used first.
    for (let node = this.reached - 1; node > 0; node--) {
      if (marked[node] !== 0) continue
      this.parents[node] = this.firstFree
      this.firstFree = node
    }
  }

  private hasLabel(node: number, low: number, high: number): boolean {
    return this.lows[node] === low && (this.highs === undefined ? high === 0 : this.highs[node] === high)
  }

  private otherChild(parent: number, low: number, high: number): number {
    const { parents, table } = this
    const mask = table.length - 1
    let index = this.home(parent, low, high)
    for (;;) {
      const node = table[index]!
      if (node === 0 || (parents[node] === parent && this.hasLabel(node, low, high))) return node
      index = (index + 1) & mask
    }
  }

  private home(parent: number, low: number, high: number): number {
    const mixed = (parent * hashFactor) ^ low ^ (high * highFactor)
    return ((mixed ^ (mixed >>> 15)) * hashFactor) >>> this.shift
  }

  private freeNode(): number {
    const free = this.firstFree
    if (free === 0) return this.freshNode()
    this.firstFree = this.parents[free]!
    return free
  }

  private freshNode(): number {
    if (this.reached > this.maxNodes) return 0
    if (this.reached === this.parents.length) {
      this.parents = grown(this.parents)
      this.lows = grown(this.lows)
      if (this.highs !== undefined) this.highs = grown(this.highs)
      this.firsts = grown(this.firsts)
      this.forks = grown(this.forks)
    }
    return this.reached++
  }

  /** Hangs a node below its parent. */
  private enter(node: number, parent: number): void {
    if (this.firsts[parent] === 0) {
      this.firsts[parent] = node
      return
    }
    this.forks[parent] = 1
    this.tabled += 1
    if (this.tabled * 2 >= this.table.length) this.growTable()
    this.tableNode(node)
  }

  private tableNode(node: number): void {
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
    for (let index = 0; index < old.length; index++) if (old[index] !== 0) this.tableNode(old[index]!)
  }
}

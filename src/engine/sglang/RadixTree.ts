/**
 * The prefix cache: a compressed radix tree of KV pages.
 *
 * An edge is a run of pages and belongs to the node below it. Eviction removes whole nodes, so where the edges are cut is part of
 * the behaviour: a node is split wherever a match ends inside it, and nodes are never merged.
 *
 * A page identity stands for the whole prefix up to the page's end. Hence the tree needs no walk from the root: an index finds the
 * page of an identity directly, and because a cached page's predecessors are cached too, the longest cached prefix of a
 * prompt is found by bisection.
 *
 * **Time of last use.** A look-up refreshes every node that it passes completely, all with one reading. Only the lowest of them
 * is stamped here; a node passes its stamp on to its parent when it is removed. That is exact: stamps are compared between childless
 * nodes only, by then all uses of their descendants have reached them, and a node that a split puts above another copies its
 * stamp, which is not later than any that will reach it from below.
 *
 * Structure of arrays; node 0 is the root: empty, never locked, never evicted.
 */
import { PageIndex } from "./PageIndex.ts"
import { grown } from "../../structures/Grown.ts"
import { LeafHeap } from "./LeafHeap.ts"
import type { PageFrames } from "./PageFrames.ts"

export const root = 0
const initialNodes = 256

export class RadixTree {
  /** Pages in nodes that nobody locks, inner ones included. */
  evictablePages = 0
  /** Pages in the tree. */
  pages = 0
  private readonly frames: PageFrames
  /** Page identity to frame. */
  private readonly index = new PageIndex()
  /** Childless unlocked nodes, each under some earlier stamp of its own, and nodes that were such. */
  private readonly leaves = new LeafHeap()
  private clock = 0

  private parents = new Int32Array(initialNodes)
  private childCounts = new Int32Array(initialNodes)
  private locks = new Int32Array(initialNodes)
  /** Depth in pages at which the node ends. */
  private ends = new Int32Array(initialNodes)
  private firstFrames = new Int32Array(initialNodes)
  private lastFrames = new Int32Array(initialNodes)
  private stamps = new Float64Array(initialNodes)
  /** 1 while the node is in {@link leaves}. */
  private queued = new Uint8Array(initialNodes)
  private nodeCount = 1
  private readonly freeNodes: Array<number> = []

  constructor(frames: PageFrames) {
    this.frames = frames
  }

  /** Frame that holds a page, 0 when it is not cached. */
  frameOf(key: number): number {
    return this.index.get(key)
  }

  /** Depth in pages at which a node ends. */
  endOf(node: number): number {
    return this.ends[node]!
  }

  /** Number of leading `keys[0 … count)` that are cached. */
  matchingPages(keys: Int32Array, count: number): number {
    const { index } = this
    if (count === 0 || index.get(keys[0]!) === 0) return 0
    let cached = 1
    let end = count
    while (cached < end) {
      const middle = (cached + end + 1) >> 1
      if (index.get(keys[middle - 1]!) === 0) end = middle - 1
      else cached = middle
    }
    return cached
  }

  /** Looks the longest cached prefix of `keys[0 … count)` up, cutting the node it ends in, and returns its node. */
  match(keys: Int32Array, count: number): number {
    const stamp = ++this.clock
    const matched = this.matchingPages(keys, count)
    if (matched === 0) return root
    const frame = this.index.get(keys[matched - 1]!)
    const node = this.frames.nodes[frame]!
    if (this.lastFrames[node] === frame) {
      this.stamps[node] = stamp
      return node
    }
    const parent = this.parents[node]!
    if (parent !== root) this.stamps[parent] = stamp
    return this.split(node, frame, matched)
  }

  /** The node that ends with the page in `frame`, `end` pages deep; cuts one if need be. */
  nodeEndingAt(frame: number, end: number): number {
    const node = this.frames.nodes[frame]!
    return this.lastFrames[node] === frame ? node : this.split(node, frame, end)
  }

  /** Refreshes a node and all above it. */
  touch(node: number): void {
    if (node !== root) this.stamps[node] = ++this.clock
  }

  /**
   * Adds `keys[end(parent) … end)` in the frames `from …` of `frames` as one node below `parent`. The caller locks it or
   * {@link offer}s it.
   */
  append(parent: number, keys: Int32Array, end: number, frames: ReadonlyArray<number>, from: number): number {
    const node = this.allocate()
    const start = this.ends[parent]!
    this.parents[node] = parent
    this.childCounts[parent] = this.childCounts[parent]! + 1
    this.ends[node] = end
    this.firstFrames[node] = frames[from]!
    this.lastFrames[node] = frames[from + end - start - 1]!
    const { keys: frameKeys, nodes, successors } = this.frames
    for (let page = start; page < end; page++) {
      const frame = frames[from + page - start]!
      frameKeys[frame] = keys[page]!
      nodes[frame] = node
      successors[frame] = page + 1 < end ? frames[from + page - start + 1]! : 0
    }
    this.index.setAbsent(keys, start, end, frames, from)
    this.pages += end - start
    this.evictablePages += end - start
    return node
  }

  /** Locks the nodes from `node` up to, not including, its ancestor `above`. */
  lock(node: number, above: number): void {
    for (let at = node; at !== above; at = this.parents[at]!) {
      const locks = this.locks[at]!
      this.locks[at] = locks + 1
      if (locks === 0) this.evictablePages -= this.ends[at]! - this.ends[this.parents[at]!]!
    }
  }

  /** Undoes a lock from `node` up to the root. */
  unlock(node: number): void {
    for (let at = node; at !== root; at = this.parents[at]!) {
      const locks = this.locks[at]! - 1
      this.locks[at] = locks
      if (locks > 0) continue
      this.evictablePages += this.ends[at]! - this.ends[this.parents[at]!]!
      this.offer(at)
    }
  }

  /** Makes a node a candidate for eviction if it is childless and unlocked. */
  offer(node: number): void {
    if (node === root || this.childCounts[node]! > 0 || this.locks[node]! > 0 || this.queued[node] === 1) return
    this.queued[node] = 1
    this.leaves.push(node, this.stamps[node]!)
  }

  /**
   * Removes the childless unlocked node used least recently, and returns it: the root when there is none. Its frames are the caller's
   * now, see {@link firstFrameOf}.
   */
  evict(): number {
    const node = this.leastRecentLeaf()
    if (node === root) return root
    const parent = this.parents[node]!
    const { keys, successors } = this.frames
    for (let frame = this.firstFrames[node]!; frame !== 0; frame = successors[frame]!) this.index.delete(keys[frame]!)
    const length = this.ends[node]! - this.ends[parent]!
    this.pages -= length
    this.evictablePages -= length
    this.childCounts[parent] = this.childCounts[parent]! - 1
    this.freeNodes.push(node)
    if (parent !== root && this.stamps[node]! > this.stamps[parent]!) this.stamps[parent] = this.stamps[node]!
    this.offer(parent)
    return node
  }

  /** First frame of a node, or of the one just evicted; {@link PageFrames.successors} lead from it to the last. */
  firstFrameOf(node: number): number {
    return this.firstFrames[node]!
  }

  lastFrameOf(node: number): number {
    return this.lastFrames[node]!
  }

  /** Pages of a node, or of the one just evicted. */
  pagesOf(node: number): number {
    return this.ends[node]! - this.ends[this.parents[node]!]!
  }

  forEachKey(visit: (key: number) => void): void {
    this.index.forEach(visit)
  }

  /** Checks the tree against itself; `holders` are the nodes that requests lock, each as often as it is locked. */
  checkInvariants(holders: Iterable<number>): void {
    const locks = new Int32Array(this.nodeCount)
    for (const holder of holders) for (let at = holder; at !== root; at = this.parents[at]!) locks[at] = locks[at]! + 1
    const children = new Int32Array(this.nodeCount)
    const free = new Set(this.freeNodes)
    let pages = 0
    let evictable = 0
    for (let node = 1; node < this.nodeCount; node++) {
      if (free.has(node)) continue
      const length = this.checkEdge(node)
      children[this.parents[node]!] = children[this.parents[node]!]! + 1
      pages += length
      if (locks[node] === 0) evictable += length
    }
    for (let node = 1; node < this.nodeCount; node++) {
      if (free.has(node)) continue
      if (locks[node] !== this.locks[node])
        throw new Error(`radix node ${node} has ${this.locks[node]} locks for ${locks[node]} holders`)
      if (children[node] !== this.childCounts[node]) throw new Error(`radix node ${node} miscounts its children`)
      if (children[node] === 0 && locks[node] === 0 && this.queued[node] === 0) {
        throw new Error(`radix node ${node} is evictable but not queued`)
      }
    }
    if (pages !== this.pages || pages !== this.index.size)
      throw new Error(`the radix tree has ${pages} pages, counted ${this.pages}`)
    if (evictable !== this.evictablePages)
      throw new Error(`${evictable} pages are evictable, counted ${this.evictablePages}`)
  }

  /** Length of a node's edge in pages, after checking that its frames and the index agree on it. */
  private checkEdge(node: number): number {
    const length = this.ends[node]! - this.ends[this.parents[node]!]!
    let counted = 0
    let last = 0
    for (let frame = this.firstFrames[node]!; frame !== 0; frame = this.frames.successors[frame]!) {
      if (this.frames.nodes[frame] !== node || this.index.get(this.frames.keys[frame]!) !== frame) {
        throw new Error(`page ${this.frames.keys[frame]} of radix node ${node} is indexed elsewhere`)
      }
      counted += 1
      last = frame
    }
    if (counted !== length || last !== this.lastFrames[node]) {
      throw new Error(`radix node ${node} has ${counted} pages for an edge of ${length}`)
    }
    return length
  }

  private leastRecentLeaf(): number {
    const { leaves } = this
    while (leaves.length > 0) {
      const pushedStamp = leaves.firstStamp
      const node = leaves.pop()
      const stamp = this.stamps[node]!
      if (this.childCounts[node]! > 0 || this.locks[node]! > 0) {
        this.queued[node] = 0
      } else if (stamp > pushedStamp) {
        leaves.push(node, stamp)
      } else {
        this.queued[node] = 0
        return node
      }
    }
    return root
  }

  /** Cuts a node after the page in `frame`, `end` pages deep. The lower part keeps its number, so holders keep holding it. */
  private split(node: number, frame: number, end: number): number {
    const upper = this.allocate()
    const { nodes, successors } = this.frames
    this.parents[upper] = this.parents[node]!
    this.parents[node] = upper
    this.childCounts[upper] = 1
    this.ends[upper] = end
    this.locks[upper] = this.locks[node]!
    this.stamps[upper] = this.stamps[node]!
    this.firstFrames[upper] = this.firstFrames[node]!
    this.lastFrames[upper] = frame
    this.firstFrames[node] = successors[frame]!
    successors[frame] = 0
    for (let at = this.firstFrames[upper]!; at !== 0; at = successors[at]!) nodes[at] = upper
    return upper
  }

  private allocate(): number {
    const node = this.freeNodes.pop() ?? this.nodeCount++
    if (node === this.parents.length) this.grow()
    this.childCounts[node] = 0
    this.locks[node] = 0
    return node
  }

  private grow(): void {
    this.parents = grown(this.parents)
    this.childCounts = grown(this.childCounts)
    this.locks = grown(this.locks)
    this.ends = grown(this.ends)
    this.firstFrames = grown(this.firstFrames)
    this.lastFrames = grown(this.lastFrames)
    this.stamps = grown(this.stamps)
    this.queued = grown(this.queued)
  }
}

/**
 * In which order a store of KV blocks gives up those that nobody holds: the leaf of the prefix tree that became idle first.
 *
 * Every idle block has a tick, given when it became idle. A block with an idle block below it is never a candidate; once the last
 * of those has gone it is one at its old tick. A block that is not idle but has idle ones below it stays in the tree as a
 * placeholder. Unlike in a pool whose holders release deepest blocks first, a plain list would not do: blocks come back from
 * another tier prefix first.
 *
 * Nodes are indexes into typed arrays, some 35 bytes each, the table included; keys are found by open addressing.
 */

import { grown } from "../../structures/Grown.ts"
import { GrowingSlotTable } from "../../structures/GrowingSlotTable.ts"

/** The parent of a block that begins a prompt. */
export const noBlock = -1

const nothing = -1
const initialNodes = 64

export class LeafOrder {
  /** Idle blocks. */
  size = 0
  private nodes = 0
  private freeNode = nothing
  private keys: Int32Array = new Int32Array(initialNodes)
  /** Node of the parent; links the unused nodes too. */
  private parents = new Int32Array(initialNodes)
  /** How many nodes are below; of an idle node without any, the complement of its place in the heap. */
  private below = new Int32Array(initialNodes)
  /** Negative: a placeholder. */
  private ticks = new Float64Array(initialNodes)
  private nextTick = 0
  /** Idle nodes without children, as a binary heap by tick. */
  private heap = new Int32Array(initialNodes)
  private leaves = 0
  private readonly table = new GrowingSlotTable()

  /** Whether the block is idle here. */
  has(key: number): boolean {
    const node = this.table.find(this.keys, key)
    return node >= 0 && this.ticks[node]! >= 0
  }

  /** The block becomes idle: its turn comes after all that are idle now. It must not be idle already. */
  insert(key: number, parentKey: number): void {
    const found = this.table.find(this.keys, key)
    const node = found >= 0 ? found : this.create(key)
    this.size += 1
    this.ticks[node] = this.nextTick++
    if (this.parents[node] === nothing && parentKey !== noBlock) this.linkBelow(node, parentKey)
    if (this.below[node] === 0) this.pushLeaf(node)
  }

  /** The block is held again, or gone; false when it is not idle here. */
  remove(key: number): boolean {
    const node = this.table.find(this.keys, key)
    if (node < 0 || this.ticks[node]! < 0) return false
    this.size -= 1
    this.ticks[node] = nothing
    if (this.below[node]! > 0) return true
    this.dropLeaf(node)
    this.vanish(node)
    return true
  }

  /** Takes out the candidate; there must be an idle block. */
  takeFirst(): number {
    const key = this.keys[this.heap[0]!]!
    this.remove(key)
    return key
  }

  /** Every key in the tree, placeholders included. */
  forEachKey(visit: (key: number) => void): void {
    this.table.forEach((node) => visit(this.keys[node]!))
  }

  /** Walks heap and tree: each leaf in the heap, each child counted, and the heap in order. */
  checkInvariants(): void {
    const children = new Int32Array(this.nodes)
    let idle = 0
    let leaves = 0
    this.table.forEach((node) => {
      const parent = this.parents[node]!
      if (parent !== nothing) children[parent] = children[parent]! + 1
      if (this.ticks[node]! < 0) return
      idle += 1
      if (this.below[node]! > 0) return
      leaves += 1
      const place = ~this.below[node]!
      if (this.heap[place] !== node) throw new Error(`block ${this.keys[node]} is a leaf but no candidate`)
      if (place > 0 && this.ticks[this.heap[(place - 1) >> 1]!]! > this.ticks[node]!)
        throw new Error("candidates are out of order")
    })
    if (idle !== this.size) throw new Error(`${idle} blocks are idle, counted ${this.size}`)
    if (leaves !== this.leaves) throw new Error(`${leaves} idle leaves, ${this.leaves} candidates`)
    this.table.forEach((node) => {
      if (children[node] !== Math.max(0, this.below[node]!))
        throw new Error(`block ${this.keys[node]} has lost count of the blocks below it`)
    })
  }

  // ---- tree ------------------------------------------------------------------------------------------------------------

  private create(key: number): number {
    let node = this.freeNode
    if (node >= 0) this.freeNode = this.parents[node]!
    else {
      if (this.nodes === this.keys.length) this.growNodes()
      node = this.nodes++
    }
    this.keys[node] = key
    this.parents[node] = nothing
    this.below[node] = 0
    this.ticks[node] = nothing
    this.table.add(this.keys, node)
    return node
  }

  private linkBelow(node: number, parentKey: number): void {
    const found = this.table.find(this.keys, parentKey)
    const parent = found >= 0 ? found : this.create(parentKey)
    this.parents[node] = parent
    if (this.below[parent]! < 0) this.dropLeaf(parent)
    this.below[parent]! += 1
  }

  /** Removes a childless placeholder, and those above it that are left without children. */
  private vanish(start: number): void {
    let node = start
    for (;;) {
      const parent = this.parents[node]!
      this.table.remove(this.keys, node)
      this.parents[node] = this.freeNode
      this.freeNode = node
      if (parent === nothing) return
      this.below[parent]! -= 1
      if (this.below[parent]! > 0) return
      if (this.ticks[parent]! >= 0) {
        this.pushLeaf(parent)
        return
      }
      node = parent
    }
  }

  private growNodes(): void {
    // Doubling would leave half of it empty where the number of blocks is bounded and large.
    const length = this.nodes + Math.max(initialNodes, this.nodes >> (this.nodes < 65_536 ? 0 : 3))
    this.keys = grown(this.keys, length)
    this.parents = grown(this.parents, length)
    this.below = grown(this.below, length)
    this.heap = grown(this.heap, length)
    this.ticks = grown(this.ticks, length)
  }

  // ---- candidates ------------------------------------------------------------------------------------------------------

  private pushLeaf(node: number): void {
    this.rise(node, this.leaves++)
  }

  private dropLeaf(node: number): void {
    const place = ~this.below[node]!
    this.below[node] = 0
    const last = this.heap[--this.leaves]!
    if (last === node) return
    this.rise(last, place)
    if (this.below[last] === ~place) this.sink(last, place)
  }

  private rise(node: number, from: number): void {
    const { below, heap, ticks } = this
    const tick = ticks[node]!
    let hole = from
    while (hole > 0) {
      const above = (hole - 1) >> 1
      const other = heap[above]!
      if (ticks[other]! <= tick) break
      heap[hole] = other
      below[other] = ~hole
      hole = above
    }
    heap[hole] = node
    below[node] = ~hole
  }

  private sink(node: number, from: number): void {
    const { below, heap, leaves, ticks } = this
    const tick = ticks[node]!
    let hole = from
    for (let child = 2 * hole + 1; child < leaves; child = 2 * hole + 1) {
      if (child + 1 < leaves && ticks[heap[child + 1]!]! < ticks[heap[child]!]!) child += 1
      const other = heap[child]!
      if (ticks[other]! >= tick) break
      heap[hole] = other
      below[other] = ~hole
      hole = child
    }
    heap[hole] = node
    below[node] = ~hole
  }
}

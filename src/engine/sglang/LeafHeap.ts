/** A binary min-heap of tree nodes by the time of their last use. Times are distinct where it matters. */

const initialCapacity = 256

export class LeafHeap {
  length = 0
  private nodes = new Int32Array(initialCapacity)
  private stamps = new Float64Array(initialCapacity)

  /** Stamp under which the first node was pushed; meaningless when empty. */
  get firstStamp(): number {
    return this.stamps[0]!
  }

  push(node: number, stamp: number): void {
    if (this.length === this.nodes.length) this.grow()
    const { nodes, stamps } = this
    let hole = this.length++
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (stamps[parent]! <= stamp) break
      nodes[hole] = nodes[parent]!
      stamps[hole] = stamps[parent]!
      hole = parent
    }
    nodes[hole] = node
    stamps[hole] = stamp
  }

  /** The node with the smallest stamp; the heap must not be empty. */
  pop(): number {
    const { nodes, stamps } = this
    const first = nodes[0]!
    const length = --this.length
    const node = nodes[length]!
    const stamp = stamps[length]!
    let hole = 0
    for (let child = 1; child < length; child = 2 * hole + 1) {
      if (child + 1 < length && stamps[child + 1]! < stamps[child]!) child += 1
      if (stamps[child]! >= stamp) break
      nodes[hole] = nodes[child]!
      stamps[hole] = stamps[child]!
      hole = child
    }
    nodes[hole] = node
    stamps[hole] = stamp
    return first
  }

  private grow(): void {
    const nodes = new Int32Array(this.nodes.length * 2)
    const stamps = new Float64Array(this.stamps.length * 2)
    nodes.set(this.nodes)
    stamps.set(this.stamps)
    this.nodes = nodes
    this.stamps = stamps
  }
}

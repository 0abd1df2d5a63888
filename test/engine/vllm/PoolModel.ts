/**
 * The KV block pool as the reference describes it, in the plainest form: counts, maps and a prefix tree.
 *
 * Eviction takes the least recently released *leaf* of the tree of inactive blocks. The real pool keeps a plain list in release
 * order instead; that the two agree is what the property test shows.
 */
export class PoolModel {
  readonly capacity: number
  /** Identities evicted so far, in order. */
  readonly evicted: Array<number> = []
  private partials = 0
  private readonly holders = new Map<number, number>()
  /** Release tick of every inactive block. */
  private readonly inactive = new Map<number, number>()
  private readonly parents = new Map<number, number>()
  private ticks = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get activeBlocks(): number {
    return this.partials + this.holders.size
  }

  get availableBlocks(): number {
    return this.capacity - this.activeBlocks
  }

  resident(key: number): boolean {
    return this.holders.has(key) || this.inactive.has(key)
  }

  active(key: number): boolean {
    return this.holders.has(key)
  }

  /** The held prefix `path[0 … from)` is extended by the full blocks `path[from …)` and `partials` blocks to be filled. */
  acquire(path: ReadonlyArray<number>, from: number, partials: number): boolean {
    const wanted = path.slice(from)
    const hits = wanted.filter((key) => this.resident(key))
    const misses = wanted.filter((key) => !this.resident(key))
    const reactivated = hits.filter((key) => this.inactive.has(key)).length
    if (misses.length + partials > this.availableBlocks - reactivated) {
      for (const key of hits) this.hold(key)
      for (const key of hits.toReversed()) this.release(key)
      return false
    }
    for (const key of hits) this.hold(key)
    const used = (): number => this.activeBlocks + this.inactive.size
    path.forEach((key, depth) => {
      if (depth < from || hits.includes(key)) return
      if (used() === this.capacity) this.evictOne()
      this.holders.set(key, 1)
      this.parents.set(key, depth === 0 ? -1 : path[depth - 1]!)
    })
    for (let index = 0; index < partials; index++) {
      if (used() === this.capacity) this.evictOne()
      this.partials += 1
    }
    return true
  }

  promote(key: number, parent: number): void {
    this.partials -= 1
    this.parents.set(key, parent)
    this.hold(key)
  }

  release(key: number): void {
    const holders = this.holders.get(key)! - 1
    if (holders > 0) {
      this.holders.set(key, holders)
      return
    }
    this.holders.delete(key)
    this.inactive.set(key, this.ticks++)
  }

  releasePartial(): void {
    this.partials -= 1
  }

  private hold(key: number): void {
    this.inactive.delete(key)
    this.holders.set(key, (this.holders.get(key) ?? 0) + 1)
  }

  private evictOne(): void {
    let victim = -1
    for (const [key, tick] of this.inactive) {
      if (this.hasInactiveChild(key)) continue
      if (victim < 0 || tick < this.inactive.get(victim)!) victim = key
    }
    if (victim < 0) throw new Error("nothing to evict")
    this.inactive.delete(victim)
    this.evicted.push(victim)
  }

  private hasInactiveChild(key: number): boolean {
    for (const child of this.inactive.keys()) if (this.parents.get(child) === key) return true
    return false
  }
}

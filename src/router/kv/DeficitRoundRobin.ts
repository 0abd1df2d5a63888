/**
 * Deficit round robin (Shreedhar and Varghese 1995) among the policy classes: which class may release its first request.
 *
 * Each class saves up its quantum when its turn comes and spends the uncached prompt tokens of what it releases. A
 * step that would only add quanta round after round is done at once.
 */

/** What the scheduler sees of the queues. */
export interface ClassHeads {
  /** Whether the class has nothing parked. */
  isEmpty(index: number): boolean
  /** Whether some worker may take a request of the class now. */
  isDispatchable(index: number): boolean
  /** Cost of the class's first request, at least 1; only asked where there is one. */
  headCost(index: number): number
}

export class DeficitRoundRobin {
  private readonly quanta: ReadonlyArray<number>
  private readonly deficits: Float64Array
  private readonly heads: ClassHeads
  private cursor = 0

  constructor(quanta: ReadonlyArray<number>, heads: ClassHeads) {
    this.quanta = quanta
    this.deficits = new Float64Array(quanta.length)
    this.heads = heads
  }

  /** The class to release from next, or `-1` when none can. The caller pops its first request, then calls {@link popped}. */
  select(): number {
    const turn = this.takeTurn()
    if (turn >= 0) return turn
    return this.skipRounds() ? this.firstAffordable() : -1
  }

  /** The first request of the class, of this cost, was released. */
  popped(index: number, cost: number): void {
    const { deficits, heads } = this
    deficits[index]! -= cost
    if (heads.isEmpty(index)) {
      deficits[index] = 0
      this.cursor = this.after(index)
    } else {
      this.cursor = heads.headCost(index) <= deficits[index]! ? index : this.after(index)
    }
  }

  /** One pass over the classes from the cursor: each that cannot afford its head yet gets one quantum. */
  private takeTurn(): number {
    const { deficits, heads, quanta } = this
    for (let step = 0, index = this.cursor; step < quanta.length; step++, index = this.after(index)) {
      if (heads.isEmpty(index)) {
        deficits[index] = 0
        continue
      }
      if (!heads.isDispatchable(index)) continue
      const cost = heads.headCost(index)
      if (cost <= deficits[index]!) return index
      deficits[index]! += quanta[index]!
      if (cost <= deficits[index]!) return index
    }
    return -1
  }

  /** Gives every dispatchable class as many quanta as the first of them needs; `false` when there is no such class. */
  private skipRounds(): boolean {
    const { deficits, heads, quanta } = this
    let rounds = Infinity
    for (let index = 0; index < quanta.length; index++) {
      if (!this.canRelease(index)) continue
      rounds = Math.min(rounds, Math.ceil((heads.headCost(index) - deficits[index]!) / quanta[index]!))
    }
    if (rounds === Infinity) return false
    for (let index = 0; index < quanta.length; index++) {
      if (this.canRelease(index)) deficits[index]! += rounds * quanta[index]!
    }
    return true
  }

  private firstAffordable(): number {
    const { deficits, heads, quanta } = this
    for (let step = 0, index = this.cursor; step < quanta.length; step++, index = this.after(index)) {
      if (this.canRelease(index) && heads.headCost(index) <= deficits[index]!) return index
    }
    return -1
  }

  private canRelease(index: number): boolean {
    return !this.heads.isEmpty(index) && this.heads.isDispatchable(index)
  }

  private after(index: number): number {
    return index + 1 === this.quanta.length ? 0 : index + 1
  }
}

/**
 * Priority queue of simulated events, ordered by (time, rank, sequence): a total order, so runs are reproducible.
 *
 * A binary heap as parallel arrays: no object per event. `payload` is whatever small integer the owner needs (a worker
 * index, a timer id). Push and pop are O(log n).
 */
export class EventQueue {
  length = 0
  private timesMs = new Float64Array(64)
  private ranks = new Uint16Array(64)
  private sequences = new Float64Array(64)
  private payloads = new Int32Array(64)
  private nextSequence = 0

  /** Time of the earliest event, `Infinity` when there is none. */
  get headMs(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.timesMs[0]!
  }

  /** Payload of the earliest event; the queue must not be empty. */
  get headPayload(): number {
    return this.payloads[0]!
  }

  get headRank(): number {
    return this.ranks[0]!
  }

  push(timeMs: number, rank: number, payload: number): void {
    if (this.length === this.timesMs.length) this.grow()
    const sequence = this.nextSequence++
    let hole = this.length++
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (!this.before(timeMs, rank, sequence, parent)) break
      this.move(parent, hole)
      hole = parent
    }
    this.set(hole, timeMs, rank, sequence, payload)
  }

  /** Removes the earliest event. */
  pop(): void {
    const last = --this.length
    if (last <= 0) return
    const timeMs = this.timesMs[last]!
    const rank = this.ranks[last]!
    const sequence = this.sequences[last]!
    const payload = this.payloads[last]!
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= last) break
      if (child + 1 < last && this.ordered(child + 1, child)) child += 1
      if (this.before(timeMs, rank, sequence, child)) break
      this.move(child, hole)
      hole = child
    }
    this.set(hole, timeMs, rank, sequence, payload)
  }

  private before(timeMs: number, rank: number, sequence: number, at: number): boolean {
    if (timeMs !== this.timesMs[at]!) return timeMs < this.timesMs[at]!
    if (rank !== this.ranks[at]!) return rank < this.ranks[at]!
    return sequence < this.sequences[at]!
  }

  private ordered(first: number, second: number): boolean {
    return this.before(this.timesMs[first]!, this.ranks[first]!, this.sequences[first]!, second)
  }

  private move(from: number, to: number): void {
    this.set(to, this.timesMs[from]!, this.ranks[from]!, this.sequences[from]!, this.payloads[from]!)
  }

  private set(at: number, timeMs: number, rank: number, sequence: number, payload: number): void {
    this.timesMs[at] = timeMs
    this.ranks[at] = rank
    this.sequences[at] = sequence
    this.payloads[at] = payload
  }

  private grow(): void {
    const size = this.timesMs.length * 2
    const timesMs = new Float64Array(size)
    timesMs.set(this.timesMs)
    this.timesMs = timesMs
    const ranks = new Uint16Array(size)
    ranks.set(this.ranks)
    this.ranks = ranks
    const sequences = new Float64Array(size)
    sequences.set(this.sequences)
    this.sequences = sequences
    const payloads = new Int32Array(size)
    payloads.set(this.payloads)
    this.payloads = payloads
  }
}

/**
 * Turns that have a ready time, smallest (ready time, session index, turn index) first.
 *
 * A binary heap of slot numbers over typed columns: no object per entry, no closure per comparison.
 */
export class ReadyHeap {
  private readyMs = new Float64Array(256)
  private sessions = new Float64Array(256)
  private turns = new Int32Array(256)
  private rows = new Float64Array(256)
  private keys = new Int32Array(256)
  /** Slots in heap order, then the free ones. */
  private heap = Int32Array.from({ length: 256 }, (_, slot) => slot)
  length = 0

  /** `row` is the handle of the turn's row, `key` whatever the owner needs to find its session again. */
  push(readyMs: number, session: number, turn: number, row: number, key: number): void {
    if (this.length === this.heap.length) this.grow()
    const slot = this.heap[this.length]!
    this.readyMs[slot] = readyMs
    this.sessions[slot] = session
    this.turns[slot] = turn
    this.rows[slot] = row
    this.keys[slot] = key
    this.siftUp(this.length++, slot)
  }

  /** `Infinity` when empty. */
  get headMs(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.readyMs[this.heap[0]!]!
  }

  get headTurn(): number {
    return this.turns[this.heap[0]!]!
  }

  get headRow(): number {
    return this.rows[this.heap[0]!]!
  }

  get headKey(): number {
    return this.keys[this.heap[0]!]!
  }

  pop(): void {
    const freed = this.heap[0]!
    const last = this.heap[--this.length]!
    this.heap[this.length] = freed
    if (this.length > 0) this.siftDown(last)
  }

  private before(a: number, b: number): boolean {
    const { readyMs, sessions, turns } = this
    if (readyMs[a]! !== readyMs[b]!) return readyMs[a]! < readyMs[b]!
    if (sessions[a]! !== sessions[b]!) return sessions[a]! < sessions[b]!
    return turns[a]! < turns[b]!
  }

  private siftUp(start: number, slot: number): void {
    const { heap } = this
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.before(slot, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = slot
  }

  private siftDown(slot: number): void {
    const { heap, length } = this
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.before(heap[child + 1]!, heap[child]!)) child += 1
      if (!this.before(heap[child]!, slot)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = slot
  }

  private grow(): void {
    const size = this.heap.length * 2
    const float = (old: Float64Array) => {
      const larger = new Float64Array(size)
      larger.set(old)
      return larger
    }
    const int = (old: Int32Array) => {
      const larger = new Int32Array(size)
      larger.set(old)
      return larger
    }
    this.readyMs = float(this.readyMs)
    this.sessions = float(this.sessions)
    this.rows = float(this.rows)
    this.turns = int(this.turns)
    this.keys = int(this.keys)
    const free = this.heap.length
    this.heap = int(this.heap)
    for (let slot = free; slot < size; slot++) this.heap[slot] = slot
  }
}

/**
 * What each request that a router has admitted loads its worker with, until it is freed.
 *
 *     slot            1    2    3    …      found by the id of the request
 *     workers         0    3    0           prefills   tokens still to be computed, 0 once they are
 *     blocks          […]  […]  […]         the first `blockCounts` of these
 *
 * Columns, because most of a run's requests outlive the young generation: objects for them would be collected with the old one.
 */
import { FrameTable } from "../../structures/FrameTable.ts"
import { grown } from "../../structures/Grown.ts"
import { emptyObjects } from "../../structures/EmptyObjects.ts"

export class ActiveRequests {
  /** By slot. */
  workers: Int32Array
  /** Prompt tokens that wait for their prefill; 0 when none do. */
  prefillTokens: Float64Array
  blockCounts: Int32Array
  readonly blocks: Array<Int32Array | undefined> = emptyObjects()
  private readonly slots = new FrameTable()

  constructor() {
    this.workers = new Int32Array(this.slots.capacity)
    this.prefillTokens = new Float64Array(this.slots.capacity)
    this.blockCounts = new Int32Array(this.slots.capacity)
  }

  /** The slot of a request, 0 when it is not here. */
  find(request: number): number {
    return this.slots.find(request)
  }

  /** A request goes to a worker; returns its slot. */
  add(request: number, worker: number, blocks: Int32Array, blockCount: number): number {
    const slot = this.slots.find(request) || this.slots.add(request)
    this.grow(this.slots.capacity)
    this.workers[slot] = worker
    this.prefillTokens[slot] = 0
    this.blocks[slot] = blocks
    this.blockCounts[slot] = blockCount
    return slot
  }

  remove(slot: number): void {
    this.slots.remove(slot)
    this.blocks[slot] = undefined
  }

  /** Forgets the requests of a worker. */
  removeWorker(worker: number): void {
    for (let slot = 1; slot < this.blocks.length; slot++) {
      if (this.blocks[slot] !== undefined && this.workers[slot] === worker) this.remove(slot)
    }
  }

  private grow(capacity: number): void {
    if (capacity <= this.workers.length) return
    this.workers = grown(this.workers, capacity)
    this.prefillTokens = grown(this.prefillTokens, capacity)
    this.blockCounts = grown(this.blockCounts, capacity)
  }
}

/**
 * Which workers a pool has: starting, ready or draining. Indexes count up from 0 and are never used again.
 *
 *     start ──▶ starting ──ready──▶ ready ──drain──▶ draining ──empty──▶ gone
 *                   └──────────────── cancelled ───────────────────────────▲
 */
export interface RosterChange {
  /** New workers that start, ready ones that shall take no more requests, and starting ones that are not wanted any more. */
  readonly started: ReadonlyArray<number>
  readonly drained: ReadonlyArray<number>
  readonly cancelled: ReadonlyArray<number>
}

const unchanged: RosterChange = { started: [], drained: [], cancelled: [] }

export class WorkerRoster {
  /** Each ascending. */
  readonly ready: Array<number>
  readonly starting: Array<number> = []
  readonly draining: Array<number> = []
  private next: number

  constructor(workers: number) {
    this.ready = Array.from({ length: workers }, (_, worker) => worker)
    this.next = workers
  }

  /** Workers that are paid for. */
  get provisioned(): number {
    return this.ready.length + this.starting.length + this.draining.length
  }

  /** Workers that are there or on their way, and are to stay. */
  get wanted(): number {
    return this.ready.length + this.starting.length
  }

  /** Starts workers, or cancels the newest starting ones and then drains the newest ready ones. */
  scaleTo(target: number): RosterChange {
    const { ready, starting } = this
    const missing = target - this.wanted
    if (missing === 0) return unchanged
    if (missing > 0) return { ...unchanged, started: Array.from({ length: missing }, () => this.start()) }
    const cancelled = starting.splice(Math.max(0, starting.length + missing))
    const drained = ready.splice(Math.max(0, ready.length + missing + cancelled.length))
    this.draining.push(...drained)
    this.draining.sort((a, b) => a - b)
    return { ...unchanged, cancelled, drained }
  }

  /** A further worker, of the next index, starts. */
  start(): number {
    const worker = this.next++
    this.starting.push(worker)
    return worker
  }

  /** False when the worker was cancelled in the meantime. */
  becomeReady(worker: number): boolean {
    if (!take(this.starting, worker)) return false
    this.ready.push(worker)
    this.ready.sort((a, b) => a - b)
    return true
  }

  /** False when the worker is not ready (any more). */
  drain(worker: number): boolean {
    if (!take(this.ready, worker)) return false
    this.draining.push(worker)
    this.draining.sort((a, b) => a - b)
    return true
  }

  /** The worker leaves, whatever its state; false when it is not there. */
  remove(worker: number): boolean {
    return take(this.draining, worker) || take(this.ready, worker) || take(this.starting, worker)
  }
}

const take = (workers: Array<number>, worker: number): boolean => {
  const index = workers.indexOf(worker)
  if (index < 0) return false
  workers.splice(index, 1)
  return true
}

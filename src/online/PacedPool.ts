/**
 * The workers of a pool on the clock of a Pace. Like OnlineWorker, a pass that directly follows another starts where that one was planned
 * to end, not where the timer noticed it, unless its worker has fallen too far behind; and never before its requests have come.
 */
import type { PassOutcome, WorkerCore } from "../engine/WorkerCore.ts"
import { WorkerPool, type WorkerPoolOptions } from "../simulation/WorkerPool.ts"
import type { LagMeter } from "./LagMeter.ts"

export interface PacedPoolOptions<Worker extends WorkerCore> extends WorkerPoolOptions<Worker> {
  readonly lag: LagMeter
  readonly maxLagMs: number
  readonly nowMs: () => number
}

export class PacedPool<Worker extends WorkerCore> extends WorkerPool<Worker> {
  /** Workers with a pass under way. */
  busyWorkers = 0
  private readonly options: PacedPoolOptions<Worker>
  /** Where a worker's last pass was planned to end, while it has been busy since; else `NaN`. */
  private plannedMs: Float64Array
  /** When the latest request came to a worker. */
  private receivedMs: Float64Array
  private startedMs: Float64Array

  constructor(options: PacedPoolOptions<Worker>) {
    super(options)
    this.options = options
    this.plannedMs = new Float64Array(options.workers).fill(Number.NaN)
    this.receivedMs = new Float64Array(options.workers).fill(Number.NEGATIVE_INFINITY)
    this.startedMs = new Float64Array(options.workers).fill(Number.NaN)
  }

  /** Whether the pass under way takes no time in the model. */
  takesNoTime(worker: number, endMs: number): boolean {
    return this.startedMs[worker] === endMs
  }

  override received(worker: number): void {
    this.receivedMs[worker] = this.options.nowMs()
    super.received(worker)
  }

  override finishStart(worker: number, nowMs: number): boolean {
    this.plannedMs = withRoom(this.plannedMs, worker, Number.NaN)
    this.receivedMs = withRoom(this.receivedMs, worker, Number.NEGATIVE_INFINITY)
    this.startedMs = withRoom(this.startedMs, worker, Number.NaN)
    return super.finishStart(worker, nowMs)
  }

  override finishPass(worker: number): PassOutcome {
    const outcome = super.finishPass(worker)
    this.busyWorkers -= 1
    this.plannedMs[worker] = outcome.endMs
    return outcome
  }

  /** Who has not started again by now has nothing to catch up with. */
  rest(): void {
    for (let worker = 0; worker < this.cores.length; worker++) {
      if (!this.isBusy(worker)) this.plannedMs[worker] = Number.NaN
    }
  }

  /** Every worker is a fiber, which somebody must start. */
  protected override get startsLater(): boolean {
    return true
  }

  protected override startOf(worker: number, nowMs: number): number {
    const startMs = this.caughtUp(worker, nowMs)
    this.startedMs[worker] = startMs
    return startMs
  }

  protected override began(worker: number, outcome: PassOutcome): void {
    super.began(worker, outcome)
    this.busyWorkers += 1
  }

  private caughtUp(worker: number, nowMs: number): number {
    const { lag, maxLagMs } = this.options
    const plannedMs = this.plannedMs[worker]!
    if (Number.isNaN(plannedMs)) return nowMs
    const lateMs = nowMs - plannedMs
    if (lateMs <= maxLagMs) return Math.max(plannedMs, this.receivedMs[worker]!)
    lag.slipped(lateMs)
    return nowMs
  }
}

/** The values with a place for one more index, and those before it. */
const withRoom = (values: Float64Array, index: number, initial: number): Float64Array => {
  if (index < values.length) return values
  const larger = new Float64Array(index + 1).fill(initial)
  larger.set(values)
  return larger
}

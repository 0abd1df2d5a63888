/** What scaling did in a run: decisions that changed a pool, how large the pools were when, and how often was asked. */
import type { PoolRole, PoolSize } from "../autoscaler/Autoscaler.ts"
import type { PoolSizeChange, ScalingEvent, ScalingSummary, WorkerEventOutcome } from "../report/ReplayEvent.ts"
import type { WorkerEvent } from "./WorkerEvent.ts"
import { ReplayError } from "./ReplayError.ts"

export class ScalingLog {
  /** Ticks that were decided. */
  ticks = 0
  private readonly events: Array<ScalingEvent> = []
  private readonly happenings: Array<WorkerEventOutcome> = []
  private readonly changes: Array<PoolSizeChange> = []
  private readonly latest = new Map<PoolRole, PoolSizeChange>()

  scaled(timeMs: number, pool: PoolRole, from: number, to: number, reason: string | undefined): void {
    this.events.push({ timeMs, pool, from, to, reason: reason ?? (to > from ? "scale_up" : "scale_down") })
  }

  /** Notes the pools' sizes where they differ from those noted last; the last ones of an instant stay. */
  sizes(timeMs: number, pools: ReadonlyArray<PoolSize>): void {
    for (const { draining, ready, role, starting } of pools) {
      const last = this.latest.get(role)
      if (last?.ready === ready && last.starting === starting && last.draining === draining) continue
      const change = { timeMs, pool: role, ready, starting, draining }
      if (last?.timeMs === timeMs) this.changes.splice(this.changes.indexOf(last), 1)
      this.changes.push(change)
      this.latest.set(role, change)
    }
  }

  /** `isApplied`: the worker was there; `requests` is how many it lost. */
  happened(event: WorkerEvent, isApplied: boolean, requests: number): void {
    const { atMs: timeMs, kind, pool } = event
    const worker = event.kind === "add" ? undefined : event.worker
    const fate = event.kind === "fail" ? event.requests : "retry"
    this.happenings.push({
      timeMs,
      pool,
      kind,
      worker,
      isApplied,
      retried: fate === "retry" ? requests : 0,
      failed: fate === "fail" ? requests : 0
    })
  }

  summary(autoscaler: string): ScalingSummary {
    return { autoscaler, ticks: this.ticks, events: this.events, sizes: this.changes, workerEvents: this.happenings }
  }
}

/** A number of workers that no pool can have. */
export const wrongTarget = (timeMs: number, pool: PoolRole, target: number): ReplayError =>
  new ReplayError({
    reason: "autoscaler",
    timeMs,
    problem: `the autoscaler wants ${target} workers in the ${pool} pool at ${timeMs} ms: that must be a whole number, 0 or more`
  })

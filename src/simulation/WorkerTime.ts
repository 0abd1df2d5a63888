/**
 * Worker time of a pool, and of each group of it where workers differ. It is charged whenever workers come or go, not from event to event: which
 * events there are depends on who looks on, and so would the last digits.
 */
import type { EngineMix } from "../engine/MixedEngine.ts"
import type { WorkerGroupTime } from "../report/ReplayEvent.ts"
import type { PoolRole } from "../router/Router.ts"
import type { WorkerRoster } from "./WorkerRoster.ts"

export class WorkerTime {
  private readonly roster: WorkerRoster
  private readonly mix: EngineMix | undefined
  private poolSeconds = 0
  private readonly groupSeconds: Float64Array
  private chargedMs = 0

  constructor(roster: WorkerRoster, mix: EngineMix | undefined) {
    this.roster = roster
    this.mix = mix
    this.groupSeconds = new Float64Array(mix?.groups.length ?? 0)
  }

  /** Charges for those who are there, up to now; before any of them leaves, and before others come. */
  charge(nowMs: number): void {
    const deltaMs = nowMs - this.chargedMs
    if (deltaMs === 0) return
    this.chargedMs = nowMs
    const { draining, provisioned, ready, starting } = this.roster
    this.poolSeconds += (provisioned * deltaMs) / 1000
    if (this.mix === undefined) return
    for (const workers of [ready, starting, draining]) {
      for (const worker of workers) this.groupSeconds[this.mix.groupOf(worker)]! += deltaMs / 1000
    }
  }

  /** Worker time so far, seconds. */
  seconds(nowMs: number): number {
    this.charge(nowMs)
    return this.poolSeconds
  }

  /** The same by group; none where workers are equal. */
  byGroup(nowMs: number, pool: PoolRole): ReadonlyArray<WorkerGroupTime> {
    this.charge(nowMs)
    return (this.mix?.groups ?? []).map(({ engine, name, workers }, group) => ({
      pool,
      group: name,
      workers,
      gpusPerWorker: engine.args.gpusPerWorker,
      workerSeconds: this.groupSeconds[group]!
    }))
  }
}

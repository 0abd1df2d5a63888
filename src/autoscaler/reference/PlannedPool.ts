/** What the reference's planner remembers of a pool from one tick to the next. */
import type { PassObservation, PoolObservation, PoolRole, ScaledPool } from "../Autoscaler.ts"
import { SnapshotCache } from "./SnapshotCache.ts"

export class PlannedPool {
  readonly role: PoolRole
  readonly kvTokens: number
  readonly cache = new SnapshotCache()
  ready = 0
  /** Passes since the last tick that looked at them. */
  private recent: Array<PassObservation> = []
  /** All of those, at a tick that looks at them. */
  latest: ReadonlyArray<PassObservation> = []
  /** Set while what was asked for is not there yet. */
  private target: number | undefined

  constructor({ kvTokens, role }: ScaledPool) {
    this.role = role
    this.kvTokens = kvTokens
  }

  observe({ passes, ready }: PoolObservation, looks: boolean): void {
    this.ready = ready
    for (const pass of passes) this.recent.push(pass)
    if (!looks) return
    this.latest = this.recent
    this.recent = []
    this.cache.update(this.latest, ready)
  }

  get isScaling(): boolean {
    return this.target !== undefined && this.target !== this.ready
  }

  /** The passes known are not those of the workers that are ready. */
  get isMismatched(): boolean {
    return this.cache.size > 0 && this.cache.size !== this.ready
  }

  /** The end of a tick: what was asked for, if anything. */
  settle(target: number | undefined): void {
    this.target = target ?? this.target
    if (this.target === this.ready) this.target = undefined
  }
}

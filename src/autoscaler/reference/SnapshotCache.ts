/**
 * The last pass of each worker of a pool, as the reference's planner keeps them: a worker that idles keeps its last pass for ever, one
 * that has not run yet has none, and while there are more passes than ready workers the one of the highest index is dropped, whoever's
 * that is.
 */
import type { PassObservation } from "../Autoscaler.ts"

export class SnapshotCache {
  private readonly last = new Map<number, PassObservation>()

  get size(): number {
    return this.last.size
  }

  /** Takes passes in the order of their ends; `ready` workers take requests now. */
  update(passes: ReadonlyArray<PassObservation>, ready: number): void {
    for (const pass of passes) this.last.set(pass.workerIndex, pass)
    while (this.last.size > ready) this.last.delete(Math.max(...this.last.keys()))
  }

  passes(): ReadonlyArray<PassObservation> {
    return [...this.last.values()]
  }

  /** Indexes in the order of their spelling, as the reference feeds them to its latency model. */
  spelledOrder(): ReadonlyArray<PassObservation> {
    return this.passes().toSorted((a, b) => (String(a.workerIndex) < String(b.workerIndex) ? -1 : 1))
  }
}

/** Worker time by group, in pools whose workers differ. */
import type { EngineMix } from "../engine/MixedEngine.ts"
import type { WorkerGroupTime } from "../report/ReplayEvent.ts"
import type { RouterContext } from "../router/Router.ts"
import type { WorkerRoster } from "./WorkerRoster.ts"

export class GroupTime {
  private readonly mix: EngineMix
  private readonly seconds: Float64Array

  constructor(mix: EngineMix) {
    this.mix = mix
    this.seconds = new Float64Array(mix.groups.length)
  }

  charge({ draining, ready, starting }: WorkerRoster, deltaMs: number): void {
    for (const workers of [ready, starting, draining]) {
      for (const worker of workers) this.seconds[this.mix.groupOf(worker)]! += deltaMs / 1000
    }
  }

  times(pool: RouterContext["role"]): ReadonlyArray<WorkerGroupTime> {
    return this.mix.groups.map(({ engine, name, workers }, group) => ({
      pool,
      group: name,
      workers,
      gpusPerWorker: engine.args.gpusPerWorker,
      workerSeconds: this.seconds[group]!
    }))
  }
}

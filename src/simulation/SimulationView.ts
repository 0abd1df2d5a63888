/**
 * What a policy may see of the simulation it runs in.
 *
 * A policy is an Effect that lives beside the simulation in simulated time: it sleeps, looks, records. It sees the state as of
 * the last pass that started.
 */
import * as Context from "effect/Context"
import type { WorkerSnapshot } from "../engine/WorkerCore.ts"

/** What a policy may look at while the run goes on: figures of now. */
export class SimulationView extends Context.Service<
  SimulationView,
  {
    readonly nowMs: () => number
    readonly workers: () => ReadonlyArray<WorkerSnapshot>
    /** Requests arrived so far, and those of them that have ended. */
    readonly arrivedRequests: () => number
    readonly finishedRequests: () => number
    /** Requests parked in a router queue. */
    readonly parkedRequests: () => number
  }
>()("dynosim/simulation/SimulationView") {}

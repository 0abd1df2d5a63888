/**
 * A topology's event loop: synchronous, resumable, owned by one run.
 *
 * The driver calls {@link SimulationLoop.step} in slices. A loop that must know the next arrival before it can go on returns
 * "needs-rows" and is called again once the workload has been fed.
 */
import type { TierSummary } from "../engine/tiers/SharedTiers.ts"
import type { WorkerSnapshot } from "../engine/WorkerCore.ts"
import type { BlockHolder, BlockIdentity } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { WorkloadCore } from "../workload/Workload.ts"
import { ReplayError } from "./ReplayError.ts"
import type { RunLedger } from "./RunLedger.ts"
import type { WorkerGroupTime } from "../report/ReplayEvent.ts"
import type { PoolRole } from "../router/Router.ts"
import type { RunProbe } from "./RunProbe.ts"
import type { ScalingHook } from "./ScalingHook.ts"
import type { WorkerEvent } from "./WorkerEvent.ts"
import type { TokenGaps } from "../engine/TokenGaps.ts"
import type { VirtualTime } from "./VirtualClock.ts"

/** Passes in a row without any progress after which a worker can change nothing by itself any more. */
export const maxIdlePasses = 1024

export type LoopState = "needs-rows" | "running" | "ended"

export type EndReason = "drained" | "max-sim-time" | "interrupted"

/** Everything a loop shares with its driver. */
export interface LoopContext {
  readonly workload: WorkloadCore
  readonly identity: BlockIdentity
  readonly time: VirtualTime
  readonly ledger: RunLedger
  readonly gaps: TokenGaps
  /** Who looks on; `undefined` when nobody does. */
  readonly probe: RunProbe | undefined
  /** Who scales the pools; `undefined` when they stay as they are. */
  readonly scaling: ScalingHook | undefined
  /** What happens to workers from outside, in the order of time. */
  readonly workerEvents: ReadonlyArray<WorkerEvent>
  /** The run stops at the first event beyond this simulated time; `Infinity` for none. */
  readonly maxSimTimeMs: number
  /** Somebody watches the queues, so every request must stand in its queue from its arrival on. */
  readonly observed: boolean
  /** Somebody looks at workers even between passes in which nothing happens, so all passes are computed in their time. */
  readonly everyPass: boolean
}

export interface SimulationLoop {
  readonly nowMs: number
  readonly ended: EndReason | undefined
  /** Runs one pass, or everything of one instant. */
  step(): LoopState
  /** Ends the run now; what is in flight is cut off. */
  interrupt(): void
  /** Worker time provisioned so far, in seconds; `undefined` when the report charges its own duration. */
  workerSeconds(): { readonly prefill: number; readonly decode: number } | undefined
  /** By group, in pools whose workers differ. */
  workerGroups?(): ReadonlyArray<WorkerGroupTime>
  workers(): ReadonlyArray<WorkerSnapshot>
  /** Passes computed so far, by all workers. */
  passes(): number
  /** What KV tiers did so far; `undefined` where no worker has any. */
  tierSummary(): TierSummary | undefined
  /** Requests parked in routers. */
  parked(): number
}

/** Recycles block identities when enough have been made. Only safe between events, when nobody holds a local copy. */
export const collectIdentities = (context: LoopContext, holders: Iterable<BlockHolder>): void => {
  if (context.identity.wantsCollection()) context.identity.collect(holders)
}

const named = (request: SimRequest): string => {
  const name =
    request.requestId
    ?? (request.sessionId === null ? `request ${request.id}` : `session ${request.sessionId} turn ${request.turnIndex}`)
  return `${name} (${request.promptTokens} prompt + ${request.outputTokens} output tokens)`
}

const deadEndText = (mode: "offline" | "online", nowMs: number, inFlight: number): string =>
  `${mode} replay reached a dead end with ${inFlight} in-flight requests remaining at ${nowMs} ms`

/** The same where a pool has nobody left to serve them, and nobody is to come. */
export const nobodyLeft = (nowMs: number, inFlight: number, role: PoolRole): ReplayError =>
  new ReplayError({
    reason: "dead-end",
    timeMs: nowMs,
    problem:
      `${deadEndText("offline", nowMs, inFlight)}: the ${role} pool has no worker left, and none is to come. `
      + "Keep one, or let one be added later"
  })

/** The error for a run in which nothing can ever happen again although requests are in flight. */
export const deadEnd = (
  nowMs: number,
  inFlight: number,
  blocked: ReadonlyArray<SimRequest>,
  mode: "offline" | "online" = "offline"
): ReplayError => {
  const what = deadEndText(mode, nowMs, inFlight)
  if (blocked.length === 0) {
    const problem = `${what}: no worker has them, and the router keeps them; what it parks (-1) it must name and release`
    return new ReplayError({ reason: "dead-end", timeMs: nowMs, problem })
  }
  const shown = blocked.slice(0, 3).map(named).join(", ")
  const more = blocked.length > 3 ? ` and ${blocked.length - 3} more` : ""
  return new ReplayError({
    reason: "dead-end",
    timeMs: nowMs,
    problem:
      `${what}: the engine can never schedule ${shown}${more}. Give it more KV blocks (num_gpu_blocks), a larger token budget `
      + `(max_num_batched_tokens), or chunked prefill`
  })
}

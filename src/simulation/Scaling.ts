/** The autoscaler of one run: what it is shown, how it is asked, and what came of it. */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Autoscaler, type Decider } from "../autoscaler/Autoscaler.ts"
import type { ScalingSummary } from "../report/ReplayEvent.ts"
import { ReplayError } from "./ReplayError.ts"
import type { ScalingHook } from "./ScalingHook.ts"
import { ScalingLog } from "./ScalingLog.ts"
import { ScalingMetrics } from "./ScalingMetrics.ts"
import type { Topology } from "./Topology.ts"
import type { WorkerEvent } from "./WorkerEvent.ts"
import type { VirtualTime } from "./VirtualClock.ts"

export interface Scaling extends ScalingHook {
  /** `undefined` when nobody decides. */
  readonly metrics: ScalingMetrics | undefined
  /** In the order of time. */
  readonly workerEvents: ReadonlyArray<WorkerEvent>
  /** Is told why a decision failed. */
  readonly onFailure: (failed: (cause: Cause.Cause<ReplayError>) => void) => void
  readonly summary: () => ScalingSummary
}

/**
 * The autoscaler from the context, for a run on this topology; `undefined` when it scales nothing. Decisions are fibers on the run's
 * clock and in the caller's context; what is left of them ends with the scope.
 */
export const scalingOf = (
  topology: Topology["Service"],
  time: VirtualTime,
  workerEvents: ReadonlyArray<WorkerEvent>
): Effect.Effect<Scaling | undefined, ReplayError, Scope.Scope> =>
  Effect.gen(function* () {
    const autoscaler = yield* Autoscaler
    const { pools } = topology
    const decider = autoscaler.make(pools ?? [])
    if (decider === undefined && workerEvents.length === 0) return undefined
    if (pools === undefined) {
      return yield* new ReplayError({
        reason: "autoscaler",
        timeMs: time.nowMs,
        problem:
          `the ${topology.name} topology has one worker for ever: an autoscaler, or events of workers, need `
          + "Topology.layerMulti or layerDisaggregated"
      })
    }
    const stray = workerEvents.find(({ pool }) => pools.every(({ role }) => role !== pool))
    if (stray !== undefined) {
      return yield* new ReplayError({
        reason: "autoscaler",
        timeMs: stray.atMs,
        problem: `there is no ${stray.pool} pool for what happens at ${stray.atMs} ms, only ${pools.map(({ role }) => role).join(" and ")}`
      })
    }
    const context = yield* Effect.context<Scope.Scope>()
    const fork = Effect.runForkWith(context)
    const log = new ScalingLog()
    const shared = {
      log,
      workerEvents: workerEvents.toSorted((a, b) => a.atMs - b.atMs),
      summary: () => log.summary(autoscaler.name)
    }
    if (decider === undefined) {
      return { ...shared, firstTickMs: Infinity, metrics: undefined, ask: () => {}, onFailure: () => {} }
    }
    const metrics = new ScalingMetrics(decider, pools)
    let failed: (cause: Cause.Cause<ReplayError>) => void = () => {}
    let interrupt: () => void = () => {}
    yield* Effect.addFinalizer(() => Effect.sync(() => interrupt()))
    const ask: Scaling["ask"] = (nowMs, sizes, answer) => {
      const fiber = fork(decision(decider, metrics, nowMs, sizes, time), { scheduler: time.scheduler })
      interrupt = () => {
        fiber.interruptUnsafe()
        time.flush()
      }
      fiber.addObserver((exit) => {
        if (Exit.isSuccess(exit)) answer(exit.value)
        else failed(exit.cause)
      })
      time.flush()
    }
    return {
      ...shared,
      firstTickMs: decider.firstTickMs,
      metrics,
      ask,
      onFailure: (report: typeof failed) => void (failed = report)
    }
  })

const decision = (
  decider: Decider,
  metrics: ScalingMetrics,
  nowMs: number,
  sizes: Parameters<ScalingHook["ask"]>[1],
  time: VirtualTime
) =>
  Effect.suspend(() => decider.decide(metrics.observe(nowMs, sizes))).pipe(
    Effect.mapError(({ problem }) => new ReplayError({ reason: "autoscaler", timeMs: nowMs, problem })),
    Effect.provideService(Clock.Clock, time.clock)
  )

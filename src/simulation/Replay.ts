/**
 * A run as a Stream: the workload's rows go in, finished requests come out.
 *
 * Everything that decides a run is a service: the Topology (with its Engine and Router), the Workload, and the VirtualClock that
 * carries its time. The simulation itself is synchronous and runs in slices between pulls; Effects appear per chunk of rows, per
 * chunk of records and per slice, never per event.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TokenGaps } from "../engine/TokenGaps.ts"
import type { ReplayEvent, RunSummary } from "../report/ReplayEvent.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import { Workload, type WorkloadCore } from "../workload/Workload.ts"
import { failureOf } from "./CoreFailure.ts"
import { ReplayError } from "./ReplayError.ts"
import { RunChecks } from "./RunChecks.ts"
import { identityFor } from "./RunIdentity.ts"
import { RunLedger } from "./RunLedger.ts"
import type { LoopState, SimulationLoop } from "./SimulationLoop.ts"
import { SimulationView } from "./SimulationView.ts"
import { Topology } from "./Topology.ts"
import { VirtualClock, type VirtualTime } from "./VirtualClock.ts"

export interface RunOptions {
  /** Ends the run at the first event beyond this simulated time; passes already started count whole. Default: no limit. */
  readonly maxSimTimeMs?: number
  /** When this completes, the run ends at the next event and still delivers its summary. */
  readonly stopWhen?: Effect.Effect<unknown>
  /** Is handed a view of the run before it starts, to show how far it is. Its queues may lag behind; policies see them exactly. */
  readonly monitor?: (view: SimulationView["Service"]) => void
  /** Effects that live in simulated time beside the run; interrupted at its end. */
  readonly policies?: ReadonlyArray<Effect.Effect<unknown, never, SimulationView>>
  /** Check the invariants of docs/invariants.md while running; a violation is a defect. */
  readonly check?: boolean
}

/** Steps between looks at the real clock, which costs as much as a step. */
const stepsPerLook = 256
/** A slice of simulation before other fibers get their turn. */
const sliceMs = 10
const recordsPerChunk = 1024
const gapPairsPerChunk = 8192

/** One run's mutable state, as its driver sees it. */
interface Run {
  readonly loop: SimulationLoop
  readonly workload: WorkloadCore
  readonly ledger: RunLedger
  readonly gaps: TokenGaps
  readonly topology: Topology["Service"]
  readonly startedAt: number
  stopRequested: boolean
  summarised: boolean
}

/**
 * Replays the workload on the topology. Emits {@link ReplayEvent}s in chunks: records in the order in which requests end, then
 * those cut off, gap batches in between, and one summary as the last element.
 */
export const run = (
  options: RunOptions = {}
): Stream.Stream<ReplayEvent, ReplayError | TraceError, Topology | Workload | VirtualClock> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const topology = yield* Topology
      const workload = yield* Workload
      const time = yield* VirtualClock
      yield* claimClock(time)
      const identity = identityFor(workload, topology.blockTokens)
      const core = yield* workload.make(identity)
      const ledger = new RunLedger()
      const gaps = new TokenGaps()
      const loop = topology.make({
        workload: core,
        identity,
        time,
        ledger,
        gaps,
        checks: options.check === true ? new RunChecks() : undefined,
        maxSimTimeMs: options.maxSimTimeMs ?? Number.POSITIVE_INFINITY,
        observed: (options.policies ?? []).length > 0
      })
      const state: Run = {
        loop,
        workload: core,
        ledger,
        gaps,
        topology,
        startedAt: performance.now(),
        stopRequested: false,
        summarised: false
      }
      if (options.stopWhen !== undefined) {
        yield* Effect.forkScoped(
          Effect.andThen(
            options.stopWhen,
            Effect.sync(() => void (state.stopRequested = true))
          )
        )
      }
      const view = viewOf(state, time)
      options.monitor?.(view)
      yield* startPolicies(options.policies ?? [], view, time)
      return Stream.transformPull(workload.rows, (pull) => Effect.succeed(drive(state, pull)))
    })
  )

const claimClock = (time: VirtualTime): Effect.Effect<void, ReplayError, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.suspend(() =>
        time.claim()
          ? Effect.void
          : Effect.fail(
              new ReplayError({
                reason: "clock-in-use",
                timeMs: time.nowMs,
                problem:
                  "this VirtualClock is driven by another run: provide VirtualClock.layer to each run on its own "
                  + "(Effect.provide(layer, { local: true }))"
              })
            )
      ),
      () => Effect.sync(() => time.release())
    )
  )

const viewOf = (state: Run, time: VirtualTime): SimulationView["Service"] =>
  SimulationView.of({
    nowMs: () => time.nowMs,
    workers: () => state.loop.workers(),
    arrivedRequests: () => state.ledger.arrived,
    finishedRequests: () => state.ledger.finished,
    parkedRequests: () => state.loop.parked()
  })

/** Starts the policies in simulated time; they first run up to their first sleep at time 0. */
const startPolicies = (
  policies: ReadonlyArray<Effect.Effect<unknown, never, SimulationView>>,
  view: SimulationView["Service"],
  time: VirtualTime
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.forEach(
    policies,
    (policy) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const fiber = Effect.runFork(
            policy.pipe(Effect.provideService(SimulationView, view), Effect.provideService(Clock.Clock, time.clock)),
            { scheduler: time.scheduler }
          )
          time.flush()
          return fiber
        }),
        (fiber) =>
          Effect.andThen(
            Effect.sync(() => fiber.interruptUnsafe()),
            Effect.sync(() => time.flush())
          )
      ),
    { discard: true }
  )

type Feed = Pull.Pull<Arr.NonEmptyReadonlyArray<TraceRow>, TraceError>
type Output = Pull.Pull<Arr.NonEmptyReadonlyArray<ReplayEvent>, TraceError | ReplayError>

/** The pull of the output stream: simulate until a chunk is full, feeding the workload when it asks. */
const drive = (state: Run, pull: Feed): Output => {
  const feed: Output = Pull.matchEffect(pull, {
    onSuccess: (rows) => {
      state.workload.pushRows(rows)
      return loop
    },
    onFailure: Effect.failCause,
    onDone: () => {
      state.workload.endRows()
      return loop
    }
  })
  const loop: Output = Effect.suspend(() => {
    if (state.summarised) return Cause.done()
    try {
      return slice(state, feed, loop)
    } catch (error) {
      return failureOf(error, state.loop.nowMs)
    }
  })
  return loop
}

const advance = (loop: SimulationLoop): LoopState => {
  if (loop.ended !== undefined) return "ended"
  for (let step = 0; step < stepsPerLook; step++) {
    const state = loop.step()
    if (state !== "running") return state
  }
  return "running"
}

const slice = (state: Run, feed: Output, loop: Output): Output => {
  const startedAt = performance.now()
  for (;;) {
    if (state.stopRequested) state.loop.interrupt()
    const loopState = advance(state.loop)
    if (loopState === "ended") return Effect.succeed(takeLast(state))
    const full = state.ledger.outbox.length >= recordsPerChunk || state.gaps.length >= gapPairsPerChunk
    if (full) {
      const chunk = take(state)
      if (Arr.isArrayNonEmpty(chunk)) return Effect.succeed(chunk)
    }
    if (loopState === "needs-rows") return feed
    if (performance.now() - startedAt > sliceMs) return Effect.andThen(Effect.yieldNow, loop)
  }
}

const take = (state: Run): Array<ReplayEvent> => {
  const chunk: Array<ReplayEvent> = state.ledger.outbox.splice(0)
  if (state.gaps.length > 0) chunk.push({ _tag: "TokenGaps", ...state.gaps.take() })
  return chunk
}

const takeLast = (state: Run): Arr.NonEmptyReadonlyArray<ReplayEvent> => {
  state.summarised = true
  const summary: RunSummary = {
    _tag: "Summary",
    arrivedRequests: state.ledger.arrived,
    ended: state.loop.ended ?? "drained",
    endMs: state.loop.nowMs,
    workerSeconds: state.loop.workerSeconds(),
    gpusPerWorker: state.topology.gpusPerWorker,
    wallMs: performance.now() - state.startedAt
  }
  return Arr.append(take(state), summary)
}

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
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import { TokenGaps } from "../engine/TokenGaps.ts"
import { monotonicMs } from "../host/Node.ts"
import type { ReplayEvent, RunSummary, WorkerGroupTime } from "../report/ReplayEvent.ts"
import { type ColumnLease, during } from "../structures/SpareColumns.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import { throughFrontEnd } from "../workload/FrontEnd.ts"
import { Workload, type WorkloadCore } from "../workload/Workload.ts"
import { failureOf } from "./CoreFailure.ts"
import { checkHeap } from "./HeapGuard.ts"
import { ReplayError } from "./ReplayError.ts"
import { ReusedColumns } from "./ReusedColumns.ts"
import { identityFor } from "./RunIdentity.ts"
import { RunLedger } from "./RunLedger.ts"
import type { RunProbe } from "./RunProbe.ts"
import { probeOf } from "./RunProbes.ts"
import { counted, runSpan } from "./RunTelemetry.ts"
import { type Scaling, scalingOf } from "./Scaling.ts"
import type { WorkerEvent } from "./WorkerEvent.ts"
import type { LoopState, SimulationLoop } from "./SimulationLoop.ts"
import { SimulationView } from "./SimulationView.ts"
import { Topology } from "./Topology.ts"
import { VirtualClock, type VirtualTime } from "./VirtualClock.ts"

/** `E` and `R`: how its policies may fail, and what they need. */
export interface RunOptions<E = never, R = never> {
  /** Ends the run at the first event beyond this simulated time; passes already started count whole. Default: no limit. */
  readonly maxSimTimeMs?: number
  /** When this completes, the run ends at the next event and still delivers its summary. */
  readonly stopWhen?: Effect.Effect<unknown>
  /** Is handed a view of the run before it starts, to show how far it is. Its queues may lag behind; policies see them exactly. */
  readonly monitor?: (view: SimulationView["Service"]) => void
  /**
   * Effects that live in simulated time beside the run; interrupted at its end. They run in the context of whoever runs the
   * stream (its services, references, loggers and spans), but for the clock and the scheduler. When one fails or dies, so does
   * the run, at that very instant; one that ends or is interrupted leaves the run alone.
   */
  readonly policies?: ReadonlyArray<Effect.Effect<unknown, E, R | SimulationView>>
  /** Check the invariants of docs/invariants.md while running; a violation is a defect. */
  readonly check?: boolean
  /** What happens to workers from outside: failures, maintenance, slow machines. Needs a topology of pools. */
  readonly workerEvents?: ReadonlyArray<WorkerEvent>
  /** Gaps between tokens come with the times of their tokens: more of them, for those who look at a part of the run. */
  readonly timedGaps?: boolean
  /** Who looks on, event by event: see {@link RunProbe}. Queues are seen exactly, as by policies. */
  readonly probes?: ReadonlyArray<RunProbe>
}

/** Steps between looks at the real clock, which costs as much as a step. */
const stepsPerLook = 256
/** A slice of simulation before other fibers get their turn. */
const sliceMs = 10
/** Requests that wait to be handed out for longer are taken for old, and stay until the whole heap is collected. */
const recordsPerChunk = 256
/** Gaps are handed out after so many requests, or so many pairs: equal ones are counted together until then. */
const recordsPerGaps = 1024
const gapPairsPerChunk = 8192

/** What policies need from whoever runs the stream; the run itself gives the view, its scope and its span. */
export type PolicyContext<R> = Exclude<Exclude<Exclude<R, SimulationView>, Scope.Scope>, Tracer.ParentSpan>

/** One run's mutable state, as its driver sees it. */
interface Run<E> {
  readonly loop: SimulationLoop
  readonly workload: WorkloadCore
  readonly ledger: RunLedger
  readonly gaps: TokenGaps
  readonly topology: Topology["Service"]
  /** What its tables grow into, where that is what other runs have left. */
  readonly columns: ColumnLease | undefined
  readonly startedAt: number
  stopRequested: boolean
  summarised: boolean
  /** Handed out since gaps were. */
  recordsSinceGaps: number
  readonly scaling: Scaling | undefined
  /** Why a policy, or the autoscaler, failed, if one did. */
  policyFailure: Cause.Cause<E | ReplayError> | undefined
}

/**
 * Replays the workload on the topology. Emits {@link ReplayEvent}s in chunks: records in the order in which requests end, then
 * those cut off, gap batches in between, and one summary as the last element.
 */
export const run = <E = never, R = never>(
  options: RunOptions<E, R> = {}
): Stream.Stream<ReplayEvent, ReplayError | TraceError | E, Topology | Workload | VirtualClock | PolicyContext<R>> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const topology = yield* Topology
      const workload = yield* Workload
      const time = yield* VirtualClock
      yield* claimClock(time)
      const identity = identityFor(workload, topology.blockTokens, topology.capacityBlocks)
      const core = throughFrontEnd(yield* workload.make(identity), topology.frontEnd)
      const ledger = new RunLedger()
      const columns = (yield* ReusedColumns)?.lease()
      const gaps = new TokenGaps(options.timedGaps ?? false, columns)
      const scaling = yield* scalingOf(topology, time, options.workerEvents ?? [])
      const probes = [...(scaling?.metrics === undefined ? [] : [scaling.metrics]), ...(options.probes ?? [])]
      const probe = probeOf({ ...options, probes })
      const hasPolicies = (options.policies ?? []).length > 0
      const loop = topology.make({
        workload: core,
        identity,
        time,
        ledger,
        gaps,
        probe,
        scaling,
        workerEvents: scaling?.workerEvents ?? [],
        maxSimTimeMs: options.maxSimTimeMs ?? Number.POSITIVE_INFINITY,
        observed: hasPolicies || probes.length > 0,
        everyPass: hasPolicies || (probe !== undefined && probe.sparesPasses !== true)
      })
      yield* Effect.annotateCurrentSpan({ "dynosim.topology": topology.name })
      const state: Run<E> = {
        loop,
        workload: core,
        ledger,
        gaps,
        topology,
        columns,
        startedAt: monotonicMs(),
        scaling,
        stopRequested: false,
        summarised: false,
        recordsSinceGaps: 0,
        policyFailure: undefined
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
      const failed = (cause: Cause.Cause<E | ReplayError>): void => void (state.policyFailure ??= cause)
      scaling?.onFailure(failed)
      yield* startPolicies(options.policies ?? [], view, time, failed)
      return Stream.transformPull(workload.rows, (pull) => Effect.succeed(drive(state, pull))).pipe(
        counted(() => loop.passes())
      )
    })
  ).pipe(Stream.withSpan(runSpan))

/** A clock is one run's for good, so that a shared one fails always, not only when runs happen to overlap. */
const claimClock = (time: VirtualTime): Effect.Effect<void, ReplayError> =>
  Effect.suspend(() =>
    time.claim()
      ? Effect.void
      : Effect.fail(
          new ReplayError({
            reason: "clock-in-use",
            timeMs: time.nowMs,
            problem:
              "this VirtualClock has been given to another run: provide VirtualClock.layer to each run on its own "
              + "(Effect.provide(layer, { local: true }))"
          })
        )
  )

const viewOf = <E>(state: Run<E>, time: VirtualTime): SimulationView["Service"] =>
  SimulationView.of({
    nowMs: () => time.nowMs,
    workers: () => state.loop.workers(),
    arrivedRequests: () => state.ledger.arrived,
    finishedRequests: () => state.ledger.finished,
    parkedRequests: () => state.loop.parked()
  })

/** Starts the policies in simulated time; they first run up to their first sleep at time 0. */
const startPolicies = <E, R>(
  policies: ReadonlyArray<Effect.Effect<unknown, E, R | SimulationView>>,
  view: SimulationView["Service"],
  time: VirtualTime,
  failed: (cause: Cause.Cause<E>) => void
): Effect.Effect<void, never, Exclude<R, SimulationView> | Scope.Scope> =>
  Effect.flatMap(Effect.context<Exclude<R, SimulationView>>(), (context) => {
    const fork = Effect.runForkWith(context)
    return Effect.forEach(
      policies,
      (policy) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            const fiber = fork(
              policy.pipe(Effect.provideService(SimulationView, view), Effect.provideService(Clock.Clock, time.clock)),
              { scheduler: time.scheduler }
            )
            fiber.addObserver((exit) => {
              if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) failed(exit.cause)
            })
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
  })

type Feed = Pull.Pull<Arr.NonEmptyReadonlyArray<TraceRow>, TraceError>
type Output<E> = Pull.Pull<Arr.NonEmptyReadonlyArray<ReplayEvent>, TraceError | ReplayError | E>

/** The pull of the output stream: simulate until a chunk is full, feeding the workload when it asks. */
const drive = <E>(state: Run<E>, pull: Feed): Output<E> => {
  const feed: Output<E> = Pull.matchEffect(pull, {
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
  const loop: Output<E> = Effect.suspend(() => {
    if (state.summarised) return Cause.done()
    try {
      return slice(state, feed, loop)
    } catch (error) {
      return failureOf(error, state.loop.nowMs)
    }
  })
  return loop
}

const advance = <E>(run: Run<E>): LoopState => {
  const { loop } = run
  if (loop.ended !== undefined) return "ended"
  for (let step = 0; step < stepsPerLook && run.policyFailure === undefined && !run.stopRequested; step++) {
    const state = loop.step()
    if (state !== "running") return state
  }
  return "running"
}

const slice = <E>(state: Run<E>, feed: Output<E>, loop: Output<E>): Output<E> => {
  const startedAt = monotonicMs()
  checkHeap(state.ledger.inFlight)
  for (;;) {
    if (state.stopRequested) state.loop.interrupt()
    const loopState = state.columns === undefined ? advance(state) : during(state.columns, () => advance(state))
    if (state.policyFailure !== undefined) return Effect.failCause(state.policyFailure)
    if (loopState === "ended") return Effect.succeed(takeLast(state))
    const records = state.ledger.outbox.length
    const withGaps = state.recordsSinceGaps + records >= recordsPerGaps || state.gaps.length >= gapPairsPerChunk
    if (withGaps || records >= recordsPerChunk) {
      const chunk = take(state, withGaps)
      if (Arr.isArrayNonEmpty(chunk)) return Effect.succeed(chunk)
    }
    if (loopState === "needs-rows") return feed
    if (monotonicMs() - startedAt > sliceMs) return Effect.andThen(Effect.yieldNow, loop)
  }
}

const take = <E>(state: Run<E>, withGaps: boolean): Array<ReplayEvent> => {
  const chunk: Array<ReplayEvent> = state.ledger.outbox.splice(0)
  state.recordsSinceGaps = withGaps ? 0 : state.recordsSinceGaps + chunk.length
  if (withGaps && state.gaps.length > 0) chunk.push({ _tag: "TokenGaps", ...state.gaps.take() })
  return chunk
}

const takeLast = <E>(state: Run<E>): Arr.NonEmptyReadonlyArray<ReplayEvent> => {
  state.summarised = true
  const tiers = state.loop.tierSummary()
  const groups = state.loop.workerGroups?.() ?? []
  const summary: RunSummary = {
    _tag: "Summary",
    arrivedRequests: state.ledger.arrived,
    ended: state.loop.ended ?? "drained",
    endMs: state.loop.nowMs,
    workerSeconds: state.loop.workerSeconds(),
    gpusPerWorker: meanGpus(state.topology.gpusPerWorker, groups),
    ...(groups.length === 0 ? {} : { workerGroups: groups }),
    ...(state.scaling === undefined ? {} : { scaling: state.scaling.summary() }),
    ...(tiers === undefined ? {} : { tiers }),
    wallMs: monotonicMs() - state.startedAt
  }
  const last = Arr.append(take(state, true), summary)
  state.columns?.end()
  return last
}

/** GPUs per worker, mean over the time of workers where they differ. */
const meanGpus = (
  { decode, prefill }: RunSummary["gpusPerWorker"],
  groups: ReadonlyArray<WorkerGroupTime>
): RunSummary["gpusPerWorker"] => {
  const meanOf = (own: ReadonlyArray<WorkerGroupTime>, otherwise: number): number => {
    const seconds = own.reduce((sum, { workerSeconds }) => sum + workerSeconds, 0)
    const gpuSeconds = own.reduce((sum, { gpusPerWorker, workerSeconds }) => sum + gpusPerWorker * workerSeconds, 0)
    return seconds === 0 ? otherwise : gpuSeconds / seconds
  }
  return {
    prefill: meanOf(
      groups.filter(({ pool }) => pool === "prefill"),
      prefill
    ),
    decode: meanOf(
      groups.filter(({ pool }) => pool !== "prefill"),
      decode
    )
  }
}

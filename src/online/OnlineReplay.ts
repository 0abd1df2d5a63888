/**
 * A replay on the live clock: the same engines, router, workload and events as offline, with workers as fibers.
 *
 * The stream's events are those of `Replay.run`, so the same sinks apply. Times in the records are measured: admissions when
 * a pass starts, tokens when the pass that made them is seen to be over, one time stamp for all tokens of a pass. Arrivals of an
 * open loop carry their scheduled time, those of a closed loop the moment of their dispatch.
 */
import { frontEndTimeOf } from "../engine/FrontEndTime.ts"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { ReplayEvent, RunSummary } from "../report/ReplayEvent.ts"
import type { PolicyContext } from "../simulation/Replay.ts"
import type { ReplayError } from "../simulation/ReplayError.ts"
import type { ProbedRun, RunProbe } from "../simulation/RunProbe.ts"
import { probeOf } from "../simulation/RunProbes.ts"
import { identityFor } from "../simulation/RunIdentity.ts"
import { counted, runSpan } from "../simulation/RunTelemetry.ts"
import { deadEnd } from "../simulation/SimulationLoop.ts"
import { SimulationView } from "../simulation/SimulationView.ts"
import type { TraceError } from "../trace/TraceError.ts"
import { throughFrontEnd } from "../workload/FrontEnd.ts"
import { Workload } from "../workload/Workload.ts"
import { Arrivals } from "./Arrivals.ts"
import type { Deployment } from "./Deployment.ts"
import { LagMeter } from "./LagMeter.ts"
import { LiveTopology } from "./LiveTopology.ts"
import { Pace, type Timeline, Turn } from "./Pace.ts"
import { Recorder } from "./Recorder.ts"

/** `E` and `R`: how its policies may fail, and what they need. */
export interface OnlineOptions<E = never, R = never> {
  /** Ends the run after this much time on its clock; requests still in flight are cut off. Default: no limit. */
  readonly maxTimeMs?: number
  /** When this completes, the run ends and still delivers its summary. */
  readonly stopWhen?: Effect.Effect<unknown>
  /** Is handed a view of the run before it starts, to show how far it is. */
  readonly monitor?: (view: SimulationView["Service"]) => void
  /** Filled in while running: how late the machine was. */
  readonly lag?: LagMeter
  /** A worker up to this late catches up with its model; a later one starts afresh. Default: 20 ms. */
  readonly maxLagMs?: number
  /** Effects that live beside the run, on its clock; interrupted at its end. When one fails or dies, so does the run. */
  readonly policies?: ReadonlyArray<Effect.Effect<unknown, E, R | SimulationView>>
  /** Check the invariants of docs/invariants.md while running; a violation is a defect. */
  readonly check?: boolean
  /** Gaps between tokens come with the times of their tokens, for those who look at a part of the run. */
  readonly timedGaps?: boolean
  /** Who looks on: see {@link RunProbe}. Times are those of the workers' models, as planned. */
  readonly probes?: ReadonlyArray<RunProbe>
}

/** Chunks of events on their way to the consumer; when it takes none, passes wait. */
const chunkCapacity = 64
const defaultMaxLagMs = 20

type Ended = RunSummary["ended"]
type Chunk = Arr.NonEmptyReadonlyArray<ReplayEvent>
type Chunks<E> = Queue.Queue<Chunk, ReplayError | TraceError | E | Cause.Done>

/**
 * Replays the workload on the topology's workers. Emits {@link ReplayEvent}s as requests end, then those cut off,
 * and one summary as the last element. Everything it starts ends with the stream.
 */
export const run = <E = never, R = never>(
  options: OnlineOptions<E, R> = {}
): Stream.Stream<ReplayEvent, ReplayError | TraceError | E, LiveTopology | Workload | Pace | PolicyContext<R>> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const chunks: Chunks<E> = yield* Effect.acquireRelease(
        Queue.bounded<Chunk, ReplayError | TraceError | E | Cause.Done>(chunkCapacity),
        Queue.shutdown
      )
      const parts = yield* assemble(options, chunks)
      options.monitor?.(viewOf(parts))
      yield* Effect.forkScoped(
        Effect.matchCauseEffect(play(parts, options), {
          onSuccess: (last) => Effect.andThen(Queue.offer(chunks, last), Queue.end(chunks)),
          onFailure: (cause) => Queue.failCause(chunks, cause)
        })
      )
      yield* Effect.annotateCurrentSpan({ "dynosim.topology": "live" })
      return Stream.flattenArray(Stream.fromQueue(chunks)).pipe(counted(() => parts.deployment.passes))
    })
  ).pipe(Stream.withSpan(runSpan))

/** One run's parts. */
interface Parts {
  readonly time: Timeline
  readonly deployment: Deployment
  readonly arrivals: Arrivals
  readonly recorder: Recorder
  readonly probe: RunProbe | undefined
  readonly probed: ProbedRun
  readonly observed: Effect.Effect<never, ReplayError>
}

const assemble = Effect.fnUntraced(function* <E, R>(options: OnlineOptions<E, R>, chunks: Chunks<E>) {
  const topology = yield* LiveTopology
  const workload = yield* Workload
  const identity = identityFor(workload, topology.blockTokens, topology.capacityBlocks)
  const core = throughFrontEnd(yield* workload.make(identity), frontEndTimeOf(topology.pools[0].args))
  const probe = probeOf(options)
  const time = yield* (yield* Pace).start
  const recorder = new Recorder(probe, options.timedGaps ?? false)
  const deployment = yield* topology.make({
    time,
    identity,
    lag: options.lag ?? new LagMeter(),
    probe,
    maxLagMs: options.maxLagMs ?? defaultMaxLagMs
  })
  const arrivals: Arrivals = new Arrivals({
    workload: core,
    rows: workload.rows,
    time,
    inFlight: () => recorder.ledger.inFlight,
    submit: (request) => {
      recorder.ledger.arrive()
      probe?.arrival?.(request, time.nowMs())
      deployment.submit(request)
    },
    checkProgress: Effect.suspend(() =>
      deployment.atRest && deployment.inFlight > 0 && deployment.unlock?.() !== true
        ? Effect.fail(deadEndOf(deployment))
        : Effect.void
    )
  })
  const observed = deployment.run(
    {
      emitted: (batch) => recorder.emitted(batch),
      ended: (live, status, nowMs) => {
        recorder.ended(live, status, nowMs)
        core.onTerminal(live.request, nowMs)
      },
      left: (live) => recorder.left(live),
      refused: (_live, fault) => {
        throw fault
      },
      settled: Effect.suspend(() => arrivals.submitReady()).pipe(
        Effect.andThen(arrivals.wake),
        Effect.andThen(Effect.suspend(() => handOn(recorder, chunks)))
      ),
      resting: () => Effect.suspend(() => (deployment.atRest ? arrivals.wake : Effect.void))
    },
    core
  )
  const probed: ProbedRun = { pools: deployment.probed, ledger: recorder.ledger }
  probe?.start?.(probed)
  return { time, deployment, arrivals, recorder, probe, probed, observed } satisfies Parts
})

const viewOf = ({ deployment, recorder, time }: Parts): SimulationView["Service"] =>
  SimulationView.of({
    nowMs: time.nowMs,
    workers: () => deployment.snapshots(),
    arrivedRequests: () => recorder.ledger.arrived,
    finishedRequests: () => recorder.ledger.finished,
    parkedRequests: () => deployment.parked
  })

/** Runs to the end and gives the last events. */
const play = Effect.fnUntraced(function* <E, R>(parts: Parts, options: OnlineOptions<E, R>) {
  const { deployment, recorder, time } = parts
  const view = viewOf(parts)
  const ends: Array<Effect.Effect<Ended, ReplayError | TraceError | E, Exclude<R, SimulationView>>> = [
    ...(options.policies ?? []).map((policy) => besideRun(Effect.provideService(policy, SimulationView, view))),
    parts.observed,
    Effect.as(parts.arrivals.run, "drained"),
    Effect.as(options.stopWhen ?? Effect.never, "interrupted")
  ]
  if (options.maxTimeMs !== undefined)
    ends.push(Effect.as(time.sleepUntil(options.maxTimeMs, Turn.passEnd), "max-sim-time"))
  const ended = yield* Effect.raceAllFirst(ends)
  const nowMs = time.nowMs()
  const cutOff = deployment.inFlight
  parts.probe?.end?.(parts.probed, { nowMs, drained: ended === "drained", cutOff })
  for (const live of deployment.leaving()) recorder.left(live)
  recorder.cutOff(deployment.requests())
  const summary: RunSummary = {
    _tag: "Summary",
    arrivedRequests: recorder.ledger.arrived,
    ended,
    endMs: nowMs,
    // The reference charges no worker time online.
    workerSeconds: { prefill: 0, decode: 0 },
    gpusPerWorker: { prefill: 0, decode: 0 },
    wallMs: nowMs
  }
  return Arr.append(recorder.takeAll(), summary)
})

/** Ends only by a failure: a policy that has done, or interrupts itself, leaves the run alone. */
const besideRun = <E, R>(policy: Effect.Effect<unknown, E, R>): Effect.Effect<never, E, R> =>
  policy.pipe(
    Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.failCause(cause))),
    Effect.andThen(Effect.never)
  )

/** Waits while the consumer is behind. A run that is stopped meanwhile keeps the chunk for its end. */
const handOn = <E>(recorder: Recorder, chunks: Chunks<E>): Effect.Effect<void> => {
  const chunk = recorder.take()
  return Arr.isArrayNonEmpty(chunk)
    ? Effect.asVoid(Effect.onInterrupt(Queue.offer(chunks, chunk), () => Effect.sync(() => recorder.giveBack(chunk))))
    : Effect.void
}

const deadEndOf = (deployment: Deployment): ReplayError => {
  const blocked = Array.from(deployment.requests(), ({ request }) => request)
  return deadEnd(deployment.time.nowMs(), deployment.inFlight, blocked, "online")
}

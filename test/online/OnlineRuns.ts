/** The same deployment run offline and online, for tests that compare the two. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import type { Engine } from "../../src/engine/Engine.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import * as LiveTopology from "../../src/online/LiveTopology.ts"
import * as OnlineReplay from "../../src/online/OnlineReplay.ts"
import type { Pace } from "../../src/online/Pace.ts"
import * as VirtualPace from "../../src/online/VirtualPace.ts"
import type { ReplayEvent, RunSummary, TokenGapBatch } from "../../src/report/ReplayEvent.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import type { Router } from "../../src/router/Router.ts"
import type { ReplayError } from "../../src/simulation/ReplayError.ts"
import * as Replay from "../../src/simulation/Replay.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import { VirtualClock } from "../../src/simulation/VirtualClock.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import type { TraceError } from "../../src/trace/TraceError.ts"
import type { SettingsError } from "../../src/settings/SettingsError.ts"
import type { Workload } from "../../src/workload/Workload.ts"
import type { WorkloadError } from "../../src/workload/WorkloadError.ts"

export interface Setup {
  readonly engine: Layer.Layer<Engine>
  readonly router: Layer.Layer<Router, SettingsError>
  readonly workload: Layer.Layer<Workload, TraceError | WorkloadError>
  readonly workers: number
}

type Failure = ReplayError | TraceError | WorkloadError

export interface Outcome {
  readonly records: ReadonlyArray<RequestRecord>
  readonly gaps: ReadonlyArray<TokenGapBatch>
  readonly summary: RunSummary
}

const engineLayers = { vllm: VllmEngine.layer, trtllm: VllmEngine.layerTrtllm, sglang: SglangEngine.layer }

export const engineOf = (args: EngineArgs): Layer.Layer<Engine> =>
  engineLayers[args.engineType](args).pipe(Layer.provide(PolynomialTiming.layer), Layer.orDie)

export const outcomeOf = (events: ReadonlyArray<ReplayEvent>): Outcome => {
  const summary = events.at(-1)
  if (summary?._tag !== "Summary") throw new Error("the last event of a run is not its summary")
  return {
    records: events.filter((event) => event._tag === "Request"),
    gaps: events.filter((event) => event._tag === "TokenGaps"),
    summary
  }
}

/** The same workers for both clocks. */
export interface Wiring {
  readonly topology: Layer.Layer<Topology.Topology>
  readonly live: Layer.Layer<LiveTopology.LiveTopology>
}

/** Workers behind a router. */
export const aggregated = ({ engine, router, workers }: Omit<Setup, "workload">): Wiring => {
  const services = Layer.merge(engine, router)
  return {
    topology: Topology.layerMulti({ workers }).pipe(Layer.provide(services), Layer.orDie),
    live: LiveTopology.layerAggregated({ workers }).pipe(Layer.provide(services), Layer.orDie)
  }
}

export interface PoolSizes {
  readonly prefillWorkers: number
  readonly decodeWorkers: number
}

/** A prefill and a decode pool. */
export const disaggregated = (
  prefill: EngineArgs,
  decode: EngineArgs,
  router: Layer.Layer<Router, SettingsError>,
  sizes: PoolSizes
): Wiring => {
  const pool = (args: EngineArgs, workerType: "prefill" | "decode") =>
    Layer.merge(engineOf({ ...args, workerType }), Layer.orDie(router))
  const pools = Layer.merge(
    Layer.provide(Topology.PrefillPool.layer, pool(prefill, "prefill")),
    Layer.provide(Topology.DecodePool.layer, pool(decode, "decode"))
  )
  return {
    topology: Topology.layerDisaggregated(sizes).pipe(Layer.provide(pools), Layer.orDie),
    live: LiveTopology.layerDisaggregated(sizes).pipe(Layer.provide(pools), Layer.orDie)
  }
}

const offline = (topology: Wiring["topology"], workload: Setup["workload"]) =>
  Stream.runCollect(Replay.run({ check: true })).pipe(
    Effect.map(outcomeOf),
    Effect.provide([topology, workload, VirtualClock.layer], { local: true })
  )

const live = (
  topology: Wiring["live"],
  workload: Setup["workload"],
  options: OnlineReplay.OnlineOptions = {}
): Effect.Effect<Outcome, Failure, Pace> =>
  Stream.runCollect(OnlineReplay.run({ check: true, ...options })).pipe(
    Effect.map(outcomeOf),
    Effect.provide([topology, workload], { local: true })
  )

/** On the Pace of the context. */
export const online = (setup: Setup, options: OnlineReplay.OnlineOptions = {}): Effect.Effect<Outcome, Failure, Pace> =>
  live(aggregated(setup).live, setup.workload, options)

/** In virtual time. */
export const virtual = (setup: Setup, options: OnlineReplay.OnlineOptions = {}): Effect.Effect<Outcome, Failure> =>
  VirtualPace.run(online(setup, options))

/** What must be the same offline and online, by request in dispatch order. */
export const comparable = ({ records }: Outcome) =>
  records
    .toSorted((a, b) => a.id - b.id)
    .map((record) => ({
      id: record.id,
      session: record.sessionId,
      turn: record.turnIndex,
      status: record.status,
      worker: record.workerIndex,
      promptTokens: record.promptTokens,
      emittedTokens: record.emittedTokens,
      reusedTokens: record.reusedTokens,
      firstReusedTokens: record.firstAdmissionReusedTokens,
      overlapTokens: record.routeOverlapTokens,
      arrivalMs: record.arrivalMs,
      firstAdmitMs: record.firstAdmitMs,
      firstTokenMs: record.firstTokenMs,
      secondTokenMs: record.secondTokenMs,
      lastTokenMs: record.lastTokenMs,
      handoff: record.handoff
    }))

/** Gap to number of gaps, over the whole run. */
export const gapCounts = ({ gaps }: Outcome): ReadonlyMap<number, number> => {
  const counts = new Map<number, number>()
  for (const batch of gaps) {
    batch.gapsMs.forEach((gapMs, index) => counts.set(gapMs, (counts.get(gapMs) ?? 0) + batch.counts[index]!))
  }
  return counts
}

/** Runs both ways and compares everything that does not depend on the real clock; gives the online outcome. */
export const assertSame = Effect.fnUntraced(function* (wiring: Wiring, workload: Setup["workload"]) {
  const expected = yield* offline(wiring.topology, workload)
  const actual = yield* VirtualPace.run(live(wiring.live, workload))
  assert.deepStrictEqual(comparable(actual), comparable(expected))
  assert.deepStrictEqual(gapCounts(actual), gapCounts(expected))
  assert.deepStrictEqual(
    [actual.summary.arrivedRequests, actual.summary.ended, actual.summary.endMs],
    [expected.summary.arrivedRequests, expected.summary.ended, expected.summary.endMs]
  )
  return actual
})

const rounded = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, entry: unknown) => (typeof entry === "number" ? Math.round(entry * 1e5) / 1e5 : entry))
  )

/**
 * The same to 10 ns, and but for the end of the run: copies that share a link are moved on at other instants, and their ends differ in
 * the last digits; the last of them may outlast the run.
 */
export const assertSameRequests = Effect.fnUntraced(function* (wiring: Wiring, workload: Setup["workload"]) {
  const expected = yield* offline(wiring.topology, workload)
  const actual = yield* VirtualPace.run(live(wiring.live, workload))
  assert.deepStrictEqual(rounded(comparable(actual)), rounded(comparable(expected)))
  return actual
})

/** How such a run fails, offline and online. */
export const failures = ({ live: online, topology }: Wiring, workload: Setup["workload"]) =>
  Effect.all([Effect.flip(offline(topology, workload)), Effect.flip(VirtualPace.run(live(online, workload)))])

/** The same for workers behind a router. */
export const assertSameRun = (setup: Setup) => assertSame(aggregated(setup), setup.workload)

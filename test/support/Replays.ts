/** Whole runs for tests: layers from plain settings, and the events sorted into what tests look at. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import type { Engine } from "../../src/engine/Engine.ts"
import * as SglangEngine from "../../src/engine/sglang/SglangEngine.ts"
import * as VllmEngine from "../../src/engine/vllm/VllmEngine.ts"
import type { ReplayEvent, RunSummary, TokenGapBatch } from "../../src/report/ReplayEvent.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"
import type { Router } from "../../src/router/Router.ts"
import * as RoundRobin from "../../src/router/RoundRobin.ts"
import * as Replay from "../../src/simulation/Replay.ts"
import type { ReplayError } from "../../src/simulation/ReplayError.ts"
import type { SettingsError } from "../../src/settings/SettingsError.ts"
import * as Topology from "../../src/simulation/Topology.ts"
import { VirtualClock } from "../../src/simulation/VirtualClock.ts"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import type { TraceError } from "../../src/trace/TraceError.ts"
import type { Workload } from "../../src/workload/Workload.ts"

const engineLayers = {
  sglang: SglangEngine.layer,
  trtllm: VllmEngine.layerTrtllm,
  vllm: VllmEngine.layer
}

const engine = (args: EngineArgs): Layer.Layer<Engine> =>
  engineLayers[args.engineType](args).pipe(Layer.provide(PolynomialTiming.layer), Layer.orDie)

/** `workers` engines of these arguments, with polynomial timing, behind a router: round robin by default. */
export const multiTopology = (
  args: EngineArgs,
  workers: number,
  router: Layer.Layer<Router, SettingsError> = RoundRobin.layer
): Layer.Layer<Topology.Topology> =>
  Topology.layerMulti({ workers }).pipe(Layer.provide(Layer.merge(engine(args), router)), Layer.orDie)

/** The same; one worker alone runs without a router. */
export const topology = (args: EngineArgs, workers = 1): Layer.Layer<Topology.Topology> =>
  workers === 1 ? Topology.layerSingle.pipe(Layer.provide(engine(args))) : multiTopology(args, workers)

/** A prefill and a decode pool of engines of these arguments, each behind a round-robin router. */
export const disaggregatedTopology = (
  args: EngineArgs,
  workers: { readonly prefillWorkers: number; readonly decodeWorkers: number }
): Layer.Layer<Topology.Topology> => {
  const pool = (workerType: "prefill" | "decode") => Layer.merge(engine({ ...args, workerType }), RoundRobin.layer)
  return Topology.layerDisaggregated(workers).pipe(
    Layer.provide(
      Layer.merge(
        Topology.PrefillPool.layer.pipe(Layer.provide(pool("prefill"))),
        Topology.DecodePool.layer.pipe(Layer.provide(pool("decode")))
      )
    ),
    Layer.orDie
  )
}

export interface Outcome {
  readonly records: ReadonlyArray<RequestRecord>
  readonly gaps: ReadonlyArray<TokenGapBatch>
  readonly summary: RunSummary
}

export const outcomeOf = (events: ReadonlyArray<ReplayEvent>): Outcome => {
  const summary = events.at(-1)
  if (summary?._tag !== "Summary") throw new Error("the last event of a run is not its summary")
  return {
    records: events.filter((event) => event._tag === "Request"),
    gaps: events.filter((event) => event._tag === "TokenGaps"),
    summary
  }
}

/** Runs to the end on a clock of its own. */
export const replay = (
  topology: Layer.Layer<Topology.Topology, SettingsError>,
  workload: Layer.Layer<Workload>,
  options: Replay.RunOptions = {}
): Effect.Effect<Outcome, ReplayError | TraceError> =>
  Stream.runCollect(Replay.run(options)).pipe(
    Effect.map(outcomeOf),
    Effect.provide(Layer.mergeAll(Layer.orDie(topology), workload, VirtualClock.layer), { local: true })
  )

/** Gaps with their counts, whatever the batches that they came in. */
export const gapCounts = ({ gaps }: Outcome): ReadonlyMap<number, number> => {
  const counts = new Map<number, number>()
  for (const batch of gaps) {
    batch.gapsMs.forEach((gapMs, pair) => counts.set(gapMs, (counts.get(gapMs) ?? 0) + batch.counts[pair]!))
  }
  return new Map([...counts].toSorted(([a], [b]) => a - b))
}

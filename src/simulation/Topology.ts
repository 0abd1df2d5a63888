/**
 * How workers are wired: one engine alone, several behind a router, or a prefill and a decode pool.
 *
 * A topology layer takes the Engine and the Router from its context, so swapping either is one line of layers.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { PoolRole, ScaledPool } from "../autoscaler/Autoscaler.ts"
import { Engine } from "../engine/Engine.ts"
import { argsOfGroups, engineOfNewWorkers } from "../engine/MixedEngine.ts"
import type { HandoffSupport } from "../engine/Handoff.ts"
import { type FrontEndTime, frontEndTimeOf } from "../engine/FrontEndTime.ts"
import { SharedTiers, sharesLowerTiers } from "../engine/tiers/SharedTiers.ts"
import { Router } from "../router/Router.ts"
import { check } from "../settings/Decode.ts"
import { type SettingsError, settingsError } from "../settings/SettingsError.ts"
import { DisaggregatedLoop, type PoolSetup } from "./DisaggregatedLoop.ts"
import { MultiEngineLoop } from "./MultiEngineLoop.ts"
import { disaggregatedSettings, multiSettings } from "./PoolSizes.ts"
import { SingleEngineLoop } from "./SingleEngineLoop.ts"
import type { LoopContext, SimulationLoop } from "./SimulationLoop.ts"
import { DisaggregationUnsupported } from "./ReplayError.ts"

/** What is deployed and how its parts go together: a factory of event loops, one per run. */
export class Topology extends Context.Service<
  Topology,
  {
    readonly name: string
    /** Tokens per KV block of the engines. */
    readonly blockTokens: number
    /** KV blocks of the largest worker. */
    readonly capacityBlocks: number
    readonly gpusPerWorker: { readonly prefill: number; readonly decode: number }
    /** What requests go through before the first queue. */
    readonly frontEnd: FrontEndTime | undefined
    /** The pools that an autoscaler may scale; `undefined` where workers cannot come and go. */
    readonly pools?: ReadonlyArray<ScaledPool>
    readonly make: (context: LoopContext) => SimulationLoop
  }
>()("dynosim/simulation/Topology") {}

/** One worker, no router (SES). */
export const layerSingle: Layer.Layer<Topology, never, Engine> = Layer.effect(Topology)(
  Effect.map(Engine, (engine) =>
    Topology.of({
      name: "single-engine",
      blockTokens: engine.args.blockTokens,
      capacityBlocks: engine.args.numGpuBlocks,
      gpusPerWorker: { prefill: 0, decode: engine.args.gpusPerWorker },
      frontEnd: frontEndTimeOf(engine.args),
      make: (context) => {
        const { gaps, probe } = context
        const sharedTiers = new SharedTiers()
        const workerProbe = probe?.worker?.("aggregated", 0)
        return new SingleEngineLoop(
          context,
          engine.spawn({
            workerIndex: 0,
            gaps,
            kvEvents: undefined,
            sharedTiers,
            tiersLeftAlone: probe === undefined,
            usageIsSeen: probe !== undefined,
            probe: workerProbe
          }),
          sharedTiers
        )
      }
    })
  )
)

/** `workers` equal workers behind the router (MES). */
export const layerMulti = (options: {
  readonly workers: number
}): Layer.Layer<Topology, SettingsError, Engine | Router> =>
  Layer.effect(Topology)(
    Effect.gen(function* () {
      yield* Effect.fromResult(check(multiSettings, options))
      const engine = yield* Engine
      const router = yield* Router
      const problem = mixSizeProblem(engine, options.workers)
      if (problem !== undefined) return yield* problem
      return Topology.of({
        name: "multi-engine",
        blockTokens: engine.args.blockTokens,
        capacityBlocks: mostBlocks(engine),
        gpusPerWorker: { prefill: 0, decode: engine.args.gpusPerWorker },
        frontEnd: frontEndTimeOf(engine.args),
        pools: [scaledPool("aggregated", { engine, router }, options.workers)],
        make: (context) => new MultiEngineLoop(context, engine, router, options.workers)
      })
    })
  )

/** What is told of workers is told of those that are added, where workers differ. */
const scaledPool = (role: PoolRole, { engine, router }: Pool, workers: number): ScaledPool => {
  const { args, passEstimator } = engineOfNewWorkers(engine)
  return {
    role,
    workers,
    gpus: gpusOf(engine, workers),
    gpusPerWorker: args.gpusPerWorker,
    maxNumBatchedTokens: limitOf(args.maxNumBatchedTokens),
    maxNumSeqs: limitOf(args.maxNumSeqs),
    kvTokens: args.numGpuBlocks * args.blockTokens,
    blockTokens: args.blockTokens,
    routedByCache: router.followsCaches ?? false,
    ...(passEstimator === undefined ? {} : { passEstimator })
  }
}

const gpusOf = ({ args, mix }: Engine["Service"], workers: number): number =>
  mix === undefined
    ? workers * args.gpusPerWorker
    : mix.groups.reduce((sum, group) => sum + group.workers * group.engine.args.gpusPerWorker, 0)

/** Of the worker that can hold most. */
export const mostBlocks = (...engines: ReadonlyArray<Engine["Service"]>): number =>
  Math.max(...engines.flatMap(argsOfGroups).map(({ numGpuBlocks }) => numGpuBlocks))

/** Workers and groups must be the same pool. */
const mixSizeProblem = ({ mix }: Engine["Service"], workers: number): SettingsError | undefined => {
  const inGroups = mix?.groups.reduce((sum, group) => sum + group.workers, 0) ?? workers
  return inGroups === workers
    ? undefined
    : settingsError("workers", `must be those of the engine's groups, ${inGroups}, got ${workers}`)
}

const limitOf = (limit: number): number | undefined => (Number.isFinite(limit) ? limit : undefined)

type Pool = Omit<PoolSetup, "workers">

const poolOf = Effect.gen(function* () {
  return { engine: yield* Engine, router: yield* Router } satisfies Pool
})

/** Engine and router of the prefill side of a disaggregated run. */
export class PrefillPool extends Context.Service<PrefillPool, Pool>()("dynosim/simulation/PrefillPool") {
  static readonly layer: Layer.Layer<PrefillPool, never, Engine | Router> = Layer.effect(PrefillPool)(poolOf)
}

/** Engine and router of the decode side of a disaggregated run. */
export class DecodePool extends Context.Service<DecodePool, Pool>()("dynosim/simulation/DecodePool") {
  static readonly layer: Layer.Layer<DecodePool, never, Engine | Router> = Layer.effect(DecodePool)(poolOf)
}

/** How two engines hand KV over; fails when they cannot. */
export const handoffOf = (
  prefill: Engine["Service"],
  decode: Engine["Service"]
): Effect.Effect<
  { readonly source: HandoffSupport; readonly destination: HandoffSupport },
  DisaggregationUnsupported
> => {
  const source = prefill.handoff
  const destination = decode.handoff
  if (source === undefined || destination === undefined || source.order !== destination.order)
    return unsupported(
      "disaggregation needs prefill and decode engines of one type that can hand KV over (vllm or sglang), got "
        + `${prefill.args.engineType} and ${decode.args.engineType}`
    )
  return shareLowerTiers(prefill, decode)
    ? Effect.succeed({ source, destination })
    : unsupported(
        "prefill and decode workers share their disk and object store tiers: give both pools the same offload_policy, num_g3_blocks, "
          + "enable_g4_storage, kv_bytes_per_token, block_size, latency and bandwidths of these tiers, or only one pool such tiers"
      )
}

/** Whether any worker of one pool can use the same lower tiers as any of the other. */
const shareLowerTiers = (prefill: Engine["Service"], decode: Engine["Service"]): boolean =>
  argsOfGroups(prefill).every((one) => argsOfGroups(decode).every((other) => sharesLowerTiers(one, other)))

const unsupported = (problem: string): Effect.Effect<never, DisaggregationUnsupported> =>
  Effect.fail(new DisaggregationUnsupported({ problem }))

/** A pool that computes prompts and a pool that decodes them, with a KV transfer in between. */
export const layerDisaggregated = (options: {
  readonly prefillWorkers: number
  readonly decodeWorkers: number
}): Layer.Layer<Topology, DisaggregationUnsupported | SettingsError, PrefillPool | DecodePool> =>
  Layer.effect(Topology)(
    Effect.gen(function* () {
      const { decodeWorkers, prefillWorkers } = options
      yield* Effect.fromResult(check(disaggregatedSettings, { prefillWorkers, decodeWorkers }))
      const prefill = { ...(yield* PrefillPool), workers: prefillWorkers }
      const decode = { ...(yield* DecodePool), workers: decodeWorkers }
      const problem = mixSizeProblem(prefill.engine, prefillWorkers) ?? mixSizeProblem(decode.engine, decodeWorkers)
      if (problem !== undefined) return yield* problem
      const { destination, source } = yield* handoffOf(prefill.engine, decode.engine)
      return Topology.of({
        name: "disaggregated",
        blockTokens: decode.engine.args.blockTokens,
        capacityBlocks: mostBlocks(prefill.engine, decode.engine),
        gpusPerWorker: { prefill: prefill.engine.args.gpusPerWorker, decode: decode.engine.args.gpusPerWorker },
        frontEnd: frontEndTimeOf(prefill.engine.args),
        pools: [scaledPool("prefill", prefill, prefillWorkers), scaledPool("decode", decode, decodeWorkers)],
        make: (context) => new DisaggregatedLoop(context, prefill, decode, source, destination)
      })
    })
  )

/**
 * What is deployed: from the options of a run to its engines, pools, routers and the layers that a simulation takes them from.
 *
 * Replays in simulated time, replays on the live clock and the HTTP endpoint all deploy here. What is derived on the way (KV pools
 * sized by AIC, timing tables) stays known: see {@link Deployment.facts}.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import type { Deployment as DeploymentChoice, DeploymentOptions, GroupOptions } from "./ReplayOptions.ts"
import { type PoolOptions, poolsOf } from "./WorkerGroups.ts"
import { Engine } from "../engine/Engine.ts"
import { mixedEngine } from "../engine/MixedEngine.ts"
import * as VllmEngine from "../engine/vllm/VllmEngine.ts"
import type * as LiveTopology from "../online/LiveTopology.ts"
import type { PoolFacts } from "../report/ReportOptions.ts"
import type { PolicyFileError } from "../router/kv/PolicyFileError.ts"
import type { PrefillEstimator } from "../router/kv/PrefillLoad.ts"
import * as RoundRobin from "../router/RoundRobin.ts"
import { type PoolRole, Router } from "../router/Router.ts"
import type { SettingsError, UsageError } from "../settings/SettingsError.ts"
import type { DisaggregationUnsupported } from "../simulation/ReplayError.ts"
import * as Topology from "../simulation/Topology.ts"
import type { AicError } from "../timing/aic/AicError.ts"
import type { SizedPool } from "../timing/aic/KvCapacity.ts"
import type { NpzError } from "../timing/npz/NpzError.ts"
import * as PolynomialTiming from "../timing/PolynomialTiming.ts"
import { Timing } from "../timing/Timing.ts"
import { describeExtrapolation } from "../timing/Extrapolation.ts"
import { type KvPoolSource, poolFacts } from "./PoolFacts.ts"
import { readRunFiles, type RunFiles, unusedBundles } from "./RunFiles.ts"
import { slowLoadNote } from "./TierNote.ts"

type Files = FileSystem.FileSystem | Path.Path
type Undeployable = AicError | NpzError | SettingsError | DisaggregationUnsupported

/** Equal workers, as they were deployed. */
export interface DeployedGroup {
  /** `undefined` where all workers of the pool are equal. */
  readonly name: string | undefined
  readonly role: PoolRole
  readonly workers: number
  readonly engine: Engine["Service"]
  readonly timing: Timing["Service"]
  /** Where the size of the KV pool comes from. */
  readonly kvPoolSource: KvPoolSource
  /** KV bytes of a token over all GPUs of a worker; `undefined` where nothing tells. */
  readonly kvBytesPerToken: number | undefined
}

/** A pool, what its arguments came to, and where they came from. */
export interface DeployedPool {
  readonly role: PoolRole
  readonly workers: number
  /** Of all groups. */
  readonly engine: Engine["Service"]
  readonly groups: readonly [DeployedGroup, ...ReadonlyArray<DeployedGroup>]
}

/** What the options deploy: pools, router and timing, as layers. */
export interface Deployment {
  /** One pool, or prefill and decode. */
  readonly pools: readonly [DeployedPool, ...ReadonlyArray<DeployedPool>]
  /** The deployment that was asked for, with what was derived filled in. */
  readonly used: DeploymentChoice
  readonly router: Router["Service"]
  /** What is really used, pool by pool; coverage of timing tables as of now. */
  readonly facts: () => ReadonlyArray<PoolFacts>
  /** Files that were read but make no difference, and what timing models want known, a sentence each. */
  readonly notices: ReadonlyArray<string>
  /** How often, in what and how far pass times lay beyond what was measured, a sentence per pool; as of now. */
  readonly warnings: () => ReadonlyArray<string>
  /** Wires the pools for a run in simulated time. */
  readonly topology: Layer.Layer<Topology.Topology, DisaggregationUnsupported | SettingsError>
  /** Wires the pools for a run on the live clock. */
  readonly live: Layer.Layer<LiveTopology.LiveTopology, DisaggregationUnsupported | SettingsError>
}

// What a plain replay does not need is loaded by the runs that do.
const aicPools = Effect.promise(() => import("./AicPools.ts"))
const npzTiming = Effect.promise(() => import("../timing/npz/NpzTiming.ts"))
const sglangEngine = Effect.promise(() => import("../engine/sglang/SglangEngine.ts"))
const kvRouter = Effect.promise(() => import("../router/kv/KvRouter.ts"))
const liveTopology = Effect.promise(() => import("../online/LiveTopology.ts"))

/** Timing without AIC. */
const timingLayer = ({ plannerProfileData }: EngineArgs): FittedPool["timing"] =>
  plannerProfileData === undefined
    ? PolynomialTiming.layer
    : Layer.unwrap(Effect.map(npzTiming, ({ layer }) => layer(plannerProfileData)))

const engineLayer = (args: EngineArgs): Layer.Layer<Engine, SettingsError, Timing> => {
  switch (args.engineType) {
    case "vllm":
      return VllmEngine.layer(args)
    case "sglang":
      return Layer.unwrap(Effect.map(sglangEngine, ({ layer }) => layer(args)))
    case "trtllm":
      return VllmEngine.layerTrtllm(args)
  }
}

/** KV to be transferred at a given bandwidth has the bytes of the model, unless the arguments say how many. */
const withTransferBytes = (args: EngineArgs, kvBytesPerToken: number | undefined): EngineArgs =>
  (args.kvTransferBandwidthGbS === undefined && args.numG2Blocks === 0)
  || args.kvBytesPerToken !== undefined
  || kvBytesPerToken === undefined
    ? args
    : { ...args, kvBytesPerToken }

/** A pool as it is really deployed, and the timing of its passes. */
export interface FittedPool extends SizedPool<EngineArgs> {
  readonly timing: Layer.Layer<Timing, AicError | NpzError, Files>
}

/** The arguments with what AIC data decides. */
const fittedPool = (args: EngineArgs, files: RunFiles, place: string): Effect.Effect<FittedPool, AicError, Files> => {
  const { aic, kvBytesPerToken } = args
  return aic === undefined
    ? Effect.succeed({ args, kvBytesPerToken, timing: timingLayer(args) })
    : Effect.flatMap(aicPools, (pools) => pools.fittedPool(args, aic, files, place))
}

/** Where the arguments of a group are given, as messages begin; groups without a name are whole pools. */
const placeOf = (role: PoolRole, name: string | undefined, index: number): string =>
  `--${role === "aggregated" ? "extra" : role}-engine-args: ${name === undefined ? "" : `${index}.`}`

/** Workers with their timing, their KV pool sized by AIC where their arguments ask for that. */
const deployGroup = Effect.fnUntraced(function* (
  role: DeployedPool["role"],
  { engine: given, name, workers }: GroupOptions,
  index: number,
  files: RunFiles
): Effect.fn.Return<DeployedGroup, AicError | NpzError | SettingsError, Files | Scope.Scope> {
  const {
    args: sized,
    kvBytesPerToken,
    timing: timingOfPool
  } = yield* fittedPool(given, files, placeOf(role, name, index))
  const args = withTransferBytes(sized, kvBytesPerToken)
  const timing = Context.get(yield* Layer.build(timingOfPool), Timing)
  const engine = Context.get(
    yield* Layer.build(Layer.provide(engineLayer(args), Layer.succeed(Timing, timing))),
    Engine
  )
  return {
    name,
    role,
    workers,
    engine,
    timing,
    kvPoolSource: args.aic?.sizesKvPool === true ? "aic" : "engine_args",
    kvBytesPerToken
  }
})

const deployPool = Effect.fnUntraced(function* (
  { groups: [first, ...others], role, workers }: PoolOptions,
  files: RunFiles
): Effect.fn.Return<DeployedPool, AicError | NpzError | SettingsError, Files | Scope.Scope> {
  const groups = [
    yield* deployGroup(role, first, 0, files),
    ...(yield* Effect.forEach(others, (group, index) => deployGroup(role, group, index + 1, files)))
  ] as const
  return { role, workers, engine: engineOf(groups), groups }
})

const engineOf = ([first, ...others]: DeployedPool["groups"]): Engine["Service"] => {
  if (others.length === 0) return first.engine
  const groupOf = ({ engine, name = "", workers }: DeployedGroup) => ({ name, workers, engine })
  return mixedEngine([groupOf(first), ...others.map(groupOf)])
}

const deployRouter = Effect.fnUntraced(function* (
  { routing, seed }: DeploymentOptions,
  { bundles, policyProfile }: RunFiles
): Effect.fn.Return<Router["Service"], AicError | SettingsError, Files | Scope.Scope> {
  if (routing.mode === "round_robin") return Context.get(yield* Layer.build(RoundRobin.layer), Router)
  const prefillEstimator: PrefillEstimator | undefined =
    routing.prefillEstimate === undefined
      ? undefined
      : yield* (yield* aicPools).prefillEstimator(routing.prefillEstimate, bundles)
  const { config, tieBreak } = routing
  const { layer } = yield* kvRouter
  return Context.get(yield* Layer.build(layer({ ...config, policyProfile, prefillEstimator, seed, tieBreak })), Router)
})

const deployPools = Effect.fnUntraced(function* (
  choice: DeploymentChoice,
  files: RunFiles
): Effect.fn.Return<Deployment["pools"], AicError | NpzError | SettingsError, Files | Scope.Scope> {
  const [first, ...others] = poolsOf(choice)
  return [yield* deployPool(first, files), ...(yield* Effect.forEach(others, (pool) => deployPool(pool, files)))]
})

/** One worker under round robin needs no router. */
const isSingleEngine = ({ deployment, routing }: DeploymentOptions): boolean =>
  deployment._tag === "Aggregated" && deployment.workers === 1 && routing.mode === "round_robin"

/** A pool's engine with the router. */
const services = ({ engine }: DeployedPool, router: Router["Service"]): Layer.Layer<Engine | Router> =>
  Layer.merge(Layer.succeed(Engine, engine), Layer.succeed(Router, router))

/** Both pools of a disaggregated deployment. */
const bothPools = (
  [first, second = first]: Deployment["pools"],
  router: Router["Service"]
): Layer.Layer<Topology.PrefillPool | Topology.DecodePool> =>
  Layer.merge(
    Layer.provide(Topology.PrefillPool.layer, services(first, router)),
    Layer.provide(Topology.DecodePool.layer, services(second, router))
  )

const topologyOf = (
  options: DeploymentOptions,
  pools: Deployment["pools"],
  router: Router["Service"],
  isElastic: boolean
): Deployment["topology"] => {
  const { deployment } = options
  if (isSingleEngine(options) && !isElastic) return Layer.provide(Topology.layerSingle, services(pools[0], router))
  return deployment._tag === "Aggregated"
    ? Layer.provide(Topology.layerMulti({ workers: deployment.workers }), services(pools[0], router))
    : Layer.provide(Topology.layerDisaggregated(deployment), bothPools(pools, router))
}

const liveTopologyOf = (
  deployment: DeploymentChoice,
  pools: Deployment["pools"],
  router: Router["Service"]
): Deployment["live"] =>
  Layer.unwrap(
    Effect.map(liveTopology, ({ layerAggregated, layerDisaggregated }) =>
      deployment._tag === "Aggregated"
        ? Layer.provide(layerAggregated({ workers: deployment.workers }), services(pools[0], router))
        : Layer.provide(layerDisaggregated(deployment), bothPools(pools, router))
    )
  )

const usedOf = (choice: DeploymentChoice, pools: Deployment["pools"]): DeploymentChoice => {
  const [first, second = first] = pools
  const groupsOf = ({ groups }: DeployedPool): ReadonlyArray<GroupOptions> =>
    groups.map(({ engine, name, workers }) => ({ name, workers, engine: engine.args }))
  if (choice._tag === "Aggregated") {
    const groups = choice.groups === undefined ? {} : { groups: groupsOf(first) }
    return { ...choice, engine: first.engine.args, ...groups }
  }
  return {
    ...choice,
    prefill: first.engine.args,
    decode: second.engine.args,
    ...(choice.prefillGroups === undefined ? {} : { prefillGroups: groupsOf(first) }),
    ...(choice.decodeGroups === undefined ? {} : { decodeGroups: groupsOf(second) })
  }
}

const timingNotes = ({ timing }: DeployedGroup): ReadonlyArray<string> => timing.notes ?? []

const extrapolationWarning = ({ name, role, timing }: DeployedGroup): ReadonlyArray<string> => {
  const problem = describeExtrapolation(timing.coverage?.())
  const group = name === undefined ? "" : ` (${name})`
  return problem === undefined ? [] : [`${role} pool${group}: ${problem}; ${timing.source}`]
}

/**
 * Builds what the options deploy, from files that have been read; whatever is wrong with tables or profiles is found here. Workers of an
 * elastic deployment may come and go.
 */
export const deployWith = Effect.fnUntraced(function* (
  options: DeploymentOptions,
  files: RunFiles,
  isElastic = false
): Effect.fn.Return<Deployment, Undeployable, Files | Scope.Scope> {
  const pools = yield* deployPools(options.deployment, files)
  const groups = pools.flatMap((pool) => pool.groups)
  const router = yield* deployRouter(options, files)
  return {
    pools,
    router,
    used: usedOf(options.deployment, pools),
    notices: [
      ...unusedBundles(options, files),
      ...new Set(groups.flatMap(timingNotes)),
      ...groups.flatMap(slowLoadNote)
    ],
    facts: () => groups.map(poolFacts),
    warnings: () => groups.flatMap(extrapolationWarning),
    topology: topologyOf(options, pools, router, isElastic),
    live: liveTopologyOf(options.deployment, pools, router)
  }
})

/** Reads what the options name beside their values, and builds what they deploy. */
export const deploy = (
  options: DeploymentOptions
): Effect.Effect<Deployment, Undeployable | PolicyFileError | UsageError, Files | Scope.Scope> =>
  Effect.flatMap(readRunFiles(options), (files) => deployWith(options, files))

/**
 * The planner of the reference (ai-dynamo 1.3.1) as an autoscaler: its ticks, what it remembers between them, and its decisions with
 * their quirks. Every worker counts as one unit of its budget.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  Autoscaler,
  type AutoscalerShape,
  type Decider,
  type Observation,
  type PoolObservation,
  type PoolSize,
  type ScaledPool,
  type ScalingDecision
} from "../Autoscaler.ts"
import { AutoscalerError } from "../AutoscalerError.ts"
import { type Budget, clampOne, clampTwo } from "./Budget.ts"
import type { PlannerConfig } from "./PlannerConfig.ts"
import { PlannedPool } from "./PlannedPool.ts"
import { SlaPlanner } from "./SlaPlanner.ts"
import { aggregatedUse, decodeUse, stepByQueue, stepByUse, type Thresholds } from "./Thresholds.ts"
import { TrafficMerge } from "./TrafficMerge.ts"

/** Workers per pool that are wanted; `undefined` when there is nothing to say. */
export type Wanted = ReadonlyArray<number> | undefined

/** Workers per pool within limits, from those wanted and the pools as they are. */
export type Bounds = (wanted: ReadonlyArray<number>, pools: ReadonlyArray<PoolSize>) => ReadonlyArray<number>

const thresholdsOf = (config: PlannerConfig, contextTokens: number): Thresholds => {
  const exclusive = { upInclusive: false, downInclusive: false, queueDownInclusive: false }
  switch (config.optimizationTarget) {
    case "latency":
      return {
        ...exclusive,
        kvUp: 0.4,
        kvDown: 0.1,
        queueUp: 0.1 * contextTokens,
        queueDown: 0,
        queueDownInclusive: true
      }
    case "load":
      return {
        kvUp: (config.decodeScaleUpKvRate ?? 0) / 100,
        kvDown: (config.decodeScaleDownKvRate ?? 0) / 100,
        queueUp: config.prefillScaleUpQueueTokens ?? 0,
        queueDown: config.prefillScaleDownQueueTokens ?? 0,
        upInclusive: true,
        downInclusive: true,
        queueDownInclusive: true
      }
    case "throughput":
    case "sla":
      return { ...exclusive, kvUp: 1, kvDown: 0.6, queueUp: contextTokens, queueDown: 0.1 * contextTokens }
  }
}

class ReferencePlanner {
  private readonly config: PlannerConfig
  private readonly pools: ReadonlyArray<PlannedPool>
  private readonly thresholds: ReadonlyArray<Thresholds>
  private readonly sla: SlaPlanner | undefined
  private readonly bounds: Bounds
  /** The pools at this tick. */
  private observed: ReadonlyArray<PoolSize> = []
  private readonly traffic = new TrafficMerge()
  private readonly ticksPerLoad: number
  private readonly ticksPerThroughput: number
  private tick = 0
  private scheduledS: number

  constructor(config: PlannerConfig, pools: ReadonlyArray<ScaledPool>, bounds: Bounds) {
    this.config = config
    this.bounds = bounds
    this.pools = pools.map((pool) => new PlannedPool(pool))
    this.thresholds = pools.map(({ kvTokens }) => thresholdsOf(config, kvTokens))
    this.sla = config.optimizationTarget === "sla" ? new SlaPlanner(config, pools) : undefined
    this.ticksPerLoad = Math.round(config.loadAdjustmentIntervalSeconds / config.scaleIntervalSeconds)
    this.ticksPerThroughput = config.enableThroughputScaling
      ? Math.round(config.throughputAdjustmentIntervalSeconds / config.scaleIntervalSeconds)
      : Infinity
    this.scheduledS = config.scaleIntervalSeconds
  }

  decide({ pools, traffic }: Observation): ScalingDecision {
    this.tick += 1
    this.observed = pools
    this.scheduledS += this.config.scaleIntervalSeconds
    const isLoadTick = this.tick % this.ticksPerLoad === 0
    const isThroughputTick = this.tick % this.ticksPerThroughput === 0
    this.traffic.add(traffic)
    this.pools.forEach((pool, index) => pool.observe(pools[index]!, isLoadTick))
    if (isLoadTick) this.sla?.learn(this.pools)
    if (isThroughputTick || (isLoadTick && !this.config.enableThroughputScaling))
      this.sla?.noteTraffic(this.traffic.take())
    const predicted = isThroughputTick ? this.sla?.byPrediction() : undefined
    const byLoad = isLoadTick && this.config.enableLoadScaling ? this.byLoad() : undefined
    const wanted = byLoad ?? (predicted === undefined ? undefined : this.clamped(predicted))
    return this.answer(pools, wanted)
  }

  /** What is asked for where it differs from what is there. */
  private answer(observed: ReadonlyArray<PoolObservation>, wanted: Wanted): ScalingDecision {
    const nextTickMs = this.scheduledS * 1000
    const differs = wanted !== undefined && wanted.some((workers, index) => workers !== observed[index]!.ready)
    const targets = differs ? this.clamped(wanted) : undefined
    this.pools.forEach((pool, index) => pool.settle(targets?.[index]))
    return {
      targets: Object.fromEntries((targets ?? []).map((workers, index) => [observed[index]!.role, workers])),
      nextTickMs
    }
  }

  private byLoad(): Wanted {
    const { pools } = this
    if (pools.every((pool) => pool.cache.size === 0)) return undefined
    if (pools.some((pool) => pool.isScaling || pool.isMismatched)) return undefined
    if (this.sla !== undefined) return this.clamped(this.sla.byLoad(pools))
    const steps = pools.map((pool, index) => this.stepOf(pool, this.thresholds[index]!))
    // An aggregated pool that the thresholds leave alone is left alone by the budget, too.
    if (pools.length === 1 && steps[0] === 0) return undefined
    return this.clamped(pools.map((pool, index) => stepped(pool.ready, steps[index]!, this.config.minEndpoint)))
  }

  private stepOf({ cache, kvTokens, ready, role }: PlannedPool, by: Thresholds): number {
    if (cache.size === 0) return 0
    const passes = cache.passes()
    if (role === "prefill")
      return stepByQueue(
        passes.map(({ queuedPrefillTokens }) => queuedPrefillTokens),
        ready,
        by
      )
    const use = role === "decode" ? decodeUse : aggregatedUse
    return stepByUse(
      passes.map((pass) => use(pass, kvTokens)),
      ready,
      by
    )
  }

  private clamped(wanted: ReadonlyArray<number>): ReadonlyArray<number> {
    return this.bounds(wanted, this.observed)
  }
}

/** The reference's: every worker counts as one GPU; never nobody while there is work. */
const referenceBounds = ({ maxGpuBudget, minEndpoint, minGpuBudget }: PlannerConfig): Bounds => {
  const budget: Budget = { most: maxGpuBudget, fewest: minGpuBudget, perPool: minEndpoint }
  return (wanted) => {
    const [first = 0, second] = wanted.map((workers) => Math.max(workers, budget.perPool))
    const clamped = second === undefined ? [clampOne(budget, first)] : clampTwo(budget, first, second)
    return clamped.map((workers) => Math.max(1, workers))
  }
}

const stepped = (workers: number, step: number, fewest: number): number =>
  step < 0 ? Math.max(workers - 1, fewest) : workers + step

/** An autoscaler that plans by this configuration, within bounds that may depend on the pools. */
export const planning = (
  name: string,
  config: PlannerConfig,
  boundsOf: (pools: ReadonlyArray<ScaledPool>) => Bounds
): AutoscalerShape => ({
  name,
  make: (pools): Decider => {
    const untimed = untimedPool(config, pools)
    const planner = new ReferencePlanner(config, pools, boundsOf(pools))
    return {
      firstTickMs: config.scaleIntervalSeconds * 1000,
      watchesPasses: true,
      decide: (observation) =>
        untimed === undefined ? Effect.sync(() => planner.decide(observation)) : Effect.fail(untimed)
    }
  }
})

/** An engine of one's own need not know how long its passes would take. */
const untimedPool = (
  { latencyModel, optimizationTarget }: PlannerConfig,
  pools: ReadonlyArray<ScaledPool>
): AutoscalerError | undefined => {
  const pool = pools.find(({ passEstimator }) => passEstimator === undefined)
  if (optimizationTarget !== "sla" || latencyModel !== "timing" || pool === undefined) return undefined
  return new AutoscalerError({
    problem:
      `the engine of the ${pool.role} pool cannot tell how long a pass would take (Engine.passEstimator): `
      + "give it one, or let latencies be learnt (latency_model: regression)"
  })
}

/** The reference's planner, as configured. */
export const layer = (config: PlannerConfig): Layer.Layer<never> =>
  Layer.succeed(
    Autoscaler,
    planning("reference", config, () => referenceBounds(config))
  )

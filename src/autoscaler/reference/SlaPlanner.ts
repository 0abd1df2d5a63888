/** Target `sla` of the reference's planner: its latency models, its predictors, and what they say about workers. */
import type { ScaledPool } from "../Autoscaler.ts"
import { capacity, type EstimatedPool } from "./Estimates.ts"
import type { LatencyModel } from "./LatencyModel.ts"
import type { PlannedPool } from "./PlannedPool.ts"
import type { PlannerConfig } from "./PlannerConfig.ts"
import { type Predictor, predictorOf } from "./Predictor.ts"
import { alone, combined, itlOpinion, type Objectives, ttftOpinion } from "./SlaLoad.ts"
import { RegressionModel } from "./RegressionModel.ts"
import { TimingLatency } from "./TimingLatency.ts"
import type { Traffic } from "./TrafficMerge.ts"

const estimatedPool = ({ kvTokens, maxNumBatchedTokens, maxNumSeqs, role }: ScaledPool): EstimatedPool => ({
  role,
  kvTokens,
  maxNumBatchedTokens: maxNumBatchedTokens ?? Infinity,
  maxNumSeqs: maxNumSeqs ?? Infinity
})

const latencyModel = (config: PlannerConfig, { passEstimator }: ScaledPool): LatencyModel =>
  config.latencyModel === "timing" && passEstimator !== undefined
    ? new TimingLatency(passEstimator(), config.maxNumFpmSamples)
    : new RegressionModel({
        most: config.maxNumFpmSamples,
        cells: config.fpmSampleBucketSize,
        fewest: config.loadMinObservations
      })

const nothing: Traffic = {
  durationS: 0,
  requests: 0,
  promptTokens: 0,
  outputTokens: 0,
  hitRate: 0,
  acceptLength: undefined
}

export class SlaPlanner {
  private readonly config: PlannerConfig
  private readonly pools: ReadonlyArray<EstimatedPool>
  private readonly models: ReadonlyArray<LatencyModel>
  private readonly requests: Predictor
  private readonly promptTokens: Predictor
  private readonly outputTokens: Predictor
  /** Fewest workers of each pool, from the last prediction. */
  private floors: ReadonlyArray<number>
  private traffic = nothing
  private lastPromptTokens = 0
  private lastOutputTokens = 0

  constructor(config: PlannerConfig, pools: ReadonlyArray<ScaledPool>) {
    this.config = config
    this.pools = pools.map(estimatedPool)
    this.models = pools.map((pool) => latencyModel(config, pool))
    const make = (): Predictor =>
      predictorOf({
        kind: config.loadPredictor === "kalman" ? "kalman" : "constant",
        log1p: config.loadPredictorLog1p,
        kalman: { level: config.kalmanQLevel, trend: config.kalmanQTrend, measured: config.kalmanR }
      })
    this.requests = make()
    this.promptTokens = make()
    this.outputTokens = make()
    // The reference knows of no floor before the first prediction.
    this.floors = pools.map(({ workers }) => (config.latencyModel === "timing" ? workers : 1))
  }

  /** All passes but the last of each worker in their order, then the last known of each, however old. */
  learn(pools: ReadonlyArray<PlannedPool>): void {
    pools.forEach((pool, index) => {
      const model = this.models[index]!
      const last = new Map(pool.latest.map((pass) => [pass.workerIndex, pass]))
      for (const pass of pool.latest) if (last.get(pass.workerIndex) !== pass) model.learn(pass)
      for (const pass of pool.cache.spelledOrder()) model.learn(pass)
    })
  }

  noteTraffic(traffic: Traffic): void {
    this.traffic = traffic
  }

  /** Workers that the next window needs; `undefined` when that cannot be told, or is only a floor for decisions by load. */
  byPrediction(): ReadonlyArray<number> | undefined {
    const { config, models, pools, traffic } = this
    if (traffic.requests > 0) {
      this.lastPromptTokens = traffic.promptTokens
      this.lastOutputTokens = traffic.outputTokens
    }
    this.requests.add(traffic.requests)
    this.promptTokens.add(this.lastPromptTokens)
    this.outputTokens.add(this.lastOutputTokens)
    const perSecond = this.requests.predict() / config.throughputAdjustmentIntervalSeconds
    const demand = {
      promptTokens: Math.ceil(this.promptTokens.predict()),
      outputTokens: Math.ceil(this.outputTokens.predict()),
      ...this.objectives()
    }
    const capacities = pools.map((pool, index) => capacity(models[index]!, pool, demand))
    if (capacities.includes(undefined)) return undefined
    const wanted = capacities.map((each) => Math.max(Math.ceil(perSecond / each!), config.minEndpoint))
    if (!config.enableLoadScaling) return wanted
    this.floors = wanted
    return undefined
  }

  /** Workers that the load of the last passes asks for; pools whose model knows nothing yet stay. */
  byLoad(planned: ReadonlyArray<PlannedPool>): ReadonlyArray<number> {
    const objectives = this.objectives()
    return planned.map(({ cache, ready }, index) => {
      const [model, pool] = [this.models[index]!, this.pools[index]!]
      if (!model.isReady || cache.size === 0) return ready
      const judged = { model, pool, passes: cache.passes(), workers: ready, objectives }
      const wanted =
        pool.role === "aggregated"
          ? combined(ttftOpinion(judged), itlOpinion(judged), ready)
          : alone(pool.role === "prefill" ? ttftOpinion(judged) : itlOpinion(judged), ready)
      return this.config.enableThroughputScaling ? Math.max(wanted, this.floors[index]!) : wanted
    })
  }

  private objectives(): Objectives {
    const { itlMs, loadScalingDownSensitivity, speculativeNextn, ttftMs } = this.config
    const { acceptLength = 1, hitRate } = this.traffic
    return {
      ttftMs,
      itlMs,
      margin: loadScalingDownSensitivity / 100,
      hitRate,
      acceptLength: Math.max(1, Math.min(acceptLength, 1 + speculativeNextn))
    }
  }
}

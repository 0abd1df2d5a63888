/**
 * Keeps the use of workers at a target, as horizontal autoscalers of clusters do: every pool follows the averages of a window of time
 * ({@link LoadWindow}), by the formulas of {@link wantedWorkers}, at the pace of {@link PoolScaler}, within a budget of GPUs.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  Autoscaler,
  type AutoscalerShape,
  type Decider,
  type Observation,
  type ScaledPool,
  type ScalingDecision
} from "../Autoscaler.ts"
import { withinGpus } from "../GpuBudget.ts"
import { PoolScaler } from "./PoolScaler.ts"
import type { SettingsError } from "../../settings/SettingsError.ts"
import {
  type GivenUtilisation,
  makeUtilisationConfig,
  policyOf,
  type UtilisationConfig
} from "./UtilisationSettings.ts"

class TargetUtilisation {
  private readonly config: UtilisationConfig
  private readonly pools: ReadonlyArray<ScaledPool>
  private readonly scalers: ReadonlyArray<PoolScaler>

  constructor(config: UtilisationConfig, pools: ReadonlyArray<ScaledPool>) {
    const timing = {
      windowMs: config.windowS * 1000,
      upCooldownMs: config.upCooldownS * 1000,
      downCooldownMs: config.downCooldownS * 1000
    }
    this.config = config
    this.pools = pools
    this.scalers = pools.map(({ role, workers }) => new PoolScaler(policyOf(config, role), timing, workers))
  }

  decide({ nowMs, pools, traffic }: Observation): ScalingDecision {
    const wishes = this.scalers.map((scaler, index) => scaler.wish(nowMs, pools[index]!, traffic))
    const currents = pools.map(({ ready, starting }) => ready + starting)
    const workers = withinGpus(
      this.pools.map(({ gpusPerWorker }, index) => ({
        gpus: pools[index]!.gpus,
        gpusPerWorker,
        current: currents[index]!,
        wanted: wishes[index]!.workers
      })),
      this.config.maxGpus ?? Number.POSITIVE_INFINITY
    )
    this.scalers.forEach((scaler, index) => scaler.settle(nowMs, workers[index]!))
    const changed = pools
      .map(({ role }, index) => ({ role, index }))
      .filter(({ index }) => workers[index] !== currents[index])
    return {
      targets: Object.fromEntries(changed.map(({ index, role }) => [role, workers[index]!])),
      nextTickMs: nowMs + this.config.intervalS * 1000,
      reason: Object.fromEntries(changed.map(({ index, role }) => [role, wishes[index]!.because]))
    }
  }
}

/** Keeps use at the targets that are given, with the defaults for the others. */
export const layer = (given: GivenUtilisation = {}): Layer.Layer<never, SettingsError> =>
  Layer.effect(Autoscaler)(Effect.map(Effect.fromResult(makeUtilisationConfig(given)), autoscalerOf))

const autoscalerOf = (config: UtilisationConfig): AutoscalerShape => ({
  name: "target-utilisation",
  make: (pools): Decider => {
    const scaler = new TargetUtilisation(config, pools)
    return {
      firstTickMs: config.intervalS * 1000,
      watchesPasses: true,
      watchesRequests: true,
      decide: (observation) => Effect.sync(() => scaler.decide(observation))
    }
  }
})

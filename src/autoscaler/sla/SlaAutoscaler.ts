/**
 * Keeps objectives for latencies: the reference's planner with target `sla`, but by the engine's own timing model, which needs no
 * warm-up, and within a budget of real GPUs.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SettingsError } from "../../settings/SettingsError.ts"
import { Autoscaler, type ScaledPool } from "../Autoscaler.ts"
import { withinGpus } from "../GpuBudget.ts"
import { type Bounds, planning } from "../reference/ReferencePlanner.ts"
import { type GivenSla, makeSlaConfig, plannerConfigOf, type SlaConfig } from "./SlaSettings.ts"

const boundsOf =
  (
    { maxGpus = Number.POSITIVE_INFINITY, maxWorkers, minWorkers }: SlaConfig,
    pools: ReadonlyArray<ScaledPool>
  ): Bounds =>
  (wanted, observed) =>
    withinGpus(
      pools.map(({ gpusPerWorker }, pool) => ({
        gpus: observed[pool]!.gpus,
        gpusPerWorker,
        current: observed[pool]!.ready + observed[pool]!.starting,
        wanted: Math.min(maxWorkers, Math.max(minWorkers, wanted[pool]!))
      })),
      maxGpus
    )

/** Keeps the objectives that are given, with the defaults for the others. */
export const layer = (given: GivenSla = {}): Layer.Layer<never, SettingsError> =>
  Layer.effect(Autoscaler)(
    Effect.map(Effect.fromResult(makeSlaConfig(given)), (config) =>
      planning("sla", plannerConfigOf(config), (pools) => boundsOf(config, pools))
    )
  )

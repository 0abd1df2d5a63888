/**
 * How workers are wired on the live clock: equal ones behind a router, or a prefill and a decode pool. The online counterpart of
 * simulation/Topology.ts.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { Engine } from "../engine/Engine.ts"
import { type PoolRole, Router } from "../router/Router.ts"
import { check } from "../settings/Decode.ts"
import type { SettingsError } from "../settings/SettingsError.ts"
import { DecodePool, handoffOf, mostBlocks, PrefillPool } from "../simulation/Topology.ts"
import { disaggregatedSettings, multiSettings } from "../simulation/PoolSizes.ts"
import { AggregatedDeployment } from "./AggregatedDeployment.ts"
import type { Deployment, DeploymentOptions } from "./Deployment.ts"
import { DisaggregatedDeployment } from "./DisaggregatedDeployment.ts"
import type { DisaggregationUnsupported } from "../simulation/ReplayError.ts"

/** A pool as it is at the start. */
export interface LivePool {
  readonly role: PoolRole
  readonly workers: number
  readonly args: EngineArgs
  /** The groups of its workers; one without a name where all are equal. */
  readonly groups: ReadonlyArray<{ readonly name: string | undefined; readonly args: EngineArgs }>
}

const livePool = (role: LivePool["role"], engine: Engine["Service"], workers: number): LivePool => ({
  role,
  workers,
  args: engine.args,
  groups: engine.mix?.groups.map((group) => ({ name: group.name, args: group.engine.args })) ?? [
    { name: undefined, args: engine.args }
  ]
})

/** What is deployed on the live clock: its pools, and how it is started. */
export class LiveTopology extends Context.Service<
  LiveTopology,
  {
    /** One pool, or prefill and decode. */
    readonly pools: readonly [LivePool, ...ReadonlyArray<LivePool>]
    /** Tokens per KV block of the workers that decode. */
    readonly blockTokens: number
    /** The most blocks that a worker can hold. */
    readonly capacityBlocks: number
    /** Builds a deployment; it lives as long as the scope. */
    readonly make: (options: DeploymentOptions) => Effect.Effect<Deployment, never, Scope.Scope>
  }
>()("dynosim/online/LiveTopology") {}

/** `workers` equal workers behind the router, one included. */
export const layerAggregated = (options: {
  readonly workers: number
}): Layer.Layer<LiveTopology, SettingsError, Engine | Router> =>
  Layer.effect(LiveTopology)(
    Effect.gen(function* () {
      yield* Effect.fromResult(check(multiSettings, options))
      const engine = yield* Engine
      const router = yield* Router
      return LiveTopology.of({
        pools: [livePool("aggregated", engine, options.workers)],
        blockTokens: engine.args.blockTokens,
        capacityBlocks: mostBlocks(engine),
        make: (run) => AggregatedDeployment.make({ engine, router, workers: options.workers }, run)
      })
    })
  )

/** A pool that computes prompts and a pool that decodes them, with a KV transfer in between. */
export const layerDisaggregated = (options: {
  readonly prefillWorkers: number
  readonly decodeWorkers: number
}): Layer.Layer<LiveTopology, DisaggregationUnsupported | SettingsError, PrefillPool | DecodePool> =>
  Layer.effect(LiveTopology)(
    Effect.gen(function* () {
      const { decodeWorkers, prefillWorkers } = options
      yield* Effect.fromResult(check(disaggregatedSettings, { prefillWorkers, decodeWorkers }))
      const prefill = { ...(yield* PrefillPool), workers: prefillWorkers }
      const decode = { ...(yield* DecodePool), workers: decodeWorkers }
      const handoff = yield* handoffOf(prefill.engine, decode.engine)
      return LiveTopology.of({
        pools: [
          livePool("prefill", prefill.engine, prefill.workers),
          livePool("decode", decode.engine, decode.workers)
        ],
        blockTokens: decode.engine.args.blockTokens,
        capacityBlocks: mostBlocks(prefill.engine, decode.engine),
        make: (run) => DisaggregatedDeployment.make({ prefill, decode, ...handoff }, run)
      })
    })
  )

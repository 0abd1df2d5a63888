/**
 * Who decides how many workers there are: asked at ticks in simulated time, answers with targets and the time of the next tick.
 *
 * An autoscaler is a service like a router. What it knows from one tick to the next is made for each run ({@link Autoscaler.make}),
 * so runs under one layer share nothing. Its decision is an Effect: it runs in the context that the layer was built in, on the
 * run's clock, and may sleep; its failure is the run's. The default scales nothing and costs nothing.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { PassEstimator } from "../engine/PassEstimate.ts"
import type { PoolRole } from "../router/Router.ts"
import { AutoscalerError } from "./AutoscalerError.ts"

export type { PoolRole }

/** One scheduler iteration of a worker, as it looked when it was computed. Known from its end on. */
export interface PassObservation {
  readonly workerIndex: number
  readonly startMs: number
  readonly endMs: number
  /** Requests that compute prompt tokens in it, and all tokens that it computes for them. */
  readonly prefillRequests: number
  readonly prefillTokens: number
  /** Requests that only decode in it, and their prompt and output tokens before it. */
  readonly decodeRequests: number
  readonly decodeKvTokens: number
  /** Share of the worker's KV blocks that requests hold. */
  readonly kvShare: number
  /** Requests that wait and were never admitted, and their prompt tokens. */
  readonly queuedPrefillRequests: number
  readonly queuedPrefillTokens: number
  /** Requests that wait with tokens of theirs computed, here (preempted) or elsewhere (handed over), and those tokens. */
  readonly queuedDecodeRequests: number
  readonly queuedDecodeKvTokens: number
}

/** How many workers of a pool are in which state. Workers that have left are not counted. */
export interface PoolSize {
  readonly role: PoolRole
  /** Take requests. */
  readonly ready: number
  readonly starting: number
  /** Finish what they have. */
  readonly draining: number
  /** Requests that wait in front of the workers. */
  readonly parked: number
  /** Of workers that are ready or starting. */
  readonly gpus: number
}

/** A pool at a tick, and what its workers did since the last one. */
export interface PoolObservation extends PoolSize {
  /** Passes that ended since the last tick, in the order of their ends; empty unless {@link Decider.watchesPasses}. */
  readonly passes: ReadonlyArray<PassObservation>
}

/** A request that was served to its end. */
export interface ServedRequest {
  readonly ttftMs: number
  /** `undefined` where there was only one token. */
  readonly meanItlMs: number | undefined
}

/** What came and was served since the last tick. Means over nothing are 0. */
export interface TrafficWindow {
  readonly durationS: number
  /** Requests that arrived, and their mean prompt tokens. */
  readonly arrivals: number
  readonly meanArrivedTokens: number
  /** Requests completed, and their mean prompt and output tokens. */
  readonly requests: number
  readonly meanPromptTokens: number
  readonly meanOutputTokens: number
  /** Mean of the times to first token that are above 0. */
  readonly meanTtftMs: number
  /** Mean over requests of several tokens of each one's mean inter-token latency. */
  readonly meanItlMs: number
  /** Output tokens per decode step of a request; `undefined` when there were none. */
  readonly meanAcceptLength: number | undefined
  readonly decodeSteps: number
  /** Output tokens of all requests; 0 unless {@link Decider.watchesPasses}. */
  readonly emittedTokens: number
  /** Mean share of a prompt's blocks that the router expected to find cached, over requests placed by a KV-aware router. */
  readonly meanHitRate: number
  readonly routedRequests: number
  /** Times to first token of the requests that got theirs, and the requests that completed; empty unless {@link Decider.watchesRequests}. */
  readonly ttftsMs: ReadonlyArray<number>
  readonly served: ReadonlyArray<ServedRequest>
}

/** What a decider is shown at a tick: state now, traffic since the last tick. Times in simulated ms. */
export interface Observation {
  readonly nowMs: number
  /** One pool, or prefill and decode. */
  readonly pools: ReadonlyArray<PoolObservation>
  readonly traffic: TrafficWindow
}

/** What a decider answers at a tick. */
export interface ScalingDecision {
  /** Workers wanted by pool, draining ones not counted; a pool that is left out stays as it is. */
  readonly targets: Readonly<Partial<Record<PoolRole, number>>>
  /** When to ask again, ms; `undefined` for never. A time that is not ahead is never reached. */
  readonly nextTickMs: number | undefined
  /** Why, in all pools or by pool, for the record of scaling events; by default `scale_up` or `scale_down`. */
  readonly reason?: string | Readonly<Partial<Record<PoolRole, string>>>
}

/** The autoscaler of one run. */
export interface Decider {
  readonly firstTickMs: number
  /** Passes are kept for it between ticks, and decode steps are counted. Default: they are not. */
  readonly watchesPasses?: boolean
  /** Latencies of requests are kept for it, one by one. Default: they are not. */
  readonly watchesRequests?: boolean
  readonly decide: (observation: Observation) => Effect.Effect<ScalingDecision, AutoscalerError>
}

/** A pool at the start of a run, for those who want to know what they scale. */
export interface ScaledPool {
  readonly role: PoolRole
  readonly workers: number
  /** GPUs of all of these workers. */
  readonly gpus: number
  /** From here on, where workers differ, of those that are added. */
  readonly gpusPerWorker: number
  /** Tokens of one pass, and requests that run at a time; `undefined` without a limit. */
  readonly maxNumBatchedTokens: number | undefined
  readonly maxNumSeqs: number | undefined
  /** KV tokens of one worker, and of one block. */
  readonly kvTokens: number
  readonly blockTokens: number
  /** The router of the pool knows what its workers cache. */
  readonly routedByCache: boolean
  /** How long passes of its workers would take; absent where the engine cannot tell. */
  readonly passEstimator?: () => PassEstimator
}

/** What the service {@link Autoscaler} offers: a factory of deciders, one per run. */
export interface AutoscalerShape {
  readonly name: string
  /** The autoscaler of a run over these pools; `undefined` when nothing is scaled. */
  readonly make: (pools: ReadonlyArray<ScaledPool>) => Decider | undefined
}

/** The autoscaler of a run; {@link none} where no layer says otherwise. */
export const Autoscaler = Context.Reference<AutoscalerShape>("dynosim/autoscaler/Autoscaler", {
  defaultValue: () => none
})

/** The workers that there are at the start stay. */
export const none: AutoscalerShape = { name: "none", make: () => undefined }

/** Nothing is scaled, also where an outer layer would. */
export const layerNone: Layer.Layer<never> = Layer.succeed(Autoscaler, none)

/** How an autoscaler of one's own decides, with what it needs from its context and how it may fail. */
export interface OwnDecider<E, R> extends Omit<Decider, "decide"> {
  readonly decide: (observation: Observation) => Effect.Effect<ScalingDecision, E, R>
}

/** An autoscaler of one's own: `make` is called for every run, `decide` runs in the context of this layer. */
export const layer = <E, R>(
  name: string,
  make: (pools: ReadonlyArray<ScaledPool>) => OwnDecider<E, R>
): Layer.Layer<never, never, R> =>
  Layer.effect(Autoscaler)(
    Effect.map(Effect.context<R>(), (context) => ({
      name,
      make: (pools: ReadonlyArray<ScaledPool>): Decider => {
        const own = make(pools)
        return {
          ...own,
          decide: (observation) =>
            // The context is that of this layer, but the time is the run's.
            Effect.flatMap(Clock.Clock, (clock) =>
              own.decide(observation).pipe(
                Effect.provideService(Clock.Clock, clock),
                Effect.provideContext(context),
                Effect.mapError((error) => new AutoscalerError({ problem: `autoscaler ${name}: ${String(error)}` }))
              )
            )
        }
      }
    }))
  )

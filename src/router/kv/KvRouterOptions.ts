/** What the KV router is configured with; the names are those of `--router-config`. */
import type { QueuePolicy } from "../../config/EngineArgs.ts"
import type { RouterContext } from "../Router.ts"
import type { TieBreak } from "./Choice.ts"
import type { PolicyProfile } from "./PolicyProfile.ts"
import type { PrefillEstimator } from "./PrefillLoad.ts"

export interface KvRouterOptions {
  /** Share of a cached block that its cost is relieved of, 0 to 1. */
  readonly overlapScoreCredit: number
  readonly overlapScoreCreditDecay: number
  readonly prefillLoadScale: number
  /** 0 takes the cheapest worker; above it, a softmax draw over normalised costs. */
  readonly routerTemperature: number
  readonly routerTrackActiveBlocks: boolean
  /** Whether equal prompt blocks of concurrent requests count once per worker. */
  readonly routerAssumeKvReuse: boolean
  readonly routerTrackPrefillTokens: boolean
  /** Multiple of a pass's token budget above which a worker is busy; `null` never parks a request. */
  readonly routerQueueThreshold: number | null
  readonly routerQueuePolicy: QueuePolicy
  /** Profile of the policy file; `undefined` without one. */
  readonly policyProfile: PolicyProfile | undefined
  /** Present for `router_prefill_load_model: "aic"`: outstanding prefills count down at the estimated pace. */
  readonly prefillEstimator: PrefillEstimator | undefined
  /** Seed of ties and of the softmax draw, an integer. */
  readonly seed: bigint | number
  readonly tieBreak: TieBreak
}

/** The reference's defaults; seed 0. */
export const defaultKvRouterOptions: KvRouterOptions = {
  overlapScoreCredit: 1,
  overlapScoreCreditDecay: 0,
  prefillLoadScale: 1,
  routerTemperature: 0,
  routerTrackActiveBlocks: true,
  routerAssumeKvReuse: true,
  routerTrackPrefillTokens: true,
  routerQueueThreshold: 16,
  routerQueuePolicy: "fcfs",
  policyProfile: undefined,
  prefillEstimator: undefined,
  seed: 0,
  tieBreak: "random"
}

/** What the options mean for one side of a disaggregated run: prefill workers hold no blocks, decode workers no prefills. */
export const optionsForRole = (options: KvRouterOptions, role: RouterContext["role"]): KvRouterOptions => {
  switch (role) {
    case "aggregated":
      return options
    case "prefill":
      return { ...options, routerTrackActiveBlocks: false }
    case "decode":
      return {
        ...options,
        overlapScoreCredit: 0,
        routerAssumeKvReuse: false,
        routerTrackPrefillTokens: false,
        prefillEstimator: undefined
      }
  }
}

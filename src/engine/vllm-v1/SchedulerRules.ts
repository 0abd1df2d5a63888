/**
 * In what the schedulers of the vLLM V1 releases differ: one named switch per rule, one value per release.
 *
 * Everything else (block pool with duplicates, admission gate, chunking, asynchronous pipeline) is the same in all of them.
 * Release by release, each was compared with the scheduler classes of that release, decision by decision (docs/accuracy.md).
 */

/** What a release lets its user choose; asking a release for an option that it lacks is refused. */
export interface OptionalRules {
  /** `scheduler_reserve_full_isl`: admission waits until the whole known sequence fits, not only its first share. */
  readonly fullSequenceReservation: boolean
  /** `watermark`: a share of the pool that admissions leave free. */
  readonly watermark: boolean
  /** `long_prefill_token_threshold_adaptive`: the cap per request grows with the budget that each request could have. */
  readonly adaptiveShareCap: boolean
  /** `prefill_schedule_interval`: prefills only in every n-th executed call while others decode. */
  readonly prefillInterval: boolean
  /** `max_num_active_seqs`: an admission limit below `max_num_seqs`. */
  readonly activeSequenceLimit: boolean
}

export interface SchedulerRules {
  /** Release of vLLM whose decisions these are. */
  readonly vllmVersion: string
  readonly options: OptionalRules
  /**
   * Where released blocks without an identity go in the queue of free blocks: to its front, so that they are handed out before any
   * cached block, or behind everything that was released earlier.
   */
  readonly unidentifiedBlocksGoTo: "front" | "back"
  /** A request that is alone in the engine gets its whole prefill at once, whatever `long_prefill_token_threshold` says. */
  readonly loneRequestIsUncapped: boolean
  /** Under `policy: priority`, a request that had to preempt itself ends the pass for the running requests behind it. */
  readonly selfPreemptionEndsServing: boolean
  /**
   * Under `policy: priority`, the request behind a victim that had no share in this call yet is passed over in this call, because the
   * position in the list of running requests is not moved back.
   */
  readonly unservedVictimSkipsNext: boolean
}

const vllm033: SchedulerRules = {
  vllmVersion: "0.33.0",
  options: {
    fullSequenceReservation: true,
    watermark: true,
    adaptiveShareCap: true,
    prefillInterval: true,
    activeSequenceLimit: true
  },
  unidentifiedBlocksGoTo: "front",
  loneRequestIsUncapped: true,
  selfPreemptionEndsServing: false,
  unservedVictimSkipsNext: false
}

const vllm025: SchedulerRules = {
  vllmVersion: "0.25.1",
  options: {
    fullSequenceReservation: true,
    watermark: true,
    adaptiveShareCap: false,
    prefillInterval: false,
    activeSequenceLimit: false
  },
  unidentifiedBlocksGoTo: "front",
  loneRequestIsUncapped: false,
  selfPreemptionEndsServing: true,
  unservedVictimSkipsNext: true
}

const vllm017: SchedulerRules = {
  vllmVersion: "0.17.1",
  options: {
    fullSequenceReservation: false,
    watermark: false,
    adaptiveShareCap: false,
    prefillInterval: false,
    activeSequenceLimit: false
  },
  unidentifiedBlocksGoTo: "back",
  loneRequestIsUncapped: false,
  selfPreemptionEndsServing: true,
  unservedVictimSkipsNext: true
}

/** The releases whose decisions were compared, by the name of their engine profile. */
export const schedulerRules = { "vllm-0.33": vllm033, "vllm-0.25": vllm025, "vllm-0.17": vllm017 } as const

export type VllmProfileName = keyof typeof schedulerRules

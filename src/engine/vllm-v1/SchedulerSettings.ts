/** What the scheduler of one worker is told, every default filled in. Names in brackets are vLLM's own. */
export interface SchedulerSettings {
  /** Tokens per KV block (`block_size`). */
  readonly blockTokens: number
  /** KV blocks that can be handed out (`num_gpu_blocks`, without vLLM's null block). */
  readonly usableBlocks: number
  /** Prompt plus output tokens at which a request ends (`max_model_len`); at most what the pool holds. */
  readonly maxModelTokens: number
  /** Running requests up to which waiting ones are admitted (`max_num_active_seqs`, else `max_num_seqs`). */
  readonly maxActiveRequests: number
  /** Token budget of a call (`max_num_scheduled_tokens`, else `max_num_batched_tokens`). */
  readonly maxScheduledTokens: number
  readonly enablePrefixCaching: boolean
  readonly enableChunkedPrefill: boolean
  /** Admission waits until the whole known sequence fits (`scheduler_reserve_full_isl`). */
  readonly reservesFullSequence: boolean
  /** Blocks that an admission leaves free while others run (`watermark` times the pool, null block included, rounded down). */
  readonly watermarkBlocks: number
  /** Most tokens of one request per call, 0 for no limit (`long_prefill_token_threshold`). */
  readonly shareCapTokens: number
  /** The cap grows to an even share of the budget (`long_prefill_token_threshold_adaptive`). */
  readonly adaptiveShareCap: boolean
  /** Prefills only in every n-th executed call while others decode (`prefill_schedule_interval`). */
  readonly prefillInterval: number
  /** Order of waiting requests and choice of victims (`policy`). */
  readonly policy: "fcfs" | "priority"
  /** The next batch is decided while one executes (`async_scheduling`). */
  readonly asynchronous: boolean
  /** Batches decided and not delivered at most: 2 where deciding overlaps with executing, else 1. */
  readonly outstandingBatches: number
  /** Cached blocks at the end of a hit that are computed again: 1 where draft tokens need hidden states of them. */
  readonly recomputedHitBlocks: number
  /** Time is also charged for computing generated tokens again after a preemption. */
  readonly chargesRecompute: boolean
}

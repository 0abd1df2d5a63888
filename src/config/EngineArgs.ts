/** Validated engine arguments: every default filled in, every null resolved. */
export type EngineType = "vllm" | "sglang" | "trtllm"
export type WorkerType = "aggregated" | "prefill" | "decode"
export type PreemptionMode = "lifo" | "fifo"
export type QueuePolicy = "fcfs" | "lcfs" | "wspt"
export type TransferTimingMode = "full_prompt" | "destination_missing"

export interface SglangArgs {
  readonly schedulePolicy: "fcfs" | "lpm"
  readonly maxPrefillTokens: number
  readonly chunkedPrefillTokens: number
  readonly clipMaxNewTokens: number
  readonly scheduleConservativeness: number
}

/** The `aic_*` arguments of one engine, present when `aic_backend` is set. */
export interface AicArgs {
  readonly backend: string
  readonly system: string | undefined
  readonly backendVersion: string | undefined
  readonly modelPath: string | undefined
  readonly tpSize: number
  readonly moeTpSize: number | undefined
  readonly moeEpSize: number | undefined
  readonly attentionDpSize: number
  readonly gemmDtype: string | undefined
  readonly moeDtype: string | undefined
  readonly fmhaDtype: string | undefined
  readonly kvCacheDtype: string | undefined
  readonly commDtype: string | undefined
  /** `num_gpu_blocks` was not given: the KV pool has the size that the model leaves room for. */
  readonly sizesKvPool: boolean
}

/** Multi-token prediction: how many draft tokens, and how likely each is accepted. */
export interface MtpArgs {
  /** Acceptance probability per draft position; its length is the number of draft tokens. */
  readonly acceptRates: ReadonlyArray<number>
  /** Unsigned 64-bit seed; a worker adds its index. */
  readonly seed: bigint
}

export interface EngineArgs {
  readonly engineType: EngineType
  readonly workerType: WorkerType
  /** KV pool capacity in blocks. */
  readonly numGpuBlocks: number
  /** Tokens per KV block (`block_size`), engine default applied. */
  readonly blockTokens: number
  /** Running requests; `Infinity` when unlimited. */
  readonly maxNumSeqs: number
  /** Token budget of a pass; `Infinity` when unlimited. */
  readonly maxNumBatchedTokens: number
  readonly enablePrefixCaching: boolean
  readonly enableChunkedPrefill: boolean
  readonly preemptionMode: PreemptionMode
  /** 0 means unscaled, like 1. */
  readonly speedupRatio: number
  readonly decodeSpeedupRatio: number
  readonly dpSize: number
  readonly startupTimeS: number
  readonly mtp: MtpArgs | undefined
  readonly aic: AicArgs | undefined
  /** GPUs one worker occupies: `aic_tp_size * aic_attention_dp_size`. */
  readonly gpusPerWorker: number
  readonly gpuMemoryUtilization: number | undefined
  readonly memFractionStatic: number | undefined
  readonly freeGpuMemoryFraction: number | undefined
  readonly plannerProfileData: string | undefined
  /** File with an AIC configuration that is not shipped; the same as giving it to the whole run. */
  readonly aicBundle: string | undefined
  readonly kvBytesPerToken: number | undefined
  readonly kvTransferBandwidthGbS: number | undefined
  readonly kvTransferTimingMode: TransferTimingMode
  readonly routerQueuePolicy: QueuePolicy | undefined
  readonly sglang: SglangArgs
  /** Keys given by the user that cannot change an offline result, in the order given. */
  readonly inertKeys: ReadonlyArray<string>
}

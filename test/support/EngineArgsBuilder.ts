/** Engine arguments for tests: the vLLM defaults, with what a test cares about changed. */
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"

const vllmDefaults: EngineArgs = {
  engineType: "vllm",
  workerType: "aggregated",
  numGpuBlocks: 16384,
  blockTokens: 64,
  maxNumSeqs: 256,
  maxNumBatchedTokens: 8192,
  enablePrefixCaching: true,
  enableChunkedPrefill: true,
  preemptionMode: "lifo",
  speedupRatio: 1,
  decodeSpeedupRatio: 1,
  dpSize: 1,
  startupTimeS: 0,
  mtp: undefined,
  aic: undefined,
  gpusPerWorker: 1,
  gpuMemoryUtilization: undefined,
  memFractionStatic: undefined,
  freeGpuMemoryFraction: undefined,
  plannerProfileData: undefined,
  aicBundle: undefined,
  kvBytesPerToken: undefined,
  kvTransferBandwidthGbS: undefined,
  kvTransferTimingMode: "full_prompt",
  routerQueuePolicy: undefined,
  sglang: {
    schedulePolicy: "fcfs",
    maxPrefillTokens: 16384,
    chunkedPrefillTokens: 8192,
    clipMaxNewTokens: 4096,
    scheduleConservativeness: 1
  },
  inertKeys: []
}

export const engineArgs = (changes: Partial<EngineArgs> = {}): EngineArgs => ({ ...vllmDefaults, ...changes })

/** One SGLang-style worker under the eyes of a test: round numbers instead of a timing model, everything it says on record. */
import { type EngineArgs } from "../../../src/engine/EngineArgs.ts"
import { TokenGaps } from "../../../src/engine/TokenGaps.ts"
import { SglangDecodeWorker } from "../../../src/engine/sglang/SglangDecodeWorker.ts"
import { SglangPrefillWorker } from "../../../src/engine/sglang/SglangPrefillWorker.ts"
import { SglangWorker } from "../../../src/engine/sglang/SglangWorker.ts"
import type { SimRequest } from "../../../src/request/SimRequest.ts"
import type { TimingModel } from "../../../src/timing/Timing.ts"
import { engineArgs } from "../../support/EngineArgsBuilder.ts"

type Arguments = Partial<Omit<EngineArgs, "sglang">> & { readonly sglang?: Partial<EngineArgs["sglang"]> }

/** 1 ms per new prompt token. */
export const prefillMs = (batch: number, meanIsl: number, meanPrefix: number): number => batch * (meanIsl - meanPrefix)
export const decodeMs = 10

const timing: TimingModel = { prefillMs, decodeMs: () => decodeMs }

/** Pages of 4 tokens, 16 of them, unless said otherwise. */
export const sglangArgs = ({ sglang, ...changes }: Arguments): EngineArgs => {
  const defaults = engineArgs({ engineType: "sglang", blockTokens: 4, numGpuBlocks: 16, ...changes })
  return { ...defaults, sglang: { ...defaults.sglang, ...sglang } }
}

const onRecord = () => {
  const announced: Array<string> = []
  const gaps = new TokenGaps()
  const probed: Array<string> = []
  const probe = {
    evicted: (blocks: number) => void probed.push(`evicted ${blocks}`),
    preempted: ({ id }: SimRequest) => void probed.push(`preempted ${id}`)
  }
  const kvEvents = {
    stored: (block: number) => void announced.push(`+${block}`),
    removed: (block: number) => void announced.push(`-${block}`)
  }
  return { announced, gaps, probed, context: { workerIndex: 0, gaps, kvEvents, probe } }
}

export const spawn = (changes: Arguments) => {
  const { context, ...record } = onRecord()
  return { ...record, worker: new SglangWorker(sglangArgs(changes), timing, context) }
}

export const spawnSource = (changes: Arguments) => {
  const { context, ...record } = onRecord()
  return {
    ...record,
    worker: new SglangPrefillWorker(sglangArgs({ ...changes, workerType: "prefill" }), timing, context)
  }
}

export const spawnDestination = (changes: Arguments) => {
  const { context, ...record } = onRecord()
  return {
    ...record,
    worker: new SglangDecodeWorker(sglangArgs({ ...changes, workerType: "decode" }), timing, context)
  }
}

/** A word where loading KV from host memory takes longer than computing it. */
import { PassTiming } from "../engine/PassTiming.ts"
import { tierArgsOf } from "../engine/tiers/TierArgs.ts"
import type { DeployedGroup } from "./Deployment.ts"

/** Prompt that both are asked for: long enough that what a pass costs in any case does not decide. */
const typicalTokens = 2048

const ms = (value: number): string => `${Math.round(value * 10) / 10} ms`

/** Nothing for pools that load nothing, or only what is faster. */
export const slowLoadNote = ({ engine: { args }, role, timing }: DeployedGroup): ReadonlyArray<string> => {
  const tiers = tierArgsOf(args)
  if (tiers === undefined || tiers.onlyFaster || role === "decode") return []
  const { blockTokens, maxNumBatchedTokens, numGpuBlocks } = args
  const tokens = Math.min(typicalTokens, maxNumBatchedTokens, numGpuBlocks * blockTokens)
  const blocks = Math.floor(tokens / blockTokens)
  if (blocks === 0 || tiers.hostToDeviceGbS === 0) return []
  const promptTokens = blocks * blockTokens
  const loadMs = tiers.latencyMs + (blocks * tiers.blockBytes) / (tiers.hostToDeviceGbS * 1e6)
  const computeMs = new PassTiming(args, timing.make()).prefillMs({
    batchPrompts: 1,
    meanIslTokens: promptTokens,
    meanPrefixTokens: 0
  })
  if (loadMs <= computeMs) return []
  return [
    `${role} pool: loading ${promptTokens} tokens from host memory takes ${ms(loadMs)}, computing them ${ms(computeMs)}: tiers make requests `
      + "wait longer; onboard: faster computes where that is sooner"
  ]
}

/**
 * What it costs, in blocks, to give a request to a worker: prefill work queued there and held blocks, less what the
 * worker's cache saves. Pure; the order of the f64 operations is the reference's and decides exact ties.
 *
 * The reference's formula also has host-tier, disk-tier and shared-cache credits and a taint factor; a replay of it
 * supplies none of them, and adding their zeros changes no bit. Those of tiers come with `router_tier_events`.
 */
export interface CostWeights {
  readonly blockTokens: number
  readonly overlapScoreCredit: number
  /** How fast the credit fades as the worker's prefill load exceeds the pool's smallest; 0 = never. */
  readonly overlapScoreCreditDecay: number
  readonly prefillLoadScale: number
  readonly trackPrefillTokens: boolean
}

/**
 * Cost of the prefill part. Token counts are whole numbers; `minActiveTokens` is the smallest load of the pool, `tierCreditBlocks` what
 * blocks in tiers below the device are worth. Only full blocks of
 * the prompt overlap, so what is cached is part of it; the reference takes it off and adds it again, which is exact.
 */
export const prefillCost = (
  weights: CostWeights,
  promptTokens: number,
  activeTokens: number,
  minActiveTokens: number,
  overlapBlocks: number,
  tierCreditBlocks = 0
): number => {
  const { blockTokens, overlapScoreCreditDecay } = weights
  const rawTokens = weights.trackPrefillTokens ? activeTokens + promptTokens : 0
  let decay = 1
  if (weights.trackPrefillTokens && overlapScoreCreditDecay > 0) {
    const excessBlocks = Math.max(0, activeTokens - minActiveTokens) / blockTokens
    const promptBlocks = Math.max(1, Math.ceil(promptTokens / blockTokens))
    decay = 1 / (1 + overlapScoreCreditDecay * (excessBlocks / promptBlocks))
  }
  const creditBlocks = weights.overlapScoreCredit * decay * overlapBlocks + tierCreditBlocks
  const blocks = rawTokens / blockTokens - creditBlocks
  return weights.prefillLoadScale * (blocks > 0 ? blocks : 0)
}

/** Cost of the decode part: blocks that the worker would hold with the request, of which `sharedBlocks` are held already. */
export const decodeCost = (activeBlocks: number, sequenceBlocks: number, sharedBlocks: number): number =>
  activeBlocks + (sequenceBlocks - sharedBlocks)

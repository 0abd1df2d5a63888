/**
 * What target `sla` asks of a latency model: when the next request would get its first token on a worker, how long a decode step there
 * takes, and how many requests per second a worker can serve within the objectives.
 */
import type { PassObservation } from "../Autoscaler.ts"
import type { LatencyModel } from "./LatencyModel.ts"

/** A pool as far as estimates need it. */
export interface EstimatedPool {
  /** Whether its workers prefill, decode, or both. */
  readonly role: "prefill" | "decode" | "aggregated"
  /** `Infinity` without a limit. */
  readonly maxNumBatchedTokens: number
  readonly maxNumSeqs: number
  readonly kvTokens: number
}

/** Share of a prompt that is computed whatever is expected to be cached. */
const leastComputed = 0.05

const roundedToNs = (ms: number): number => Math.round(ms * 1e6) / 1e6

/** Time for `tokens` prompt tokens, in passes of at most the budget, beside a decode load; `undefined` when the model cannot tell. */
const chunkedMs = (
  model: LatencyModel,
  { maxNumBatchedTokens, role }: EstimatedPool,
  tokens: number,
  decoding: { readonly requests: number; readonly kvTokens: number }
): number | undefined => {
  const passMs = (chunk: number): number | undefined =>
    role === "prefill" || (decoding.requests === 0 && decoding.kvTokens === 0)
      ? model.prefillMs(chunk)
      : model.mixedMs(chunk, decoding)
  const full = Math.floor(tokens / maxNumBatchedTokens)
  const rest = full === 0 ? tokens : tokens - full * maxNumBatchedTokens
  const fullMs = full === 0 ? 0 : passMs(maxNumBatchedTokens)
  const restMs = rest === 0 ? 0 : passMs(rest)
  return fullMs === undefined || restMs === undefined ? undefined : full * roundedToNs(fullMs) + roundedToNs(restMs)
}

export interface TtftQuery {
  /** Factors of the queue and of the decode load, as if other workers were not there. */
  readonly queueScale: number
  readonly decodeScale: number
  readonly withQueuedDecode: boolean
  /** Share of prompts that is expected to be cached. */
  readonly hitRate: number
}

/** Time until the next request has its first token on this worker, ms. */
export const ttftMs = (
  model: LatencyModel,
  pool: EstimatedPool,
  pass: PassObservation,
  { decodeScale, hitRate, queueScale, withQueuedDecode }: TtftQuery
): number | undefined => {
  const queued = pass.queuedPrefillTokens * queueScale + model.means.meanPromptTokens
  const tokens = Math.ceil(queued * (1 - Math.min(Math.max(hitRate, 0), 1 - leastComputed)))
  if (tokens === 0) return 0
  const kvTokens = pass.decodeKvTokens + (withQueuedDecode ? pass.queuedDecodeKvTokens : 0)
  const requests = pass.decodeRequests + (withQueuedDecode ? pass.queuedDecodeRequests : 0)
  return chunkedMs(model, pool, tokens, { requests, kvTokens: Math.ceil(kvTokens * decodeScale) })
}

export interface ItlQuery {
  readonly scale: number
  /** Requests that wait for their prefill decode, too. */
  readonly withQueuedPrefill: boolean
  /** Tokens per decode step of a request. */
  readonly acceptLength: number
}

/** Time between two tokens on this worker, with one request more, ms. */
export const itlMs = (
  model: LatencyModel,
  { role }: EstimatedPool,
  pass: PassObservation,
  { acceptLength, scale, withQueuedPrefill }: ItlQuery
): number | undefined => {
  const context = model.means.meanContextTokens
  const one = context > 0 ? 1 : 0
  const requests =
    pass.decodeRequests + pass.queuedDecodeRequests + (withQueuedPrefill ? pass.queuedPrefillRequests : 0)
  const kvTokens = pass.decodeKvTokens + pass.queuedDecodeKvTokens + (withQueuedPrefill ? pass.queuedPrefillTokens : 0)
  const load = { requests: Math.ceil(requests * scale + one), kvTokens: Math.ceil(kvTokens * scale + context) }
  const prefillTokens = role === "aggregated" ? Math.ceil(model.means.meanPassPrefillTokens) : 0
  const stepMs = prefillTokens > 0 ? model.mixedMs(prefillTokens, load) : model.decodeMs(load)
  return stepMs === undefined ? undefined : roundedToNs(stepMs) / acceptLength
}

/** A request as it will be on average, and what is asked of a worker. */
export interface Demand {
  readonly promptTokens: number
  readonly outputTokens: number
  readonly hitRate: number
  readonly acceptLength: number
  readonly ttftMs: number
  readonly itlMs: number
}

interface Candidate {
  readonly requestsPerSecond: number
  readonly isEligible: boolean
}

/** Batch sizes that are tried: all of up to 128, otherwise 128 of them, evenly spread. */
const triedSizes = 128

const candidates = (most: number): ReadonlyArray<number> =>
  most <= triedSizes
    ? Array.from({ length: most }, (_, index) => index + 1)
    : Array.from({ length: triedSizes }, (_, index) => 1 + Math.floor((index * (most - 1)) / (triedSizes - 1)))

/** Requests per second that a worker can serve; `undefined` when the model cannot tell. */
export const capacity = (model: LatencyModel, pool: EstimatedPool, demand: Demand): number | undefined => {
  let best: Candidate | undefined
  for (const size of candidates(mostTogether(pool, demand))) {
    const candidate = { prefill: prefillCandidate, decode: decodeCandidate, aggregated: aggregatedCandidate }[
      pool.role
    ](model, pool, demand, size)
    if (candidate !== undefined && isBetter(candidate, best)) best = candidate
  }
  return best === undefined || !(best.requestsPerSecond > 0) ? undefined : best.requestsPerSecond
}

const isBetter = (candidate: Candidate, best: Candidate | undefined): boolean => {
  if (best === undefined || (candidate.isEligible && !best.isEligible)) return true
  return candidate.isEligible === best.isEligible && candidate.requestsPerSecond > best.requestsPerSecond
}

const computedPrompt = ({ hitRate, promptTokens }: Demand): number =>
  Math.max(1, Math.ceil(promptTokens * (1 - Math.min(Math.max(hitRate, 0), 1 - leastComputed))))

const contextOf = ({ outputTokens, promptTokens }: Demand): number => promptTokens + Math.floor(outputTokens / 2)

const mostTogether = (pool: EstimatedPool, demand: Demand): number => {
  const { kvTokens, maxNumBatchedTokens, maxNumSeqs } = pool
  if (pool.role === "prefill") {
    return Math.max(
      1,
      Math.min(maxNumSeqs, Math.floor(Math.min(maxNumBatchedTokens, kvTokens) / computedPrompt(demand)))
    )
  }
  const most = Math.min(maxNumSeqs, Math.floor(kvTokens / Math.max(1, contextOf(demand))))
  return pool.role === "decode" ? most : Math.min(most, Math.max(1, maxNumBatchedTokens - 1))
}

const prefillCandidate = (
  model: LatencyModel,
  pool: EstimatedPool,
  demand: Demand,
  size: number
): Candidate | undefined => {
  const ms = chunkedMs(model, pool, size * computedPrompt(demand), { requests: 0, kvTokens: 0 })
  return ms === undefined ? undefined : { requestsPerSecond: size / (ms / 1000), isEligible: ms <= demand.ttftMs }
}

const decodeCandidate = (
  model: LatencyModel,
  _pool: EstimatedPool,
  demand: Demand,
  size: number
): Candidate | undefined => {
  const stepMs = model.decodeMs({ requests: size, kvTokens: size * contextOf(demand) })
  if (stepMs === undefined) return undefined
  const ms = roundedToNs(stepMs) / demand.acceptLength
  return { requestsPerSecond: size / (demand.outputTokens * (ms / 1000)), isEligible: ms <= demand.itlMs }
}

/** Every pass prefills as much as keeps up with what its requests decode. */
const aggregatedCandidate = (
  model: LatencyModel,
  pool: EstimatedPool,
  demand: Demand,
  size: number
): Candidate | undefined => {
  const { acceptLength, outputTokens } = demand
  const { maxNumBatchedTokens } = pool
  const prompt = computedPrompt(demand)
  const prefillTokens = Math.ceil((size * acceptLength * prompt) / outputTokens)
  if (prefillTokens > maxNumBatchedTokens - size) return undefined
  const kvTokens = size * contextOf(demand)
  const stepMs = model.mixedMs(Math.min(maxNumBatchedTokens, prefillTokens), { requests: size, kvTokens })
  const firstMs = chunkedMs(model, pool, prefillTokens + prompt, { requests: size, kvTokens })
  if (stepMs === undefined || firstMs === undefined) return undefined
  const ms = roundedToNs(stepMs) / acceptLength
  return {
    requestsPerSecond: size / (outputTokens * (ms / 1000)),
    isEligible: ms <= demand.itlMs && firstMs <= demand.ttftMs
  }
}

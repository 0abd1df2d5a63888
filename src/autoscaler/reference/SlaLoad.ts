/**
 * Target `sla`, by load: one worker more when every worker's estimate misses the objective, one less when the others would still keep
 * it with a margin.
 */
import type { PassObservation } from "../Autoscaler.ts"
import { type EstimatedPool, itlMs, ttftMs } from "./Estimates.ts"
import type { LatencyModel } from "./LatencyModel.ts"

export interface Objectives {
  readonly ttftMs: number
  readonly itlMs: number
  /** Share of an objective that one worker less must keep. */
  readonly margin: number
  readonly hitRate: number
  readonly acceptLength: number
}

/** `stay` was refused to be one less; `none` is no opinion. */
export type Opinion = "up" | "down" | "stay" | "none"

interface Judged {
  readonly model: LatencyModel
  readonly pool: EstimatedPool
  readonly passes: ReadonlyArray<PassObservation>
  readonly workers: number
  readonly objectives: Objectives
}

const opinionOf = (
  estimates: ReadonlyArray<number | undefined>,
  objective: number,
  workers: number,
  canDoWithout: () => boolean
): Opinion => {
  const known = estimates.filter((estimate) => estimate !== undefined)
  if (known.length === 0 || known.length < estimates.length) return "none"
  if (known.every((estimate) => estimate > objective)) return "up"
  if (workers <= 1) return "none"
  return canDoWithout() ? "down" : "stay"
}

export const ttftOpinion = ({ model, objectives, passes, pool, workers }: Judged): Opinion => {
  const { hitRate, margin } = objectives
  const isAggregated = pool.role === "aggregated"
  const ask = (pass: PassObservation, queueScale: number, decodeScale: number, withQueuedDecode: boolean) =>
    ttftMs(model, pool, pass, { queueScale, decodeScale, withQueuedDecode, hitRate })
  const without = workers / (workers - 1)
  const decodeScale = isAggregated ? without : 1
  return opinionOf(
    passes.map((pass) => ask(pass, 1, 1, false)),
    objectives.ttftMs,
    workers,
    () =>
      passes.every((pass) => {
        const own = ask(pass, 0, decodeScale, isAggregated)
        const all = ask(pass, without, decodeScale, isAggregated)
        if (own === undefined || all === undefined) return false
        const budget = (objectives.ttftMs - own) * margin
        return budget > 0 && all - own < budget
      })
  )
}

export const itlOpinion = ({ model, objectives, passes, pool, workers }: Judged): Opinion => {
  const { acceptLength, margin } = objectives
  const isAggregated = pool.role === "aggregated"
  const ask = (pass: PassObservation, scale: number, withQueuedPrefill: boolean) =>
    itlMs(model, pool, pass, { scale, withQueuedPrefill, acceptLength })
  const without = workers / (workers - 1)
  return opinionOf(
    passes.map((pass) => ask(pass, 1, false)),
    objectives.itlMs,
    workers,
    () =>
      passes.every((pass) => {
        const queued = isAggregated ? pass.queuedPrefillTokens : 0
        const tokens = Math.trunc((pass.decodeKvTokens + pass.queuedDecodeKvTokens + queued) * without)
        const estimate = ask(pass, without, isAggregated)
        return tokens < pool.kvTokens && estimate !== undefined && estimate < objectives.itlMs * margin
      })
  )
}

/** Workers that an aggregated pool should have: prefill first, and both must agree on one less. */
export const combined = (prefill: Opinion, decode: Opinion, workers: number): number => {
  if (prefill === "up" || decode === "up") return workers + 1
  return decode === "down" && (prefill === "down" || prefill === "none") ? workers - 1 : workers
}

export const alone = (opinion: Opinion, workers: number): number =>
  opinion === "up" ? workers + 1 : opinion === "down" ? workers - 1 : workers

/**
 * How many workers each input asks for. Of two kinds:
 *
 * - *uses* are proportional to the load: `ceil(workers' worth in use / target)`, and no change within the tolerance around what is there;
 * - *limits* are not: beyond the limit `ceil(workers · min(value / limit, 2))`, between half of it and the limit no change. Below half a
 *   limit has nothing against fewer; where no use says how many, it asks for one less. A queue that shrinks and workers that are
 *   starting are waited for.
 *
 * The input that asks for most decides.
 */
import type { ServedRequest } from "../Autoscaler.ts"
import type { LoadWindow } from "./LoadWindow.ts"
import { percentile } from "./Percentile.ts"
import type { PoolPolicy } from "./UtilisationSettings.ts"

export interface Wish {
  readonly workers: number
  /** The input, its value and its target. */
  readonly because: string
}

export interface PoolState {
  readonly ready: number
  readonly starting: number
}

/** At most so many times as many workers at once, however far a limit is exceeded. */
const mostGrowth = 2
/** Share of a limit below which there may be a worker less. */
const calmShare = 0.5

/** Three digits, and no exponent for what is large. */
const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

const byUse = (name: string, inUse: number, target: number | null, current: number, tolerance: number): Array<Wish> => {
  if (target === null) return []
  const exact = inUse / target
  const isNear = current > 0 && Math.abs(exact / current - 1) <= tolerance
  const use = current === 0 ? inUse : inUse / current
  return [{ workers: isNear ? current : Math.ceil(exact), because: `${name} ${shown(use)} for ${target}` }]
}

/** `excess` is a value as a share of its limit. */
const limited = (excess: number, current: number, mayGrow: boolean): number => {
  if (excess <= 1) return excess < calmShare ? current - 1 : current
  return mayGrow ? Math.ceil(Math.max(1, current) * Math.min(excess, mostGrowth)) : current
}

const byLimit = (
  name: string,
  value: number | undefined,
  limit: number | null | undefined,
  current: number,
  mayGrow: boolean
): Array<Wish> =>
  limit === null || limit === undefined || value === undefined
    ? []
    : [{ workers: limited(value / limit, current, mayGrow), because: `${name} ${shown(value)} for ${limit}` }]

const isGood = ({ meanItlMs, ttftMs }: ServedRequest, policy: PoolPolicy): boolean =>
  (policy.ttftMs === undefined || ttftMs <= policy.ttftMs)
  && (policy.itlMs === undefined || meanItlMs === undefined || meanItlMs <= policy.itlMs)

const byGoodShare = (window: LoadWindow, policy: PoolPolicy, current: number, mayGrow: boolean): Array<Wish> => {
  const { goodShare, itlMs, ttftMs } = policy
  const { served } = window
  if (goodShare === undefined || served.length === 0 || (ttftMs === undefined && itlMs === undefined)) return []
  const share = served.filter((request) => isGood(request, policy)).length / served.length
  // What is not good is held against what may be not good.
  const workers = limited((1 - share) / (1 - goodShare), current, mayGrow)
  return [{ workers, because: `good_share ${shown(share)} for ${goodShare}` }]
}

const byLatency = (window: LoadWindow, policy: PoolPolicy, current: number, mayGrow: boolean): ReadonlyArray<Wish> => {
  if (policy.goodShare !== undefined) return byGoodShare(window, policy, current, mayGrow)
  const { itlMs, latencyPercentile, ttftMs } = policy
  return [
    ...(ttftMs === undefined
      ? []
      : byLimit(
          `p${latencyPercentile} ttft_ms`,
          percentile(window.ttftsMs, latencyPercentile),
          ttftMs,
          current,
          mayGrow
        )),
    ...(itlMs === undefined
      ? []
      : byLimit(`p${latencyPercentile} itl_ms`, percentile(window.gapsMs, latencyPercentile), itlMs, current, mayGrow))
  ]
}

/** What the inputs of the policy ask for; the greatest wish, the first one of equals. */
export const wantedWorkers = (policy: PoolPolicy, window: LoadWindow, { ready, starting }: PoolState): Wish => {
  const current = ready + starting
  const { busyShare, kvUse, queuedRequests, requestsPerSecond, tolerance } = policy
  const mayGrow = starting === 0 && !window.queueShrinks
  const uses = [
    ...byUse("kv_use", window.kvWorkers, kvUse, current, tolerance),
    ...byUse("busy_share", window.busyWorkers, busyShare, current, tolerance),
    ...byUse("requests_per_second", window.arrivalsPerSecond, requestsPerSecond, current, tolerance)
  ]
  const limits = [
    ...byLimit("queued_requests", window.waiting / Math.max(1, ready), queuedRequests, current, mayGrow),
    ...byLatency(window, policy, current, mayGrow)
  ]
  const heard = uses.length === 0 ? limits : [...uses, ...limits.filter(({ workers }) => workers >= current)]
  const nothing: Wish = { workers: current, because: "no target" }
  return heard.reduce((most, wish) => (wish.workers > most.workers ? wish : most), heard[0] ?? nothing)
}

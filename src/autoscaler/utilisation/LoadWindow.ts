/**
 * What a pool did over the last ticks, as averages over time: a sliding window that starts anew when the number of workers changes,
 * because what was measured with another number says little about this one.
 */
import type { PassObservation, PoolObservation, ServedRequest, TrafficWindow } from "../Autoscaler.ts"
import type { Weighted } from "./Percentile.ts"

/** One tick's worth; amounts are sums over workers, in seconds of the thing. */
interface Tick {
  readonly endMs: number
  readonly durationS: number
  /** KV shares of passes and the time that passes took, each weighted by the pass's duration. */
  readonly kvSeconds: number
  readonly busySeconds: number
  readonly waitingSeconds: number
  readonly arrivals: number
  readonly ttftsMs: ReadonlyArray<number>
  /** Time between two tokens of a request, and how many came so. */
  readonly gaps: ReadonlyArray<Weighted>
  readonly served: ReadonlyArray<ServedRequest>
}

const sumOf = (passes: ReadonlyArray<PassObservation>, value: (pass: PassObservation) => number): number =>
  passes.reduce((sum, pass) => sum + (value(pass) * (pass.endMs - pass.startMs)) / 1000, 0)

const tickOf = (nowMs: number, { parked, passes }: PoolObservation, traffic: TrafficWindow): Tick => ({
  endMs: nowMs,
  durationS: traffic.durationS,
  kvSeconds: sumOf(passes, ({ kvShare }) => kvShare),
  busySeconds: sumOf(passes, () => 1),
  waitingSeconds:
    sumOf(passes, ({ queuedDecodeRequests, queuedPrefillRequests }) => queuedDecodeRequests + queuedPrefillRequests)
    + parked * traffic.durationS,
  arrivals: traffic.arrivals,
  ttftsMs: traffic.ttftsMs,
  gaps: passes
    .filter(({ decodeRequests }) => decodeRequests > 0)
    .map(({ decodeRequests, endMs, startMs }) => ({
      value: (endMs - startMs) / (traffic.meanAcceptLength ?? 1),
      weight: decodeRequests
    })),
  served: traffic.served
})

export class LoadWindow {
  private readonly windowMs: number
  private ticks: Array<Tick> = []

  constructor(windowMs: number) {
    this.windowMs = windowMs
  }

  restart(): void {
    this.ticks = []
  }

  add(nowMs: number, pool: PoolObservation, traffic: TrafficWindow): void {
    this.ticks.push(tickOf(nowMs, pool, traffic))
    const firstMs = nowMs - this.windowMs
    this.ticks = this.ticks.filter(({ endMs }) => endMs > firstMs)
  }

  /** Workers' worth of KV in use. */
  get kvWorkers(): number {
    return this.perSecond(({ kvSeconds }) => kvSeconds)
  }

  /** Workers that computed at a time. */
  get busyWorkers(): number {
    return this.perSecond(({ busySeconds }) => busySeconds)
  }

  /** Requests that waited at a time. */
  get waiting(): number {
    return this.perSecond(({ waitingSeconds }) => waitingSeconds)
  }

  get arrivalsPerSecond(): number {
    return this.perSecond(({ arrivals }) => arrivals)
  }

  /** Fewer waited in the last tick than in the first one. */
  get queueShrinks(): boolean {
    const [first, last] = [this.ticks[0], this.ticks.at(-1)]
    if (first === undefined || last === undefined) return false
    return last.waitingSeconds * first.durationS < first.waitingSeconds * last.durationS
  }

  get ttftsMs(): ReadonlyArray<Weighted> {
    return this.ticks.flatMap(({ ttftsMs }) => ttftsMs.map((value) => ({ value, weight: 1 })))
  }

  get gapsMs(): ReadonlyArray<Weighted> {
    return this.ticks.flatMap(({ gaps }) => gaps)
  }

  get served(): ReadonlyArray<ServedRequest> {
    return this.ticks.flatMap(({ served }) => served)
  }

  private perSecond(value: (tick: Tick) => number): number {
    const seconds = this.ticks.reduce((sum, { durationS }) => sum + durationS, 0)
    return seconds === 0 ? 0 : this.ticks.reduce((sum, tick) => sum + value(tick), 0) / seconds
  }
}

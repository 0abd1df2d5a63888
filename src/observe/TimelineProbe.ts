/**
 * The timeline of a run: passes of every worker with its state, and the stages of every request.
 *
 * It is kept in memory until the end of the run, within a size: when what there is would fill more than `maxBytes` of text, every
 * second request is let go, or passes are joined two by two, and again. {@link TimelineProbe.sampling} says how far that went.
 */
import type { PassesAhead } from "../engine/PassesAhead.ts"
import type { PassOutcome } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { PoolRole, ProbedRun, ProbedWorker, RunEnd, RunProbe } from "../simulation/RunProbe.ts"
import { LiveRequests } from "./LiveRequests.ts"
import { PassGroups } from "./PassGroups.ts"
import { endOf, type Preemption, RequestSpans } from "./RequestSpans.ts"

/** What part of a run is drawn; all of it by default. */
export interface TimelineOptions {
  /** Only what overlaps this part of simulated time, ms. */
  readonly fromMs?: number
  readonly untilMs?: number
  /** Only every so many-th request, by the order of arrival. */
  readonly everyRequests?: number
  /** Text that the timeline may fill. */
  readonly maxBytes?: number
}

export const defaultTimelineBytes = 50_000_000

/** Text of a group of passes with its counters, and of a request, on average; measured. */
const bytesPerGroup = 300
const bytesPerRequest = 750

export interface WorkerTimeline {
  readonly role: PoolRole
  readonly workerIndex: number
  readonly groups: PassGroups
}

const roles: ReadonlyArray<PoolRole> = ["aggregated", "prefill", "decode"]

const byPlace = (one: WorkerTimeline, other: WorkerTimeline): number =>
  roles.indexOf(one.role) - roles.indexOf(other.role) || one.workerIndex - other.workerIndex

const noWorkers = (): Record<PoolRole, Array<WorkerTimeline | undefined>> => ({
  aggregated: [],
  prefill: [],
  decode: []
})

/** Gathers the passes of workers and the spans of requests, for a timeline. */
export class TimelineProbe implements RunProbe {
  readonly workers: Array<WorkerTimeline> = []
  requests = new RequestSpans()
  /** Those of {@link workers} by their index in the pool. */
  private byRole = noWorkers()
  /** Requests of the timeline that have not ended. */
  private live = new LiveRequests()
  /** Of those, by number; most have none. */
  private readonly preemptions = new Map<number, Array<Preemption>>()
  private readonly fromMs: number
  private readonly untilMs: number
  private readonly maxBytes: number
  private readonly everyGiven: number
  private everyRequests: number
  private passesPerGroup = 1
  private groups = 0

  constructor(options: TimelineOptions = {}) {
    this.fromMs = options.fromMs ?? 0
    this.untilMs = options.untilMs ?? Number.POSITIVE_INFINITY
    this.maxBytes = options.maxBytes ?? defaultTimelineBytes
    this.everyGiven = options.everyRequests ?? 1
    this.everyRequests = this.everyGiven
  }

  /** Which requests are there (every so many-th), and how many passes are drawn as one. */
  get sampling(): { readonly everyRequests: number; readonly passesPerGroup: number } {
    return { everyRequests: this.everyRequests, passesPerGroup: this.passesPerGroup }
  }

  /** Each worker has a track of its own. */
  outOfTurnUntilMs(): number {
    return Number.POSITIVE_INFINITY
  }

  worker(): WorkerProbe {
    return {
      preempted: ({ id }, nowMs) => {
        if (this.live.has(id)) this.preempted(id, nowMs)
      },
      admitted: ({ id }, nowMs) => {
        if (this.preemptions.size === 0) return
        const last = this.preemptions.get(id)?.at(-1)
        if (last?.endMs === Number.POSITIVE_INFINITY) last.endMs = nowMs
      }
    }
  }

  start(): void {
    this.workers.length = 0
    this.requests = new RequestSpans()
    this.byRole = noWorkers()
    this.live = new LiveRequests()
    this.preemptions.clear()
    this.everyRequests = this.everyGiven
    this.passesPerGroup = 1
    this.groups = 0
  }

  arrival(request: SimRequest): void {
    if (request.id % this.everyRequests === 0) this.live.add(request)
  }

  pass(worker: ProbedWorker, startMs: number, outcome: PassOutcome): void {
    const { endMs, progressed } = outcome
    if ((!progressed && endMs === startMs) || endMs < this.fromMs || startMs > this.untilMs) return
    const { groups } = this.timelineOf(worker)
    const before = groups.length
    groups.add(worker.core, startMs, outcome)
    this.keepGroups(groups.length - before)
  }

  passesAhead(worker: ProbedWorker, ahead: PassesAhead): void {
    let pass = 0
    let until = ahead.count
    while (pass < until && ahead.ends[pass]! < this.fromMs) pass += 1
    while (pass < until && ahead.startOf(until - 1) > this.untilMs) until -= 1
    if (pass === until) return
    const { groups } = this.timelineOf(worker)
    while (pass < until) {
      const before = groups.length
      pass = groups.addAhead(worker.core, ahead, pass, until, this.groupsUntilFull())
      this.keepGroups(groups.length - before)
    }
  }

  /** What starts again waits since it arrived; nothing is drawn of what was lost. */
  lost({ id }: SimRequest, _: number, again: SimRequest | undefined): void {
    if (again === undefined || !this.live.has(id)) return
    this.live.add(again)
    this.preemptions.delete(id)
  }

  record(request: SimRequest, nowMs: number): void {
    const live = this.live.take(request.id)
    if (live !== undefined) this.keep(live, nowMs)
  }

  end(_: ProbedRun, { nowMs }: RunEnd): void {
    for (const live of this.live.takeAll()) this.keep(live, nowMs)
  }

  private preempted(id: number, nowMs: number): void {
    const preemption = { startMs: nowMs, endMs: Number.POSITIVE_INFINITY }
    const before = this.preemptions.get(id)
    if (before === undefined) this.preemptions.set(id, [preemption])
    else before.push(preemption)
  }

  private keep(request: SimRequest, nowMs: number): void {
    const preemptions = this.preemptions.get(request.id)
    if (preemptions !== undefined) this.preemptions.delete(request.id)
    if (request.id % this.everyRequests !== 0) return
    if (endOf(request, nowMs) < this.fromMs || request.arrivalMs > this.untilMs) return
    this.requests.add(request, nowMs, preemptions)
    this.keepWithin()
  }

  private timelineOf({ role, workerIndex }: ProbedWorker): WorkerTimeline {
    return this.byRole[role][workerIndex] ?? this.addTimeline(role, workerIndex)
  }

  private addTimeline(role: PoolRole, workerIndex: number): WorkerTimeline {
    const timeline = { role, workerIndex, groups: new PassGroups(this.passesPerGroup) }
    this.byRole[role][workerIndex] = timeline
    this.workers.push(timeline)
    this.workers.sort(byPlace)
    return timeline
  }

  /** How many groups may begin before there is too much; one where that is so already. */
  private groupsUntilFull(): number {
    const roomBytes = this.maxBytes - this.requests.length * bytesPerRequest
    return Math.max(1, Math.floor(roomBytes / bytesPerGroup) - this.groups + 1)
  }

  /** So many groups have begun. */
  private keepGroups(begun: number): void {
    if (begun === 0) return
    this.groups += begun
    this.keepWithin()
  }

  /** Lets go of half of whatever takes more of the room, while there is too much. */
  private keepWithin(): void {
    const passBytes = this.groups * bytesPerGroup
    const requestBytes = this.requests.length * bytesPerRequest
    if (passBytes + requestBytes <= this.maxBytes) return
    if (requestBytes > passBytes) this.halveRequests()
    else this.joinPasses()
  }

  private halveRequests(): void {
    this.everyRequests *= 2
    this.requests.keepEvery(this.everyRequests)
  }

  private joinPasses(): void {
    this.passesPerGroup *= 2
    this.groups = 0
    for (const { groups } of this.workers) {
      groups.join()
      this.groups += groups.length
    }
  }
}

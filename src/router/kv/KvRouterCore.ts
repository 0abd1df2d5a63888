/**
 * The KV-aware router of one pool: sends each request where prefill work queued, blocks held and cache overlap
 * cost the least, and keeps requests back while every worker is busy.
 *
 * The prefix index follows the engines' cache events; the load follows the request's life: it is added when the
 * request goes to a worker, its prefill part ends with the first token, the rest when it is freed. Overlaps are measured
 * when a request arrives and stay as they were while it is parked.
 */
import type { MarkBlocks } from "../../request/BlockIdentity.ts"
import type { KvEventSink, TierEventSinks } from "../../engine/KvEvents.ts"
import { empty } from "../../structures/Emptied.ts"
import { Pcg32 } from "../../structures/Pcg32.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import type { Placement, PoolRole, RouterContext, RouterCore } from "../Router.ts"
import { ActiveRequests } from "./ActiveRequests.ts"
import { minima, pickSoftmax, pickTied } from "./Choice.ts"
import { type CostWeights, decodeCost, prefillCost } from "./Cost.ts"
import { type KvRouterOptions, optionsForRole } from "./KvRouterOptions.ts"
import { LoadTracker } from "./LoadTracker.ts"
import { singleClassProfile } from "./PolicyProfile.ts"
import { PrefixIndex } from "./PrefixIndex.ts"
import { DecayingPrefillLoad, PlainPrefillLoad, type PrefillLoad } from "./PrefillLoad.ts"
import { TierIndex } from "./TierIndex.ts"
import { RouterQueue } from "./RouterQueue.ts"
import { emptyObjects } from "../../structures/EmptyObjects.ts"

/** A choice about to be made, for those who watch or replace it. */
export interface RoutingDecision {
  readonly request: SimRequest
  readonly nowMs: number
  /** Which pool's router decides. */
  readonly role: PoolRole
  /** Cost of each worker. */
  readonly costs: ReadonlyArray<number>
  /** Workers at exactly the smallest cost, ascending. */
  readonly minima: ReadonlyArray<number>
}

/** Called at every admission; a worker index replaces the router's own choice, `undefined` leaves it. */
export type DecisionHook = (decision: RoutingDecision) => number | undefined

/** Random streams: the two routers of a disaggregated run draw independently. */
const streams: Readonly<Record<PoolRole, number>> = { aggregated: 0, prefill: 1, decode: 2 }

export class KvRouterCore implements RouterCore {
  readonly readsCachesToRoute = true
  private readonly options: KvRouterOptions
  private readonly role: PoolRole
  private readonly weights: CostWeights
  private readonly hook: DecisionHook | undefined
  private readonly random: Pcg32
  /** `undefined` for a pool whose cache nobody looks at. */
  private readonly index: PrefixIndex | undefined
  /** Of tiers below the devices, where it listens to them. */
  private readonly tiers: TierIndex | undefined
  private readonly tracker: LoadTracker
  private readonly prefills: PrefillLoad
  private readonly queue: RouterQueue
  private readonly active = new ActiveRequests()
  private readonly released = emptyObjects<Placement>()
  private releasedTaken = 0
  private prefillTokens: Float64Array
  private overlaps: Int32Array
  private depths: Int32Array
  private costs: Float64Array
  private softmaxWeights: Float64Array
  private tied: Int32Array
  /** Who may not be sent requests, by index; `undefined` while everybody may. */
  private barred: Uint8Array | undefined
  /** How many may be. */
  private eligibleWorkers: number

  constructor(options: KvRouterOptions, context: RouterContext, hook?: DecisionHook) {
    const { blockTokens, role, workers } = context
    const own = optionsForRole(options, role)
    this.options = own
    this.role = role
    this.weights = {
      blockTokens,
      overlapScoreCredit: own.overlapScoreCredit,
      overlapScoreCreditDecay: own.overlapScoreCreditDecay,
      prefillLoadScale: own.prefillLoadScale,
      trackPrefillTokens: own.routerTrackPrefillTokens
    }
    this.hook = hook
    this.random = new Pcg32(own.seed, streams[role])
    this.index = role === "decode" ? undefined : new PrefixIndex()
    this.tiers =
      own.routerTierEvents && role !== "decode"
        ? new TierIndex({ host: own.hostCacheHitWeight, disk: own.diskCacheHitWeight })
        : undefined
    this.tracker = new LoadTracker(workers)
    this.prefills =
      own.prefillEstimator === undefined
        ? new PlainPrefillLoad(workers)
        : new DecayingPrefillLoad(workers, own.prefillEstimator)
    this.prefillTokens = new Float64Array(workers)
    const profile =
      own.policyProfile ?? singleClassProfile(context.queuePolicy ?? own.routerQueuePolicy, own.routerQueueThreshold)
    this.queue = new RouterQueue(profile, context.maxNumBatchedTokens, this.prefillTokens, context.capacityOf)
    this.overlaps = new Int32Array(workers)
    this.depths = new Int32Array(workers)
    this.costs = new Float64Array(workers)
    this.softmaxWeights = new Float64Array(workers)
    this.tied = new Int32Array(workers)
    this.eligibleWorkers = workers
  }

  eligible(workers: ReadonlyArray<number>): void {
    const known = Math.max(this.costs.length, (workers.at(-1) ?? -1) + 1)
    if (known > this.costs.length) this.grow(known)
    const barred = new Uint8Array(known).fill(1)
    for (const worker of workers) barred[worker] = 0
    this.barred = workers.length === known ? undefined : barred
    this.eligibleWorkers = workers.length
    this.queue.follow(workers.length, this.prefillTokens)
  }

  removed(worker: number): void {
    this.index?.remove(worker)
    this.tiers?.remove(worker)
    this.tracker.removeWorker(worker)
    this.active.removeWorker(worker)
  }

  retry(nowMs: number): void {
    if (this.eligibleWorkers > 0) this.drain(nowMs)
  }

  get parked(): number {
    return this.queue.size
  }

  parkedRequests(): Iterable<SimRequest> {
    return this.queue.requests()
  }

  /** Throws {@link QueueLimitReached} when the request would be parked in a full policy class. */
  route(request: SimRequest, nowMs: number): number {
    this.readPrefills(nowMs)
    const { barred, overlaps } = this
    this.index?.overlaps(request.blocks, this.promptBlocks(request), overlaps)
    if (barred !== undefined) barred.forEach((bar, worker) => bar === 1 && (overlaps[worker] = 0))
    let bestOverlap = 0
    for (let worker = 0; worker < overlaps.length; worker++) {
      if (overlaps[worker]! > bestOverlap) bestOverlap = overlaps[worker]!
    }
    if (this.queue.park(request, overlaps, bestOverlap * this.weights.blockTokens, nowMs)) return -1
    return this.admit(request, overlaps, nowMs)
  }

  prefillDone(request: SimRequest, nowMs: number): void {
    const slot = this.active.find(request.id)
    if (slot !== 0) this.endPrefill(slot, nowMs)
    this.drain(nowMs)
  }

  freed(request: SimRequest, nowMs: number): void {
    const slot = this.active.find(request.id)
    if (slot !== 0) {
      this.endPrefill(slot, nowMs)
      if (this.options.routerTrackActiveBlocks) this.unload(slot)
      this.active.remove(slot)
    }
    this.drain(nowMs)
  }

  takeReleased(): Placement | undefined {
    if (this.released.length === 0) return undefined
    const placement = this.released[this.releasedTaken]
    if (placement === undefined) {
      empty(this.released)
      this.releasedTaken = 0
      return undefined
    }
    this.releasedTaken += 1
    return placement
  }

  kvEvents(workerIndex: number): KvEventSink | undefined {
    return this.index?.sink(workerIndex)
  }

  tierEvents(workerIndex: number): TierEventSinks | undefined {
    return this.tiers?.sinks(workerIndex)
  }

  markBlocks(mark: MarkBlocks): void {
    this.index?.markBlocks(mark)
    this.tiers?.markBlocks(mark)
    this.tracker.markBlocks(mark)
    this.queue.markBlocks(mark)
  }

  /** Outstanding prefill tokens; `Infinity` for those who may not be sent requests. */
  private readPrefills(nowMs: number): void {
    const { barred, prefillTokens } = this
    this.prefills.read(nowMs, prefillTokens)
    if (barred === undefined) return
    for (let worker = 0; worker < barred.length; worker++) if (barred[worker] === 1) prefillTokens[worker] = Infinity
  }

  private grow(workers: number): void {
    this.tracker.grow(workers)
    this.prefills.grow(workers)
    this.prefillTokens = new Float64Array(workers)
    this.overlaps = new Int32Array(workers)
    this.depths = new Int32Array(workers)
    this.costs = new Float64Array(workers)
    this.softmaxWeights = new Float64Array(workers)
    this.tied = new Int32Array(workers)
  }

  /** Lets parked requests go for as long as some worker may take one; each admission counts for the next. */
  private drain(nowMs: number): void {
    while (this.queue.size > 0 && this.eligibleWorkers > 0) {
      this.readPrefills(nowMs)
      const parked = this.queue.release()
      if (parked === undefined) return
      const { overlaps, request } = parked
      this.released.push({ request, workerIndex: this.admit(request, overlaps, nowMs) })
    }
  }

  /** Chooses the worker and loads it. `prefillTokens` is current. */
  private admit(request: SimRequest, overlaps: Int32Array, nowMs: number): number {
    const { options, weights } = this
    const blockCount = options.routerTrackActiveBlocks ? this.promptBlocks(request) : 0
    this.computeCosts(request, overlaps, blockCount)
    const worker = this.choose(request, nowMs)
    const cachedTokens = Math.min((overlaps[worker] ?? 0) * weights.blockTokens, request.promptTokens)
    request.routeOverlapTokens = cachedTokens
    const newTokens = request.promptTokens - cachedTokens
    const slot = this.active.add(request.id, worker, request.blocks, blockCount)
    if (options.routerTrackPrefillTokens && newTokens > 0) {
      this.active.prefillTokens[slot] = newTokens
      this.prefills.add(slot, worker, newTokens, cachedTokens, nowMs)
    }
    if (options.routerAssumeKvReuse) this.tracker.add(worker, request.blocks, blockCount)
    else this.tracker.addPrivate(worker, blockCount)
    return worker
  }

  private unload(slot: number): void {
    const { blockCounts, blocks, workers } = this.active
    const worker = workers[slot]!
    if (this.options.routerAssumeKvReuse) this.tracker.remove(worker, blocks[slot]!, blockCounts[slot]!)
    else this.tracker.removePrivate(worker, blockCounts[slot]!)
  }

  private endPrefill(slot: number, nowMs: number): void {
    const { prefillTokens, workers } = this.active
    const tokens = prefillTokens[slot]!
    if (tokens === 0) return
    this.prefills.remove(slot, workers[slot]!, tokens, nowMs)
    prefillTokens[slot] = 0
  }

  /** Fills `costs`. Blocks that are private to each request are shared with none: their depths stay 0. */
  private computeCosts(request: SimRequest, overlaps: Int32Array, blockCount: number): void {
    const { costs, depths, options, prefillTokens, tiers, tracker, weights } = this
    const promptBlocks = this.promptBlocks(request)
    if (options.routerAssumeKvReuse) tracker.depths(request.blocks, blockCount, depths)
    let least = Infinity
    for (let worker = 0; worker < costs.length; worker++) {
      if (prefillTokens[worker]! < least) least = prefillTokens[worker]!
    }
    for (let worker = 0; worker < costs.length; worker++) {
      if (prefillTokens[worker] === Infinity) {
        costs[worker] = Infinity
        continue
      }
      const overlap = overlaps[worker] ?? 0
      const tierCredit = tiers === undefined ? 0 : tiers.credit(worker, request.blocks, overlap, promptBlocks)
      costs[worker] =
        prefillCost(weights, request.promptTokens, prefillTokens[worker]!, least, overlap, tierCredit)
        + decodeCost(tracker.activeBlocks[worker]!, blockCount, depths[worker]!)
    }
  }

  private choose(request: SimRequest, nowMs: number): number {
    const { costs, options, random, tied } = this
    const tiedCount = minima(costs, tied)
    const forced = this.hook?.({
      request,
      nowMs,
      role: this.role,
      costs: Array.from(costs),
      minima: Array.from(tied.subarray(0, tiedCount))
    })
    if (forced !== undefined) return forced
    if (options.routerTemperature === 0 || tiedCount === this.eligibleWorkers) {
      return pickTied(tied, tiedCount, options.tieBreak, random)
    }
    return pickSoftmax(costs, options.routerTemperature, this.softmaxWeights, random)
  }

  private promptBlocks(request: SimRequest): number {
    return Math.floor(request.promptTokens / this.weights.blockTokens)
  }
}

/**
 * The router's own queue: requests wait here while every worker has enough prefill to do.
 *
 * Parked requests are ordered within their policy class and the classes take turns; without a policy file there is one class.
 */
import { type MarkBlocks, markPrefix } from "../../request/BlockIdentity.ts"
import type { SimRequest } from "../../request/SimRequest.ts"
import type { RouterContext } from "../Router.ts"
import { RouterFault } from "../RouterFault.ts"
import { type ClassHeads, DeficitRoundRobin } from "./DeficitRoundRobin.ts"
import { ParkedHeap } from "./ParkedHeap.ts"
import { type ParkedRequest, releaseCost, scoreOf } from "./ParkedRequest.ts"
import { PolicyClasses } from "./PolicyClasses.ts"
import type { PolicyClass, PolicyProfile } from "./PolicyProfile.ts"

/** Token budget of a pass that the busy threshold assumes when the engine has none. */
const unlimitedBudgetTokens = 10_000_000

/** A request that would be parked in a class that is full. Ends the run. */
export class QueueLimitReached extends RouterFault {
  override readonly name = "QueueLimitReached"

  constructor(policyClass: string, kind: string, current: number, limit: number) {
    super(`router policy class "${policyClass}" queue ${kind} limit reached (current=${current}, limit=${limit})`)
  }
}

/** Token budget of a pass by worker. */
type BudgetOf = (worker: number) => number

/** Busy when either threshold is exceeded, hence when the lower one is. */
const busyTokens = ({ prefillBusyFraction, prefillBusyTokens }: PolicyClass, budgetTokens: number): number =>
  Math.min(
    prefillBusyTokens ?? Infinity,
    prefillBusyFraction === undefined ? Infinity : prefillBusyFraction * budgetTokens
  )

const limited = (tokens: number): number => (tokens === Infinity ? unlimitedBudgetTokens : tokens)

/** One class's parked requests and their sums, for its limits. */
class ClassQueue {
  readonly heap = new ParkedHeap()
  readonly policy: PolicyClass
  /** Workers that may be sent requests. */
  workers: number
  private readonly busyTokens: number
  /** By worker, where they differ. */
  private readonly busyTokensOf: ((worker: number) => number) | undefined
  private rawTokens = 0
  private cachedTokens = 0

  constructor(policy: PolicyClass, workers: number, budgetTokens: number, budgetOf: BudgetOf | undefined) {
    this.policy = policy
    this.workers = workers
    this.busyTokens = busyTokens(policy, budgetTokens)
    this.busyTokensOf = budgetOf === undefined ? undefined : (worker) => busyTokens(policy, budgetOf(worker))
  }

  /** Whether every worker has more outstanding prefill tokens than the class lets pass. */
  isBlocked(prefillTokens: Float64Array): boolean {
    const { busyTokensOf } = this
    if (busyTokensOf !== undefined) return prefillTokens.every((tokens, worker) => tokens > busyTokensOf(worker))
    for (let worker = 0; worker < prefillTokens.length; worker++) {
      if (prefillTokens[worker]! <= this.busyTokens) return false
    }
    return true
  }

  /** Throws {@link QueueLimitReached} when the class may not take another request. */
  checkLimits(): void {
    const { cachedTokenLimitPerWorker, rawTokenLimitPerWorker, requestLimitPerWorker } = this.policy
    this.checkLimit("requests", this.heap.size, requestLimitPerWorker)
    this.checkLimit("raw_isl_tokens", this.rawTokens, rawTokenLimitPerWorker)
    this.checkLimit("cached_tokens", this.cachedTokens, cachedTokenLimitPerWorker)
  }

  push(parked: ParkedRequest): void {
    this.heap.push(parked)
    this.rawTokens += parked.request.promptTokens
    this.cachedTokens += parked.cachedTokens
  }

  pop(): ParkedRequest | undefined {
    const parked = this.heap.pop()
    if (parked !== undefined) {
      this.rawTokens -= parked.request.promptTokens
      this.cachedTokens -= parked.cachedTokens
    }
    return parked
  }

  /** Cost of the first request; only asked where there is one. */
  headCost(): number {
    const head = this.heap.peek()
    return head === undefined ? 1 : releaseCost(head.request.promptTokens, head.cachedTokens)
  }

  private checkLimit(kind: string, current: number, limitPerWorker: number | undefined): void {
    if (limitPerWorker === undefined) return
    const limit = limitPerWorker * this.workers
    if (current >= limit) throw new QueueLimitReached(this.policy.name, kind, current, limit)
  }
}

export class RouterQueue implements ClassHeads {
  /** Parked requests of all classes. */
  size = 0
  private readonly classes: PolicyClasses
  private readonly queues: ReadonlyArray<ClassQueue>
  private readonly turns: DeficitRoundRobin
  private sequence = 0
  /** Outstanding prefill tokens per worker; the caller keeps it current. */
  private prefillTokens: Float64Array

  constructor(
    profile: PolicyProfile,
    maxNumBatchedTokens: number,
    prefillTokens: Float64Array,
    capacityOf?: RouterContext["capacityOf"]
  ) {
    const budgetOf =
      capacityOf === undefined ? undefined : (worker: number) => limited(capacityOf(worker).maxNumBatchedTokens)
    this.prefillTokens = prefillTokens
    this.classes = new PolicyClasses(profile)
    this.queues = profile.classes.map(
      (policy) => new ClassQueue(policy, prefillTokens.length, limited(maxNumBatchedTokens), budgetOf)
    )
    this.turns = new DeficitRoundRobin(
      profile.classes.map((policy) => policy.quantumTokens),
      this
    )
  }

  /** The pool has changed: `workers` may be sent requests; in `prefillTokens` everybody else is `Infinity`. */
  follow(workers: number, prefillTokens: Float64Array): void {
    this.prefillTokens = prefillTokens
    for (const queue of this.queues) queue.workers = workers
  }

  /**
   * Parks the request, or returns `false` when it may go to a worker at once. It has to wait when requests of its
   * class are waiting already or every worker is busy. `cachedTokens` is the best worker's overlap.
   * Throws {@link QueueLimitReached}.
   */
  park(request: SimRequest, overlaps: Int32Array, cachedTokens: number, nowMs: number): boolean {
    const uncachedTokens = request.promptTokens - cachedTokens
    const queue = this.queues[this.classes.indexOf(request.hints.policyClass, uncachedTokens)]!
    if (queue.heap.size === 0 && !queue.isBlocked(this.prefillTokens)) return false
    queue.checkLimits()
    queue.push({
      request,
      overlaps: overlaps.slice(),
      cachedTokens,
      tier: request.hints.strictPriority,
      score: scoreOf(queue.policy.queuePolicy, request, cachedTokens, nowMs),
      sequence: this.sequence++
    })
    this.size += 1
    return true
  }

  /** Takes the next request that may go to a worker; `undefined` when nobody may. */
  release(): ParkedRequest | undefined {
    if (this.size === 0) return undefined
    const index = this.turns.select()
    if (index < 0) return undefined
    const queue = this.queues[index]!
    const cost = queue.headCost()
    const parked = queue.pop()
    this.size -= 1
    this.turns.popped(index, cost)
    return parked
  }

  isEmpty(index: number): boolean {
    return this.queues[index]!.heap.size === 0
  }

  isDispatchable(index: number): boolean {
    return !this.queues[index]!.isBlocked(this.prefillTokens)
  }

  headCost(index: number): number {
    return this.queues[index]!.headCost()
  }

  /** All parked requests, in no particular order. */
  *requests(): IterableIterator<SimRequest> {
    for (const queue of this.queues) {
      for (const parked of queue.heap) yield parked.request
    }
  }

  markBlocks(mark: MarkBlocks): void {
    for (const request of this.requests()) markPrefix(request.blocks, mark)
  }
}

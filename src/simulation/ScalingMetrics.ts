/**
 * What an autoscaler is shown of a run: a probe that counts what was served since the last tick and, where the autoscaler watches
 * passes, how each one looked.
 *
 * Queues are counted as requests come and go, never walked; a pass costs what it schedules.
 */
import type {
  Decider,
  Observation,
  PassObservation,
  PoolRole,
  PoolSize,
  ScaledPool,
  ServedRequest,
  TrafficWindow
} from "../autoscaler/Autoscaler.ts"
import type { PassOutcome } from "../engine/WorkerCore.ts"
import { Signal } from "../engine/WorkerCore.ts"
import type { WorkerProbe } from "../engine/WorkerProbe.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { ProbedWorker, RunProbe } from "./RunProbe.ts"

/** What is counted in a worker's pass and queue. */
class WorkerBook {
  prefillRequests = 0
  prefillTokens = 0
  decodeRequests = 0
  decodeKvTokens = 0
  queuedPrefillRequests = 0
  queuedPrefillTokens = 0
  queuedDecodeRequests = 0
  queuedDecodeKvTokens = 0
  /** Admitted in this pass without anything to compute before their token: their KV was handed over. */
  readonly handedOver = new Set<SimRequest>()
  /** Requests that wait, with the tokens that they count as. */
  readonly waiting = new Map<SimRequest, number>()

  beginPass(): void {
    this.prefillRequests = 0
    this.prefillTokens = 0
    this.decodeRequests = 0
    this.decodeKvTokens = 0
    this.handedOver.clear()
  }

  decodes(tokens: number): void {
    this.decodeRequests += 1
    this.decodeKvTokens += tokens
  }

  queue(request: SimRequest, tokens: number, fresh: boolean): void {
    this.waiting.set(request, fresh ? tokens : -tokens)
    this.count(tokens, fresh, 1)
  }

  unqueue(request: SimRequest): void {
    const tokens = this.waiting.get(request)
    if (tokens === undefined) return
    this.waiting.delete(request)
    this.count(Math.abs(tokens), tokens > 0, -1)
  }

  private count(tokens: number, fresh: boolean, sign: 1 | -1): void {
    if (fresh) {
      this.queuedPrefillRequests += sign
      this.queuedPrefillTokens += sign * tokens
    } else {
      this.queuedDecodeRequests += sign
      this.queuedDecodeKvTokens += sign * tokens
    }
  }
}

/** Sums over a window of time; each one starts where the last ended. */
class WindowSums {
  arrivals = 0
  arrivedTokens = 0
  requests = 0
  promptTokens = 0
  outputTokens = 0
  ttftMs = 0
  ttftRequests = 0
  itlMs = 0
  itlRequests = 0
  emittedTokens = 0
  decodeSteps = 0
  hitRate = 0
  routedRequests = 0
  readonly ttftsMs: Array<number> = []
  readonly served: Array<ServedRequest> = []
}

const mean = (sum: number, count: number): number => (count === 0 ? 0 : sum / count)

/** What is kept for the autoscaler beside counts. */
type Watched = Pick<Decider, "watchesPasses" | "watchesRequests">

export class ScalingMetrics implements RunProbe {
  private readonly watchesPasses: boolean
  private readonly watchesRequests: boolean
  /** Tokens per KV block of the pools whose routers know what is cached. */
  private readonly blockTokens = new Map<PoolRole, number>()
  private readonly books = new Map<PoolRole, Array<WorkerBook | undefined>>()
  private readonly generated = new Map<SimRequest, number>()
  private readonly passes = new Map<PoolRole, Array<PassObservation>>()
  private sums = new WindowSums()
  private windowStartMs = 0
  private readonly noteFirstToken = ({ arrivalMs }: SimRequest, tokenMs: number): void =>
    void this.sums.ttftsMs.push(tokenMs - arrivalMs)

  constructor({ watchesPasses = false, watchesRequests = false }: Watched, pools: ReadonlyArray<ScaledPool>) {
    this.watchesPasses = watchesPasses
    this.watchesRequests = watchesRequests
    for (const { blockTokens, role, routedByCache } of pools) if (routedByCache) this.blockTokens.set(role, blockTokens)
  }

  /** What happened since the last time, for pools of these sizes now. */
  observe(nowMs: number, pools: ReadonlyArray<PoolSize>): Observation {
    const observation = {
      nowMs,
      pools: pools.map((pool) => ({ ...pool, passes: this.takePasses(pool.role, nowMs) })),
      traffic: this.traffic(nowMs)
    }
    this.sums = new WindowSums()
    this.windowStartMs = nowMs
    return observation
  }

  worker(role: PoolRole, workerIndex: number): WorkerProbe | undefined {
    const firstToken = this.watchesRequests ? this.noteFirstToken : undefined
    if (!this.watchesPasses) return firstToken === undefined ? undefined : { firstToken }
    const visible = role !== "prefill"
    const book = new WorkerBook()
    let books = this.books.get(role)
    if (books === undefined) this.books.set(role, (books = []))
    books[workerIndex] = book
    return {
      admitted: (request) => {
        book.unqueue(request)
        if (role === "decode") book.handedOver.add(request)
      },
      preempted: (request) => {
        book.handedOver.delete(request)
        book.queue(request, this.tokensOf(request), false)
      },
      scheduled: (request, tokens, promptTokens) => {
        if (role === "decode") book.handedOver.delete(request)
        if (promptTokens > 0) {
          book.prefillRequests += 1
          book.prefillTokens += tokens
        } else book.decodes(this.tokensOf(request))
      },
      emitted: (request, tokens) => {
        if (!visible) return
        this.generated.set(request, (this.generated.get(request) ?? 0) + tokens)
        this.sums.emittedTokens += tokens
        this.sums.decodeSteps += 1
      },
      firstToken
    }
  }

  arrival({ promptTokens }: SimRequest): void {
    this.sums.arrivals += 1
    this.sums.arrivedTokens += promptTokens
  }

  placed(request: SimRequest, { role, workerIndex }: ProbedWorker): void {
    this.bookOf(role, workerIndex)?.queue(request, request.promptTokens, role !== "decode")
    const blockTokens = this.blockTokens.get(role)
    if (blockTokens === undefined) return
    const blocks = Math.ceil(request.promptTokens / blockTokens)
    this.sums.hitRate += blocks === 0 ? 0 : request.routeOverlapTokens / blockTokens / blocks
    this.sums.routedRequests += 1
  }

  pass({ core, role, workerIndex }: ProbedWorker, startMs: number, outcome: PassOutcome): void {
    const book = this.bookOf(role, workerIndex)
    if (book === undefined) return
    for (let index = 0; index < outcome.requests.length; index++) {
      if (outcome.signals[index] === Signal.Rejected) book.unqueue(outcome.requests[index]!)
    }
    for (const request of book.handedOver) book.decodes(request.promptTokens)
    const { activeBlocks, capacityBlocks } = core.snapshot()
    this.keepPass(role, workerIndex, startMs, outcome.endMs, book, activeBlocks / capacityBlocks)
    book.beginPass()
  }

  record(request: SimRequest): void {
    this.generated.delete(request)
    if (request.status !== "completed") return this.forget(request)
    const { sums } = this
    const { arrivalMs, emittedTokens, firstTokenMs, lastTokenMs, promptTokens } = request
    sums.requests += 1
    sums.promptTokens += promptTokens
    sums.outputTokens += emittedTokens
    const ttftMs = firstTokenMs - arrivalMs
    if (ttftMs > 0) {
      sums.ttftMs += ttftMs
      sums.ttftRequests += 1
    }
    const meanItlMs = emittedTokens > 1 ? Math.max(lastTokenMs - firstTokenMs, 0) / (emittedTokens - 1) : undefined
    if (meanItlMs !== undefined) {
      sums.itlMs += meanItlMs
      sums.itlRequests += 1
    }
    if (this.watchesRequests) sums.served.push({ ttftMs, meanItlMs })
  }

  lost(request: SimRequest): void {
    this.generated.delete(request)
    this.forget(request)
  }

  left({ role, workerIndex }: ProbedWorker): void {
    const books = this.books.get(role)
    if (books !== undefined) books[workerIndex] = undefined
  }

  /** A request that ended early may have waited anywhere. */
  private forget(request: SimRequest): void {
    for (const books of this.books.values()) for (const book of books) book?.unqueue(request)
  }

  private bookOf(role: PoolRole, workerIndex: number): WorkerBook | undefined {
    return this.books.get(role)?.[workerIndex]
  }

  /** Prompt and output tokens of a request so far. */
  private tokensOf(request: SimRequest): number {
    return request.promptTokens + (this.generated.get(request) ?? 0)
  }

  private keepPass(
    role: PoolRole,
    workerIndex: number,
    startMs: number,
    endMs: number,
    book: WorkerBook,
    kvShare: number
  ): void {
    let passes = this.passes.get(role)
    if (passes === undefined) this.passes.set(role, (passes = []))
    passes.push({
      workerIndex,
      startMs,
      endMs,
      prefillRequests: book.prefillRequests,
      prefillTokens: book.prefillTokens,
      decodeRequests: book.decodeRequests,
      decodeKvTokens: book.decodeKvTokens,
      kvShare,
      queuedPrefillRequests: book.queuedPrefillRequests,
      queuedPrefillTokens: book.queuedPrefillTokens,
      queuedDecodeRequests: book.queuedDecodeRequests,
      queuedDecodeKvTokens: book.queuedDecodeKvTokens
    })
  }

  /** Passes that have ended, in the order of their ends; of equal ends the one that started first. */
  private takePasses(role: PoolRole, nowMs: number): ReadonlyArray<PassObservation> {
    const passes = this.passes.get(role)
    if (passes === undefined) return []
    this.passes.set(
      role,
      passes.filter(({ endMs }) => endMs > nowMs)
    )
    return passes.filter(({ endMs }) => endMs <= nowMs).toSorted((a, b) => a.endMs - b.endMs)
  }

  private traffic(nowMs: number): TrafficWindow {
    const { sums } = this
    return {
      durationS: (nowMs - this.windowStartMs) / 1000,
      arrivals: sums.arrivals,
      meanArrivedTokens: mean(sums.arrivedTokens, sums.arrivals),
      requests: sums.requests,
      meanPromptTokens: mean(sums.promptTokens, sums.requests),
      meanOutputTokens: mean(sums.outputTokens, sums.requests),
      meanTtftMs: mean(sums.ttftMs, sums.ttftRequests),
      meanItlMs: mean(sums.itlMs, sums.itlRequests),
      meanAcceptLength: sums.decodeSteps === 0 ? undefined : sums.emittedTokens / sums.decodeSteps,
      decodeSteps: sums.decodeSteps,
      emittedTokens: sums.emittedTokens,
      meanHitRate: mean(sums.hitRate, sums.routedRequests),
      routedRequests: sums.routedRequests,
      ttftsMs: sums.ttftsMs,
      served: sums.served
    }
  }
}

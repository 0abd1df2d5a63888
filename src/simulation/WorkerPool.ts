/**
 * Equal workers behind one router, and which of them run, wait or could start: what the event loops have in common.
 *
 * The pool may grow and shrink while it works: see {@link WorkerRoster}. A worker that drains finishes what it has and leaves
 * once it holds nothing for anybody; requests that arrive while nobody is ready wait in front of the pool.
 */
import { KvEventBuffer, type KvEventSink } from "../engine/KvEvents.ts"
import type { PoolSize } from "../autoscaler/Autoscaler.ts"
import type { Engine } from "../engine/Engine.ts"
import type { EngineArgs } from "../engine/EngineArgs.ts"
import { engineOfNewWorkers, engineOfWorker, groupName } from "../engine/MixedEngine.ts"
import type { Slowness } from "../engine/PassScaling.ts"
import type { WorkerContext } from "../engine/WorkerContext.ts"
import type { SharedTiers } from "../engine/tiers/SharedTiers.ts"
import type { TokenGaps } from "../engine/TokenGaps.ts"
import type { PassesAhead } from "../engine/PassesAhead.ts"
import { PassOutcome, Signal, type WorkerCore } from "../engine/WorkerCore.ts"
import { type BlockHolder, markPrefix } from "../request/BlockIdentity.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import type { WorkerGroupTime } from "../report/ReplayEvent.ts"
import { capacities } from "../router/Capacities.ts"
import type { Placement, PoolRole, Router, RouterCore } from "../router/Router.ts"
import { misplaced, rigid, type RouterFault } from "../router/RouterFault.ts"
import type { ProbedPool, ProbedWorker, RunProbe } from "./RunProbe.ts"
import { checkPoolMemory, checkWorkerMemory } from "./WorkerMemory.ts"
import { BitSet } from "../structures/BitSet.ts"
import { WorkerRoster } from "./WorkerRoster.ts"
import { WorkerTime } from "./WorkerTime.ts"
import { emptyObjects } from "../structures/EmptyObjects.ts"
import { maxInt32 } from "../structures/Int32.ts"

/** KV events that must wait for the end of the pass that made them. */
interface HeldEvents {
  readonly buffer: KvEventBuffer
  readonly sink: KvEventSink
}

type KvEventContext = Pick<WorkerContext, "kvEvents" | "kvEventsWhenAsked" | "kvEventsAtPassEnd">

export interface WorkerPoolOptions<Worker extends WorkerCore> {
  readonly engine: Engine["Service"]
  readonly router: Router["Service"]
  readonly role: PoolRole
  readonly workers: number
  readonly spawn: (context: WorkerContext) => Worker
  readonly gaps: TokenGaps
  /** Of all pools of the run. */
  readonly sharedTiers: SharedTiers
  /** See {@link WorkerContext.tiersLeftAlone}. */
  readonly tiersLeftAlone?: boolean
  readonly probe: RunProbe | undefined
  /** Machines of its workers may become slow. Default: they do not. */
  readonly mayBeSlow?: boolean
  /** Default: every pass is computed in its time. */
  readonly runsAhead?: RunsAhead | undefined
}

/** How far workers may compute passes ahead of time ({@link WorkerCore.runAhead}). */
export interface RunsAhead {
  readonly untilMs: number
  /** Before that nobody tells a worker anything, so that no pass that starts by then is ever taken back. */
  readonly leftAloneUntilMs: () => number
  /**
   * Passes were taken back: the last one is now from `startMs`, or from where the first one started, to `endMs`; it is over if that
   * is now.
   */
  readonly moved: (worker: number, endMs: number, startMs: number | undefined) => void
}

/** Whoever drives the run may want to stop it: so many passes in a row at most. */
const maxPassesAtOnce = 1024
/** Behind the last worker; a whole number, as a field that is none at times costs V8 checks. */
const everyWorker = maxInt32

/** The worker has started passes: the first of them that may be the last one, and the last one. */
export type PassesStarted = (worker: number, endMs: number, startMs: number, firstStartMs: number) => void

export class WorkerPool<Worker extends WorkerCore> implements BlockHolder {
  readonly router: RouterCore
  readonly role: PoolRole
  /** By index; those that have not started yet, or have left, are `undefined`. */
  readonly cores: Array<Worker | undefined> = []
  /** The pool as probes see it. */
  readonly probed: ProbedPool
  /** Passes computed so far. */
  passes = 0
  /** Workers have KV tiers. */
  private hasTiers = false
  private readonly setup: WorkerPoolOptions<Worker>
  private readonly probe: RunProbe | undefined
  /** By index, like the cores. */
  private readonly places: Array<ProbedWorker | undefined> = []
  private readonly slownesses: Array<Slowness> = []
  private readonly present: Array<ProbedWorker> = []
  private readonly roster: WorkerRoster
  private readonly time: WorkerTime
  /** Requests that arrived while nobody was ready. */
  private unplaced: Array<SimRequest> = []
  /** Results of the passes under way, by worker. */
  private readonly outcomes: Array<PassOutcome | undefined>
  /** By worker: its next pass, which takes no time, computed already. It is carried out in the worker's turn, as every other. */
  private readonly computed: Array<PassOutcome | undefined> = emptyObjects()
  /** By worker; only where the router listens. */
  private readonly heldEvents: Array<HeldEvents | undefined> = emptyObjects()
  /** Idle workers with requests. */
  private readonly ready: BitSet
  /** Workers whose passes ahead evict blocks of which the router is told before it looks. */
  private readonly untold: BitSet
  /** Where those passes under way start that were started last, the first and the last of them, ms. */
  private firstStartMs = Number.NaN
  private lastStartMs = Number.NaN
  /** Up to this worker everybody who could start a pass at `turnsMs` has. */
  private turn = -1
  private turnsMs = Number.NaN

  constructor(options: WorkerPoolOptions<Worker>) {
    const { engine, probe, role, router, workers } = options
    this.setup = options
    this.probe = probe
    this.role = role
    this.router = router.make({
      workers,
      blockTokens: engine.args.blockTokens,
      maxNumBatchedTokens: engine.args.maxNumBatchedTokens,
      ...capacities(engine),
      queuePolicy: engine.args.routerQueuePolicy,
      role
    })
    checkPoolMemory(engine, workers)
    this.roster = new WorkerRoster(workers)
    this.time = new WorkerTime(this.roster, engine.mix)
    this.outcomes = Array.from({ length: workers }, () => undefined)
    this.ready = new BitSet(workers)
    this.untold = new BitSet(workers)
    for (let worker = 0; worker < workers; worker++) this.spawn(worker)
    this.probed = {
      role,
      workers: this.present,
      parked: () => this.parked,
      starting: () => this.roster.starting.length,
      draining: () => this.roster.draining.length
    }
  }

  /** Requests held back by the router, or because nobody is ready. */
  get parked(): number {
    return this.router.parked + this.unplaced.length
  }

  size(): PoolSize {
    const { draining, ready, starting } = this.roster
    const { parked, role, setup } = this
    const gpus = [...ready, ...starting].reduce(
      (sum, worker) => sum + engineOfWorker(setup.engine, worker).args.gpusPerWorker,
      0
    )
    return { role, ready: ready.length, starting: starting.length, draining: draining.length, parked, gpus }
  }

  /** Arguments of workers that are added. */
  get newWorkerArgs(): EngineArgs {
    return engineOfNewWorkers(this.setup.engine).args
  }

  /** Time of workers that are paid for (ready, starting or draining) so far, in seconds. */
  workerSeconds(nowMs: number): number {
    return this.time.seconds(nowMs)
  }

  /** Worker time of each group so far; none where workers are equal. */
  workerGroups(nowMs: number): ReadonlyArray<WorkerGroupTime> {
    return this.time.byGroup(nowMs, this.role)
  }

  // ---- workers that come and go --------------------------------------------------------------------------------------

  /**
   * Makes the pool have `target` workers that are ready or starting; `starting` is told of each one that takes time to start, and
   * must call {@link WorkerPool.finishStart} when that is over. True when anything changed.
   */
  scaleTo(target: number, nowMs: number, starting: (worker: number, readyMs: number) => void): boolean {
    const startupMs = (this.newWorkerArgs.startupTimeS ?? 0) * 1000
    this.time.charge(nowMs)
    const { cancelled, drained, started } = this.roster.scaleTo(target)
    for (const worker of started) {
      if (startupMs > 0 || this.startsLater) starting(worker, nowMs + startupMs)
      else this.finishStart(worker, nowMs)
    }
    if (drained.length > 0) this.tellRouter()
    return started.length + drained.length + cancelled.length > 0
  }

  /** The worker has started and takes requests from now on; false when it is not wanted any more. */
  finishStart(worker: number, nowMs: number): boolean {
    if (!this.roster.becomeReady(worker)) return false
    checkWorkerMemory(1, engineOfWorker(this.setup.engine, worker).args)
    this.ready.grow(worker + 1)
    this.untold.grow(worker + 1)
    this.tellRouter()
    this.spawn(worker)
    this.probe?.joined?.(this.places[worker]!, nowMs)
    this.router.retry?.(nowMs)
    return true
  }

  /** Lets go of draining workers that hold nothing for anybody any more; true when there were any. */
  removeDrained(nowMs: number): boolean {
    const { draining } = this.roster
    if (draining.length === 0) return false
    const empty = draining.filter((worker) => this.isEmpty(worker))
    for (const worker of empty) this.remove(worker, nowMs)
    if (empty.length > 0) this.router.retry?.(nowMs)
    return empty.length > 0
  }

  /** The worker takes no more requests and leaves when it is empty; false when it is not ready. */
  drain(worker: number): boolean {
    if (!this.roster.drain(worker)) return false
    this.tellRouter()
    return true
  }

  /**
   * The worker is gone at once, with the pass under way. Returns the requests that it had, which the router still counts;
   * `undefined` when it is not there.
   */
  fail(worker: number, nowMs: number): ReadonlyArray<SimRequest> | undefined {
    const core = this.cores[worker]
    if (core === undefined) return undefined
    this.interrupt(worker, nowMs)
    const lost = new Set([...core.requests(), ...leavingRequests(this.outcomes[worker])])
    this.outcomes[worker] = undefined
    this.remove(worker, nowMs, true)
    this.tellRouter()
    return [...lost]
  }

  /** The worker's passes take so many times as long from its next one on; false when it is not there. */
  slow(worker: number, factor: number, nowMs: number): boolean {
    if (this.cores[worker] === undefined) return false
    this.interrupt(worker, nowMs)
    this.slownessOf(worker).factor = factor
    return true
  }

  /** The worker that the router chooses, or -1 when the request has to wait. */
  route(request: SimRequest, nowMs: number): number {
    if (this.roster.ready.length > 0) {
      this.tellRouterOfCaches(nowMs)
      const worker = this.router.route(request, nowMs)
      if (this.cores[worker] === undefined && (worker !== -1 || this.role === "decode")) {
        throw this.fault({ request, workerIndex: worker })
      }
      return worker
    }
    this.unplaced.push(request)
    return -1
  }

  /** The next request that the router has released, and its worker; see {@link RouterCore.takeReleased}. */
  takeReleased(): Placement | undefined {
    const placement = this.router.takeReleased()
    if (placement !== undefined && this.cores[placement.workerIndex] === undefined) throw this.fault(placement)
    return placement
  }

  /** The router is about to look at what workers have cached: it hears of what passes ahead that have begun evict. */
  private tellRouterOfCaches(nowMs: number): void {
    const { cores, untold } = this
    for (let worker = untold.nextFrom(0); worker >= 0; worker = untold.nextFrom(worker + 1)) {
      const core = cores[worker]!
      core.tellBegun?.(core.ahead!.begunAt(nowMs, !this.hadTurn(worker, nowMs)))
    }
  }

  private fault(placement: Placement): RouterFault {
    const there = this.present.map(({ workerIndex }) => workerIndex)
    return misplaced(this.setup.router.name, placement, this.role, there)
  }

  /** Requests that arrived while nobody was ready, once somebody is. */
  takeUnplaced(): ReadonlyArray<SimRequest> {
    if (this.unplaced.length === 0 || this.roster.ready.length === 0) return []
    const requests = this.unplaced
    this.unplaced = []
    return requests
  }

  markBlocks(mark: (block: number) => void): void {
    this.router.markBlocks(mark)
    for (const core of this.cores) core?.markBlocks(mark)
    for (const { blocks } of this.unplaced) markPrefix(blocks, mark)
  }

  // ---- requests and passes -------------------------------------------------------------------------------------------

  isBusy(worker: number): boolean {
    return this.outcomes[worker] !== undefined
  }

  submit(request: SimRequest, worker: number, nowMs: number): void {
    this.interrupt(worker, nowMs)
    this.notePlacement(request, worker, nowMs)
    this.cores[worker]!.submit(request)
    this.received(worker)
  }

  /**
   * Somebody is about to tell the worker something: of the passes that it has computed ahead of time, those are taken back that have not
   * begun. Before that the worker may seem busy when it is idle.
   */
  interrupt(worker: number, nowMs: number): void {
    const ahead = this.cores[worker]?.ahead
    if (ahead === undefined || ahead.count === 0 || ahead.allBegun) return
    const { count } = ahead
    ahead.keep(nowMs, !this.hadTurn(worker, nowMs))
    this.showAhead(worker, ahead)
    if (ahead.count === count) return
    this.passes -= count - ahead.count
    this.setup.runsAhead?.moved(worker, ahead.endMs, ahead.count === 0 ? undefined : ahead.startMs)
  }

  private showAhead(worker: number, ahead: PassesAhead): void {
    if (ahead.count > 0) this.probe?.passesAhead?.(this.places[worker]!, ahead)
  }

  interruptAll(nowMs: number): void {
    for (let worker = 0; worker < this.cores.length; worker++) this.interrupt(worker, nowMs)
  }

  /** Whether the worker would have started a pass at this instant, had it been idle. */
  private hadTurn(worker: number, nowMs: number): boolean {
    return nowMs === this.turnsMs && worker <= this.turn
  }

  /** A request has come to the worker. */
  received(worker: number): void {
    this.noteWork(worker)
  }

  /** The request will be served by this worker. */
  notePlacement(request: SimRequest, worker: number, nowMs: number): void {
    this.probe?.placed?.(request, this.places[worker]!, nowMs)
  }

  /** The worker may have something to do now. */
  noteWork(worker: number): void {
    const core = this.cores[worker]
    if (core !== undefined && core.inFlight > 0 && !this.isBusy(worker)) this.ready.add(worker)
  }

  /**
   * Starts passes on idle workers, always going back to the lowest one, until no one can start. `started` is told of each
   * pass, or of the first and the last one of those that may be taken back, and must either queue its end or, for one that takes no
   * time, finish it.
   */
  startPasses(nowMs: number, started: PassesStarted): boolean {
    let any = false
    let worker = this.ready.nextFrom(0)
    if (this.turnsMs !== nowMs) this.turn = -1
    this.turnsMs = nowMs
    while (worker >= 0) {
      if (worker > this.turn) this.turn = worker
      const endMs = this.startPass(worker, nowMs)
      if (endMs >= 0) {
        any = true
        started(worker, endMs, this.lastStartMs, this.firstStartMs)
        worker = this.ready.nextFrom(0)
      } else worker = this.ready.nextFrom(worker + 1)
    }
    this.turn = everyWorker
    return any
  }

  /** Lets transfers between the KV tiers of every worker end that end until `nowMs`; `ended` is told of idle workers. True when any did. */
  tickTiers(nowMs: number, ended: (pool: this, worker: number) => void): boolean {
    if (!this.hasTiers) return false
    let any = false
    for (let worker = 0; worker < this.cores.length; worker++) {
      const tiers = this.cores[worker]?.tiers
      if (tiers === undefined || !(tiers.catchUp?.(nowMs) ?? tiers.tick(nowMs))) continue
      any = true
      this.noteWork(worker)
      if (this.isBusy(worker)) continue
      this.publishHeldEvents(worker)
      ended(this, worker)
    }
    return any
  }

  /** When the next transfer between KV tiers ends, or the next that makes a difference to anybody here; `Infinity` for none. */
  nextTransferMs(noticedOnly = false): number {
    let nextMs = Number.POSITIVE_INFINITY
    if (!this.hasTiers) return nextMs
    // Policies may look into a worker whenever something happens.
    const mayWait = noticedOnly && this.setup.runsAhead !== undefined
    for (let worker = 0; worker < this.cores.length; worker++) {
      const tiers = this.cores[worker]?.tiers
      if (tiers === undefined) continue
      const endMs = mayWait && tiers.noticeMs !== undefined ? tiers.noticeMs() : tiers.deadlineMs()
      if (endMs < nextMs) nextMs = endMs
    }
    return nextMs
  }

  /** What the pass under way gives. */
  underWay(worker: number): PassOutcome {
    const outcome = this.outcomes[worker]
    if (outcome === undefined) throw new Error(`worker ${worker} has no pass under way`)
    return outcome
  }

  /** Makes the worker idle and returns what its pass did; the router sees the pass's held cache changes. */
  finishPass(worker: number): PassOutcome {
    const outcome = this.underWay(worker)
    const core = this.cores[worker]!
    this.outcomes[worker] = undefined
    if (this.computed[worker] !== undefined) {
      this.ready.add(worker)
      return nothingNoticed
    }
    this.catchUp(worker, core)
    this.publishHeldEvents(worker)
    return outcome
  }

  /** The passes that the worker has computed ahead of time are over. */
  private catchUp(worker: number, core: Worker): void {
    if (this.probe !== undefined && core.ahead?.allBegun === false) this.showAhead(worker, core.ahead)
    core.catchUp?.()
    this.untold.remove(worker)
  }

  /** Shows the router the cache changes that waited for an idle worker. */
  publishHeldEvents(worker: number): void {
    const held = this.heldEvents[worker]
    held?.buffer.flush(held.sink)
  }

  /** Everybody in the pool. Who leaves a worker in the pass under way is still there until that pass ends. */
  requests(): Array<SimRequest> {
    const inWorkers = this.cores.flatMap((core, worker) =>
      core === undefined ? [] : [...core.requests(), ...leavingRequests(this.outcomes[worker])]
    )
    return [...this.router.parkedRequests(), ...this.unplaced, ...inWorkers]
  }

  /** End of the passes, or -1 when there was nothing to do: then the worker stays idle until something else changes. */
  private startPass(worker: number, nowMs: number): number {
    const core = this.cores[worker]!
    const startMs = this.startOf(worker, nowMs)
    const outcome = this.computed[worker] ?? this.compute(worker, core, startMs)
    if (outcome.endMs === startMs && !outcome.progressed) return -1
    this.computed[worker] = undefined
    this.began(worker, outcome)
    this.firstStartMs = startMs
    this.lastStartMs = startMs
    return this.goOn(worker, core, outcome)
  }

  /** The next pass: together with those behind it, as passes ahead of their time, where it is quiet. */
  private compute(worker: number, core: Worker, startMs: number, mayBeQuiet = true): PassOutcome {
    core.tiers?.catchUp?.(startMs)
    const { runsAhead } = this.setup
    // A probe counts passes ahead from the last one in its time.
    if (mayBeQuiet && runsAhead !== undefined && this.probe === undefined && !this.holdsEvents(worker)) {
      const quiet = core.startAhead?.(startMs, runsAhead.untilMs)
      if (quiet !== undefined) return quiet
    }
    return this.pass(worker, core, startMs)
  }

  private pass(worker: number, core: Worker, startMs: number): PassOutcome {
    const outcome = core.pass(startMs)
    this.passes += 1
    this.probe?.pass?.(this.places[worker]!, startMs, outcome)
    return outcome
  }

  /**
   * Where the pass ends, or the last one behind it whose end nobody notices. A pass that takes no time ends in the worker's turn, not with
   * those that end at its instant: it is kept until then.
   */
  private goOn(worker: number, core: Worker, outcome: PassOutcome): number {
    let endMs = this.runAhead(worker, core, outcome)
    if (!this.isAlone(worker, core)) return endMs
    const aloneUntilMs = this.aloneUntilMs()
    const { ahead, tiers } = core
    for (let passes = 1; endMs < aloneUntilMs && passes < maxPassesAtOnce; passes++) {
      if (endMs === this.lastStartMs || this.isNoticed(worker, outcome)) return endMs
      // A transfer between the worker's KV tiers that makes a difference to it has ended by then.
      if (tiers?.noticeMs !== undefined && tiers.noticeMs() <= endMs) return endMs
      this.probe?.goesOn?.(this.places[worker]!, endMs)
      const wentAhead = ahead !== undefined && ahead.count > 0
      this.catchUp(worker, core)
      this.publishHeldEvents(worker)
      // Where the last pass had none ahead of it, the next one is not quiet.
      this.compute(worker, core, endMs, wentAhead)
      if (outcome.endMs === endMs) {
        if (outcome.progressed) this.computed[worker] = outcome
        return endMs
      }
      this.firstStartMs = endMs
      this.lastStartMs = endMs
      endMs = this.runAhead(worker, core, outcome)
    }
    return endMs
  }

  /** Where the pass ends, or the last one after it that can be computed ahead of time. */
  private runAhead(worker: number, core: Worker, outcome: PassOutcome): number {
    const { runsAhead } = this.setup
    if (runsAhead === undefined || core.runAhead === undefined || this.isNoticed(worker, outcome)) return outcome.endMs
    let { ahead } = core
    if (ahead === undefined || ahead.count === 0) {
      if (outcome.endMs <= runsAhead.untilMs) core.tiers?.settle?.(outcome)
      ahead = core.runAhead(runsAhead.untilMs)
    }
    if (ahead.count === 0) return outcome.endMs
    this.passes += ahead.count
    if (ahead.evictsHeard) this.untold.add(worker)
    this.lastStartMs = ahead.startMs
    return ahead.endMs
  }

  /** Somebody is told of the pass at its end. */
  private isNoticed(worker: number, { requests }: PassOutcome): boolean {
    return requests.length > 0 || this.holdsEvents(worker)
  }

  private holdsEvents(worker: number): boolean {
    return this.heldEvents[worker]?.buffer.isEmpty === false
  }

  /** Nobody looks into the worker, or at what it shares, before somebody tells it something. */
  private isAlone(worker: number, { tiers }: Worker): boolean {
    const { probe, router, setup } = this
    const isWatched = probe !== undefined && probe.outOfTurnUntilMs === undefined
    if (setup.runsAhead === undefined || isWatched || this.parked > 0) return false
    const isHeard = this.heldEvents[worker] !== undefined && router.readsCachesToRoute !== true
    const isPrivate = tiers?.catchUp !== undefined || tiers?.isPrivate === true
    return !isHeard && (tiers === undefined || (probe === undefined && isPrivate))
  }

  /** Until when that stays so. */
  private aloneUntilMs(): number {
    const untilMs = this.setup.runsAhead!.leftAloneUntilMs()
    const outOfTurnUntilMs = this.probe?.outOfTurnUntilMs?.()
    return outOfTurnUntilMs === undefined ? untilMs : Math.min(untilMs, outOfTurnUntilMs)
  }

  /** Even a worker that takes no time to start is started by whoever is told of it. */
  protected get startsLater(): boolean {
    return false
  }

  /** When a pass starts in the model that could start now. */
  protected startOf(_worker: number, nowMs: number): number {
    return nowMs
  }

  protected began(worker: number, outcome: PassOutcome): void {
    this.ready.remove(worker)
    this.outcomes[worker] = outcome
  }

  private spawn(worker: number): void {
    const { engine, gaps, probe, role } = this.setup
    const core = this.setup.spawn({
      workerIndex: worker,
      gaps,
      sharedTiers: this.setup.sharedTiers,
      tiersLeftAlone: this.setup.tiersLeftAlone,
      tierEvents: this.router.tierEvents?.(worker),
      ...this.eventSinks(engine, worker),
      slowness: this.setup.mayBeSlow ? this.slownessOf(worker) : undefined,
      usageIsSeen: probe !== undefined,
      probe: probe?.worker?.(role, worker)
    })
    this.cores[worker] = core
    if (core.tiers !== undefined) this.hasTiers = true
    const group = groupName(engine, worker)
    const place = { role, workerIndex: worker, core, ...(group === undefined ? {} : { group }) }
    this.places[worker] = place
    this.present.push(place)
  }

  private slownessOf(worker: number): Slowness {
    return (this.slownesses[worker] ??= { factor: 1 })
  }

  private isEmpty(worker: number): boolean {
    const core = this.cores[worker]!
    if (core.tiers !== undefined && core.tiers.deadlineMs() !== Number.POSITIVE_INFINITY) return false
    return !this.isBusy(worker) && core.inFlight === 0 && core.requests().length === 0
  }

  private remove(worker: number, nowMs: number, hasFailed = false): void {
    const place = this.places[worker]!
    this.probe?.left?.(place, nowMs, hasFailed)
    this.setup.sharedTiers.times.changes += 1
    this.present.splice(this.present.indexOf(place), 1)
    this.places[worker] = undefined
    this.time.charge(nowMs)
    this.roster.remove(worker)
    this.cores[worker] = undefined
    this.heldEvents[worker] = undefined
    this.ready.remove(worker)
    this.untold.remove(worker)
    this.router.removed?.(worker)
  }

  /** Tells the router who may be sent requests now. */
  private tellRouter(): void {
    const { router } = this
    if (router.eligible === undefined) throw rigid(this.setup.router.name)
    router.eligible(this.roster.ready)
  }

  private eventSinks(engine: Engine["Service"], worker: number): KvEventContext {
    const sink = this.router.kvEvents(worker)
    if (sink === undefined) return { kvEvents: undefined }
    const buffer = new KvEventBuffer()
    this.heldEvents[worker] = { buffer, sink }
    const atPassStart = engine.kvEventVisibility === "pass-start"
    return {
      kvEvents: atPassStart ? sink : buffer,
      kvEventsWhenAsked: atPassStart && this.router.readsCachesToRoute === true,
      kvEventsAtPassEnd: buffer
    }
  }
}

/** What a pass gives that ended long ago, when nobody noticed. */
const nothingNoticed = new PassOutcome()

const leavingRequests = (outcome: PassOutcome | undefined): Array<SimRequest> =>
  outcome === undefined ? [] : outcome.requests.filter((_, index) => outcome.signals[index] !== Signal.FirstToken)

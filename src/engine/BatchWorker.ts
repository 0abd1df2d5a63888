/**
 * What every engine's worker is, whatever its scheduler and cache: a waiting queue, a running batch, and requests that move
 * between them until they have emitted their tokens.
 */
import type { EngineArgs } from "./EngineArgs.ts"
import type { SimRequest } from "../request/SimRequest.ts"
import { type Queueable, WaitingQueue } from "./WaitingQueue.ts"
import { PassOutcome, type ReusedSnapshot, type WorkerCore, type WorkerSnapshot } from "./WorkerCore.ts"
import { emptyObjects } from "../structures/EmptyObjects.ts"

/** A request inside a worker. */
export interface BatchMember<Self> extends Queueable<Self> {
  readonly request: SimRequest
  readonly generatedTokens: number
  readonly lastTokenMs: number
}

export abstract class BatchWorker<Member extends BatchMember<Member>> implements WorkerCore {
  protected readonly args: EngineArgs
  /** Prefill workers' tokens are not shown. */
  protected readonly visible: boolean
  protected readonly outcome = new PassOutcome()
  protected readonly waiting = new WaitingQueue<Member>()
  protected readonly running: Array<Member> = emptyObjects()
  /** Members thrown out of the batch so far. */
  protected preemptions = 0

  constructor(args: EngineArgs) {
    this.args = args
    this.visible = args.workerType !== "prefill"
  }

  get inFlight(): number {
    return this.waiting.length + this.running.length
  }

  get queued(): number {
    return this.waiting.length
  }

  abort(request: SimRequest): boolean {
    const { running, waiting } = this
    const index = running.findIndex((member) => member.request === request)
    const member = running[index] ?? waiting.find((waiter) => waiter.request === request)
    if (member === undefined) return false
    if (index >= 0) running.splice(index, 1)
    else waiting.remove(member)
    this.recordProgress(member)
    this.drop(member)
    this.capacityFreed()
    return true
  }

  abstract submit(request: SimRequest): void
  abstract pass(nowMs: number): PassOutcome
  abstract snapshot(passesAhead?: number, into?: ReusedSnapshot): WorkerSnapshot
  abstract requests(): ReadonlyArray<SimRequest>
  abstract markBlocks(mark: (block: number) => void): void
  abstract checkInvariants(): void

  /** Lets go of everything that a member, already out of queue and batch, holds here. */
  protected abstract drop(member: Member): void

  /** A request gave KV back. */
  protected capacityFreed(): void {}

  /** Writes to the request how far it has come. */
  protected recordProgress(member: Member): void {
    if (!this.visible) return
    member.request.emittedTokens = member.generatedTokens
    member.request.lastTokenMs = member.lastTokenMs
  }
}

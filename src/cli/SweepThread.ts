/** A thread of a sweep, and the runs that it has: the one that it is at, and one that lies ready, so that it waits for nobody in between. */
import * as Effect from "effect/Effect"
import { Worker } from "node:worker_threads"
import type { Outcome } from "../sweep/CellRunner.ts"
import { type Claim, claims, endOfWork, post, type ThreadTask, unclaimed } from "./ThreadMessages.ts"

/** A run on its way to a thread, and who waits for its outcome. */
export interface Job {
  readonly task: Omit<ThreadTask, "claim">
  readonly kind: string
  readonly settle: (outcome: Outcome) => void
}

/** The runs that wait for a thread. */
export interface Line {
  readonly isEmpty: () => boolean
  /** The next run for a thread; `last`: the kind of its run before. */
  readonly take: (last: string | undefined) => Job | undefined
  /** Runs that a thread had, and that go before others. */
  readonly putBack: (jobs: ReadonlyArray<Job>) => void
  /** A run that lies ready in another thread comes back in line, if there is one. */
  readonly fetchBack: () => void
}

/** A run that a thread has, until its outcome comes. */
interface Given {
  readonly job: Job
  readonly claim: Claim
}

/** The run that a thread is at, and the one that lies ready. */
const mostGiven = 2

/** Started when it is first needed and anew when it has died. It takes its first runs once it is there: until then those to choose from come together. */
export class SweepThread {
  private worker: Worker | undefined
  private isStarting = false
  private isEnding = false
  private readonly file: URL
  private readonly graceMs: number
  private readonly line: Line
  /** In the order that the thread begins them. */
  private readonly given: Array<Given> = []
  private lastKind: string | undefined

  constructor(file: URL, graceMs: number, line: Line) {
    this.file = file
    this.graceMs = graceMs
    this.line = line
  }

  get isIdle(): boolean {
    return this.given.length === 0 && !this.isStarting && !this.isEnding
  }

  /** Of the run that was given to the thread last. */
  get kind(): string | undefined {
    return this.lastKind
  }

  has(job: Job): boolean {
    return this.given.some((given) => given.job === job)
  }

  /** Goes on with the next run; with nothing to do, with one that lies ready in another thread. */
  goOn(): void {
    if (this.isIdle && this.line.isEmpty()) this.line.fetchBack()
    if (this.line.isEmpty()) return
    if (this.worker === undefined) this.worker = this.start()
    else this.take(this.worker)
  }

  /** Takes back the run that lies ready, unless the thread has begun it. */
  takeBack(): Job | undefined {
    const [, ready] = this.given
    if (ready === undefined || !claims(ready.claim)) return undefined
    this.given.pop()
    return ready.job
  }

  /** The thread is told to end, and cleans up: a run that it is at is interrupted. Only one that does not listen is torn out of what it does. */
  readonly stop = Effect.promise(async () => {
    const { worker } = this
    this.worker = undefined
    if (worker === undefined) return
    this.isEnding = true
    await new Promise<void>((ended) => {
      const impatience = setTimeout(() => void worker.terminate(), this.graceMs)
      worker.once("exit", () => {
        clearTimeout(impatience)
        ended()
      })
      post(worker, endOfWork)
    })
    this.isEnding = false
  })

  /** Gives up a run, and once the thread is at it the thread as well: the next run gets another. */
  giveUp(job: Job): Effect.Effect<void> {
    const ready = this.takeBack()
    if (ready === job) return Effect.void
    // Where the run was the one that lay ready, the thread may have ended the one before, and nobody knows yet.
    const others = this.given.splice(0).flatMap((given) => (given.job === job ? [] : given.job))
    this.line.putBack(ready === undefined ? others : [...others, ready])
    return Effect.andThen(
      this.stop,
      Effect.sync(() => this.goOn())
    )
  }

  private take(worker: Worker): void {
    while (this.given.length < mostGiven) {
      const job = this.line.take(this.lastKind)
      if (job === undefined) return
      this.lastKind = job.kind
      const claim = unclaimed()
      this.given.push({ job, claim })
      post(worker, { ...job.task, claim })
    }
  }

  private start(): Worker {
    // The words behind the command, by which it keeps compiled code (CompiledCode.ts).
    const worker = new Worker(this.file, { argv: ["", ...process.argv.slice(2)] })
    this.isStarting = true
    const died = (reason: string): void => {
      if (this.worker !== worker) return
      this.worker = undefined
      // One that cannot start fails the run that it would have taken.
      const failed = this.isStarting ? this.line.take(this.lastKind) : this.given.shift()?.job
      this.isStarting = false
      this.line.putBack(this.given.splice(0).map(({ job }) => job))
      this.goOn()
      failed?.settle({ _tag: "Failed", reason })
    }
    worker.on("online", () => {
      if (this.worker !== worker) return
      this.isStarting = false
      this.goOn()
    })
    // The next run first: nobody has seen to the outcome of this one yet.
    worker.on("message", (outcome: Outcome) => {
      if (this.worker !== worker) return
      const ended = this.given.shift()
      this.goOn()
      ended?.job.settle(outcome)
    })
    worker.on("error", (error) => died(`the thread died: ${error instanceof Error ? error.message : String(error)}`))
    worker.on("exit", (code) => died(`the thread died with code ${code}`))
    return worker
  }
}

/** Runs of a sweep in worker threads: one long-lived thread per core, each a run at a time. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { CellRunner, type Outcome } from "../sweep/CellRunner.ts"
import { kindOf, takeNext } from "../sweep/RunKind.ts"
import { endOfWork, post, type ThreadTask } from "./ThreadMessages.ts"

/**
 * The thread's program stands beside this one under the ending that this one has. Run from source, it is that of the bundle, where there is
 * one: types of a thread's modules are stripped by WebAssembly, and threads that end meanwhile have taken the whole process with them.
 */
const workerFile = (): URL => {
  const here = import.meta.url
  if (here.endsWith(".mjs")) return new URL("./sweep-worker.mjs", here)
  if (here.endsWith(".js")) return new URL("./SweepWorker.js", here)
  const bundled = new URL("../../bundle/sweep-worker.mjs", here)
  return existsSync(bundled) ? bundled : new URL("./SweepWorker.ts", here)
}

/** A run on its way to a thread, and who waits for its outcome. */
interface Job {
  readonly task: ThreadTask
  readonly kind: string
  readonly settle: (outcome: Outcome) => void
}

/** The runs that wait for a thread. */
interface Line {
  readonly isEmpty: () => boolean
  /** The next run for a thread; `last`: the kind of its run before. */
  readonly take: (last: string | undefined) => Job | undefined
}

/**
 * A thread, started when it is first needed and anew when it has died. It takes its first run once it is there: until then the runs to choose
 * from come together.
 */
class Thread {
  private worker: Worker | undefined
  private isStarting = false
  private readonly file: URL
  private readonly graceMs: number
  private readonly line: Line
  /** The run that the thread is at. */
  private job: Job | undefined
  private lastKind: string | undefined

  constructor(file: URL, graceMs: number, line: Line) {
    this.file = file
    this.graceMs = graceMs
    this.line = line
  }

  get isIdle(): boolean {
    return this.job === undefined && !this.isStarting
  }

  /** Of the run that the thread is at, or was at last. */
  get kind(): string | undefined {
    return this.lastKind
  }

  isAt(job: Job): boolean {
    return this.job === job
  }

  /** An idle thread goes on with the next run. */
  goOn(): void {
    if (this.line.isEmpty()) return
    if (this.worker === undefined) this.worker = this.start()
    else this.take(this.worker)
  }

  /** The thread is told to end, and cleans up: a run that it is at is interrupted. Only one that does not listen is torn out of what it does. */
  readonly stop = Effect.promise(async () => {
    const { worker } = this
    this.worker = undefined
    if (worker === undefined) return
    await new Promise<void>((ended) => {
      const impatience = setTimeout(() => void worker.terminate(), this.graceMs)
      worker.once("exit", () => {
        clearTimeout(impatience)
        ended()
      })
      post(worker, endOfWork)
    })
  })

  /** Gives up the run that the thread is at, and with it the thread: the next one gets another. */
  readonly giveUp = Effect.andThen(
    this.stop,
    Effect.sync(() => {
      this.job = undefined
      this.goOn()
    })
  )

  private take(worker: Worker): void {
    this.job = this.line.take(this.lastKind)
    if (this.job === undefined) return
    this.lastKind = this.job.kind
    post(worker, this.job.task)
  }

  private start(): Worker {
    // The words behind the command, by which it keeps compiled code (CompiledCode.ts).
    const worker = new Worker(this.file, { argv: ["", ...process.argv.slice(2)] })
    this.isStarting = true
    const died = (reason: string): void => {
      if (this.worker !== worker) return
      this.worker = undefined
      // One that cannot start fails the run that it would have taken.
      if (this.isStarting) this.job = this.line.take(this.lastKind)
      this.isStarting = false
      this.end({ _tag: "Failed", reason })
    }
    worker.on("online", () => {
      if (this.worker !== worker) return
      this.isStarting = false
      this.take(worker)
    })
    worker.on("message", (outcome: Outcome) => {
      if (this.worker === worker) this.end(outcome)
    })
    worker.on("error", (error) => died(`the thread died: ${error instanceof Error ? error.message : String(error)}`))
    worker.on("exit", (code) => died(`the thread died with code ${code}`))
    return worker
  }

  /** The next run first: the thread need not wait until somebody has seen to the outcome of this one. */
  private end(outcome: Outcome): void {
    const { job } = this
    this.job = undefined
    this.goOn()
    job?.settle(outcome)
  }
}

/** Runs that may be given for each thread: so many that it finds some of its kind. */
const inLine = 32

/** Real time that a thread has to end once it is told to: a run listens after each slice of 10 ms. */
const patienceMs = 5000

/** `threads`: how many, by default one per core; `file`: the program of each; `graceMs`: how long it has to end. */
export const threadRunner = (
  threads: number = availableParallelism(),
  file: URL = workerFile(),
  graceMs: number = patienceMs
): Layer.Layer<CellRunner> =>
  Layer.effect(
    CellRunner,
    Effect.gen(function* () {
      const waiting: Array<Job> = []
      const line: Line = {
        isEmpty: () => waiting.length === 0,
        take: (last) =>
          takeNext(
            waiting,
            last,
            all.map(({ kind }) => kind)
          )
      }
      const all: ReadonlyArray<Thread> = Array.from({ length: threads }, () => new Thread(file, graceMs, line))
      yield* Effect.addFinalizer(() =>
        Effect.forEach(all, ({ stop }) => stop, { concurrency: "unbounded", discard: true })
      )
      const withdraw = (job: Job) =>
        Effect.suspend(() => {
          const place = waiting.indexOf(job)
          if (place >= 0) waiting.splice(place, 1)
          return all.find((thread) => thread.isAt(job))?.giveUp ?? Effect.void
        })
      return {
        width: threads * inLine,
        run: ({ config, constraints, options }) =>
          Effect.callback<Outcome>((resume) => {
            const job: Job = {
              task: { config, constraints: constraints.map(({ text }) => text) },
              kind: kindOf(options),
              settle: (outcome) => resume(Effect.succeed(outcome))
            }
            waiting.push(job)
            all.find(({ isIdle }) => isIdle)?.goOn()
            return withdraw(job)
          })
      }
    })
  )

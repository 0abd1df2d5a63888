/** Runs of a sweep in worker threads: one long-lived thread per core, each a run at a time. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { CellRunner, type Outcome, type Task } from "../sweep/CellRunner.ts"
import { endOfWork, type ThreadTask } from "./ThreadMessages.ts"

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

/** A thread, started when it is first needed and anew when it has died. */
class Thread {
  private worker: Worker | undefined
  private readonly file: URL
  private readonly graceMs: number
  /** Who waits for the outcome of the run that the thread is at. */
  private settle: (outcome: Outcome) => void = () => {}

  constructor(file: URL, graceMs: number) {
    this.file = file
    this.graceMs = graceMs
  }

  readonly run = ({ config, constraints }: Task): Effect.Effect<Outcome> =>
    Effect.callback<Outcome>((resume) => {
      this.settle = (outcome) => resume(Effect.succeed(outcome))
      const worker = (this.worker ??= this.start())
      const task: ThreadTask = { config, constraints: constraints.map(({ text }) => text) }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(task)
      return this.stop
    })

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
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(endOfWork)
    })
  })

  private start(): Worker {
    const worker = new Worker(this.file)
    const died = (reason: string): void => {
      if (this.worker !== worker) return
      this.worker = undefined
      this.settle({ _tag: "Failed", reason })
    }
    worker.on("message", (outcome: Outcome) => this.settle(outcome))
    worker.on("error", (error) => died(`the thread died: ${error instanceof Error ? error.message : String(error)}`))
    worker.on("exit", (code) => died(`the thread died with code ${code}`))
    return worker
  }
}

/** Runs that may be given for each thread. */
const inLine = 4

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
      const turns = yield* Semaphore.make(threads)
      const all: Array<Thread> = []
      const idle: Array<Thread> = []
      const takeIdle = Effect.sync(() => {
        const known = idle.pop()
        if (known !== undefined) return known
        const thread = new Thread(file, graceMs)
        all.push(thread)
        return thread
      })
      yield* Effect.addFinalizer(() => Effect.forEach(all, ({ stop }) => stop, { discard: true }))
      return {
        width: threads * inLine,
        run: (task) =>
          turns.withPermits(1)(
            Effect.acquireUseRelease(
              takeIdle,
              (thread) => thread.run(task),
              (thread) => Effect.sync(() => void idle.push(thread))
            )
          )
      }
    })
  )

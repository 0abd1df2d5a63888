/** Runs of a sweep in worker threads: one long-lived thread per core, each a run at a time. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { CellRunner, type Outcome, type Task } from "../sweep/CellRunner.ts"

/** The thread's program stands beside this one under the ending that this one has: source, library or bundle. */
const workerFile = (): URL => {
  const here = import.meta.url
  if (here.endsWith(".ts")) return new URL("./SweepWorker.ts", here)
  return here.endsWith(".mjs") ? new URL("./sweep-worker.mjs", here) : new URL("./SweepWorker.js", here)
}

/** What a thread is sent. */
export interface ThreadTask {
  /** Options as the text of a `--config` file. */
  readonly config: string
  /** As texts. */
  readonly constraints: ReadonlyArray<string>
}

/** A thread, started when it is first needed and anew when it has died. */
class Thread {
  private worker: Worker | undefined
  private readonly file: URL
  /** Who waits for the outcome of the run that the thread is at. */
  private settle: (outcome: Outcome) => void = () => {}

  constructor(file: URL) {
    this.file = file
  }

  readonly run = ({ config, constraints }: Task): Effect.Effect<Outcome> =>
    Effect.callback<Outcome>((resume) => {
      this.settle = (outcome) => resume(Effect.succeed(outcome))
      const worker = (this.worker ??= this.start())
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage({ config, constraints: constraints.map(({ text }) => text) } satisfies ThreadTask)
      return this.stop
    })

  readonly stop = Effect.promise(async () => {
    const { worker } = this
    this.worker = undefined
    await worker?.terminate()
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

/** `threads`: how many, by default one per core; `file`: the program of each. */
export const threadRunner = (
  threads: number = availableParallelism(),
  file: URL = workerFile()
): Layer.Layer<CellRunner> =>
  Layer.effect(
    CellRunner,
    Effect.gen(function* () {
      const idle = yield* Queue.unbounded<Thread>()
      const all = Array.from({ length: threads }, () => new Thread(file))
      yield* Queue.offerAll(idle, all)
      yield* Effect.addFinalizer(() => Effect.forEach(all, ({ stop }) => stop, { discard: true }))
      return {
        width: threads,
        run: (task) =>
          Effect.acquireUseRelease(
            Queue.take(idle),
            (thread) => thread.run(task),
            (thread) => Queue.offer(idle, thread)
          )
      }
    })
  )

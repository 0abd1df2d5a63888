/** Runs of a sweep in worker threads: one long-lived thread per core, each a run at a time, and who takes which. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { CellRunner, type Outcome } from "../sweep/CellRunner.ts"
import { kindOf, takeNext } from "../sweep/RunKind.ts"
import { type Job, type Line, SweepThread } from "./SweepThread.ts"

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
          ),
        putBack: (jobs) => void waiting.unshift(...jobs),
        fetchBack: () => {
          for (const thread of all) {
            const job = thread.takeBack()
            if (job !== undefined) return void waiting.push(job)
          }
        }
      }
      const all: ReadonlyArray<SweepThread> = Array.from(
        { length: threads },
        () => new SweepThread(file, graceMs, line)
      )
      yield* Effect.addFinalizer(() =>
        Effect.forEach(all, ({ stop }) => stop, { concurrency: "unbounded", discard: true })
      )
      const withdraw = (job: Job) =>
        Effect.suspend(() => {
          const place = waiting.indexOf(job)
          if (place >= 0) waiting.splice(place, 1)
          return all.find((thread) => thread.has(job))?.giveUp(job) ?? Effect.void
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

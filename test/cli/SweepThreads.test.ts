/** Who carries out which run when runs lie ready in threads, with threads that simulate nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { threadRunner } from "../../src/cli/SweepThreads.ts"
import { cellsOf } from "../../src/sweep/Cell.ts"
import { CellRunner, type Task } from "../../src/sweep/CellRunner.ts"
import { base, plan, summaryOf } from "../sweep/Plans.ts"

/** A thread that begins its runs one after the other, does `work` with the text `config` of each, and says that it failed. */
const obedient = (work: string): URL =>
  new URL(
    'data:text/javascript,import { parentPort } from "node:worker_threads"; import { setTimeout as pause } from "node:timers/promises"; '
      + 'import { appendFileSync, existsSync, readFileSync } from "node:fs"; let runs = Promise.resolve(); '
      + 'parentPort.on("message", (message) => { if (message === "end") return parentPort.close(); const { claim, config } = message; '
      + "runs = runs.then(async () => { if (Atomics.compareExchange(claim, 0, 0, 1) !== 0) return; "
      + `${work}; parentPort.postMessage({ _tag: "Failed", reason: "as asked" }) }) })`
  )

const inFolder = <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "dynosim-threads-"))
  return use(folder).finally(() => rmSync(folder, { recursive: true, force: true }))
}

const sixRuns = plan(`base: ${base}
axes: {num-workers: [1, 2, 3], extra-engine-args.max_num_seqs: [4, 8]}
objective: minimise mean_ttft_ms
`)

const task = (workers: number): Task => {
  const settings = `{num-workers: ${workers}, ${base.slice(1)}`
  const made = Result.getOrThrow(
    Result.getOrThrow(cellsOf(plan(`base: ${settings}\nobjective: minimise total_gpus`)))([])
  )
  if ("_tag" in made || made[0] === undefined) throw new Error("_tag" in made ? made.reason : "no run")
  return { ...made[0], constraints: [] }
}

describe("runs that lie ready in threads", () => {
  it("go to a thread that has nothing to do, behind a long run", () =>
    inFolder(async (folder) => {
      const said = JSON.stringify(join(folder, "said"))
      // The first run ends once all others have.
      const others = `while (!existsSync(${said}) || readFileSync(${said}, "utf8").length < 5) await pause(2)`
      const thread = obedient(
        `if (/num-workers": ?1.*max_num_seqs": ?4/.test(config)) ${others}; else appendFileSync(${said}, ".")`
      )
      const { failed } = await Effect.runPromise(summaryOf(sixRuns, threadRunner(2, thread)))
      assert.strictEqual(failed.length, 6)
      assert.strictEqual(readFileSync(join(folder, "said"), "utf8"), ".....", "each is begun once")
    }))

  it("go to the next thread when theirs dies, which fails the run that it was at alone", async () => {
    const thread = obedient('if (/num-workers": ?2/.test(config)) process.exit(9)')
    const { failed } = await Effect.runPromise(summaryOf(sixRuns, threadRunner(1, thread)))
    assert.deepStrictEqual(
      failed.map(({ cell, reason }) => `${cell.values[0]}: ${reason}`),
      [1, 1, 2, 2, 3, 3].map((workers) => `${workers}: ${workers === 2 ? "the thread died with code 9" : "as asked"}`)
    )
  })

  it("are given up without their thread, and with it once they are begun", () =>
    inFolder(async (folder) => {
      const [said, go] = [join(folder, "said"), join(folder, "go")]
      const begin = `appendFileSync(${JSON.stringify(said)}, /num-workers": ?(.)/.exec(config)[1])`
      const thread = obedient(`${begin}; while (!existsSync(${JSON.stringify(go)})) await pause(2)`)
      const runs = Effect.gen(function* () {
        const { run } = yield* CellRunner
        const [begun, ready, waiting] = [
          Effect.runFork(run(task(2))),
          Effect.runFork(run(task(3))),
          Effect.runFork(run(task(4)))
        ]
        yield* Effect.promise(async () => {
          while (!existsSync(said)) await pause(2)
        })
        yield* Fiber.interrupt(ready)
        yield* Fiber.interrupt(begun)
        writeFileSync(go, "")
        return yield* Fiber.join(waiting)
      })
      const outcome = await Effect.runPromise(Effect.provide(runs, threadRunner(1, thread, 5)))
      assert.deepStrictEqual(outcome, { _tag: "Failed", reason: "as asked" })
      assert.strictEqual(readFileSync(said, "utf8"), "24", "the run that lay ready is never begun")
    }))
})

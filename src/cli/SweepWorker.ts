/** The program of a thread that carries out runs: it is sent options and constraints, and sends back what became of them. */
// oxlint-disable-next-line import/no-unassigned-import -- compiles schemas to code; must run before the first is used
import "effect/schema/SchemaJITCompiler/enable"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import { parentPort } from "node:worker_threads"
import { readGivenOptions } from "../config/GivenOptions.ts"
import { readConfig } from "../config/ReadConfig.ts"
import { validateReplayOptions } from "../config/ValidateReplayOptions.ts"
import { parseConditions } from "../report/Condition.ts"
import * as SharedInputs from "../run/SharedInputs.ts"
import * as StrictJson from "../settings/StrictJson.ts"
import { type Outcome, outcomeOf } from "../sweep/CellRunner.ts"
import { sweepMetrics } from "../sweep/SweepMetrics.ts"
import * as CommandServices from "./CommandServices.ts"
import { claims, endOfWork, post, type ThreadTask } from "./ThreadMessages.ts"

/** Lives as long as the thread, and with it what its runs share. */
const runtime = ManagedRuntime.make(Layer.merge(CommandServices.layer, SharedInputs.layer))

/** Aborted when nothing more is wanted of the thread, the run that it is at included. */
const ending = new AbortController()

const carryOut = ({ config, constraints }: ThreadTask): Promise<Outcome> => {
  const task = Result.gen(function* () {
    const tree = yield* StrictJson.parse(config)
    const { traces, values } = yield* readConfig({ _tag: "File", name: "run.json" }, tree)
    const options = yield* Result.flatMap(readGivenOptions(traces, values), validateReplayOptions)
    return { options, constraints: yield* parseConditions(constraints, sweepMetrics) }
  })
  if (Result.isFailure(task)) return Promise.resolve({ _tag: "Failed", reason: task.failure.message })
  return runtime.runPromise(outcomeOf(task.success), { signal: ending.signal })
}

/** The runs that the thread was given, one after the other. */
let runs: Promise<void> = Promise.resolve()

const end = async (): Promise<void> => {
  ending.abort()
  await Promise.allSettled([runs])
  await runtime.dispose()
  parentPort?.close()
}

parentPort?.on("message", (message: ThreadTask | typeof endOfWork) => {
  if (message === endOfWork) {
    void end()
    return
  }
  // Whatever is not an outcome ends the thread, and its sweep is told so.
  runs = runs.then(async () => {
    if (!claims(message.claim)) return
    const outcome = await carryOut(message)
    if (parentPort !== null) post(parentPort, outcome)
  })
})

/** Runs that need more memory than the machine gives, explained by the settings that decide how much they need. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { ReplayOptions } from "../run/ReplayOptions.ts"
import { poolsOf } from "../run/WorkerGroups.ts"
import { HeapFull } from "../simulation/HeapGuard.ts"
import { OutOfMemory } from "../simulation/WorkerMemory.ts"
import { MemoryProblem } from "./CliError.ts"

/** What V8 says when an allocation fails or would pass its limits. */
const refused =
  /Array buffer allocation failed|Invalid (typed )?array (buffer )?length|Set maximum size exceeded|Map maximum size exceeded/

const reasonOf = (error: unknown): string | undefined => {
  if (error instanceof OutOfMemory) return error.message
  return error instanceof RangeError && refused.test(error.message) ? "the machine refused more memory" : undefined
}

const sizesOf = ({ deployment }: ReplayOptions): string =>
  poolsOf(deployment)
    .map(({ groups, role }) => {
      const sizes = groups.map(({ engine, workers }) => `${workers} x ${engine.numGpuBlocks} KV blocks`).join(" and ")
      return role === "aggregated" ? sizes : `${sizes} for ${role}`
    })
    .join(", ")

const heapHint =
  "let fewer requests wait (more workers, a lower rate, --replay-concurrency, --max-sim-time-seconds), "
  + "or give Node.js a larger heap: NODE_OPTIONS=--max-old-space-size=MIB"

/** Turns a refused allocation into one line. */
export const explainingMemory =
  (options: ReplayOptions) =>
  <A, E, R>(run: Effect.Effect<A, E, R>): Effect.Effect<A, E | MemoryProblem, R> =>
    Effect.catchCause(run, (cause): Effect.Effect<never, E | MemoryProblem> => {
      const error = Cause.squash(cause)
      if (error instanceof HeapFull) return new MemoryProblem({ problem: error.message, hint: heapHint })
      const reason = reasonOf(error)
      if (reason === undefined) return Effect.failCause(cause)
      return new MemoryProblem({
        problem: `not enough memory for ${sizesOf(options)}: ${reason}`,
        hint: "lower num_gpu_blocks, the number of workers, or the requests in flight"
      })
    })

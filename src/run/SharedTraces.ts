/**
 * Traces that several runs replay: each opened, checked and hashed once, and its rows, where they are few enough, decoded once and
 * their prompts made into blocks once.
 *
 * What is kept is as good as new, because a trace gives the same rows at every run; so a run is the same with and without.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type * as Stdio from "effect/Stdio"
import type { TraceError } from "../trace/TraceError.ts"
import { TraceFileObserver } from "../trace/TraceFile.ts"
import type { TraceSource } from "../trace/TraceSource.ts"
import type { PromptsOf } from "../workload/Workload.ts"
import { InputHashes, Sha256 } from "./InputHashes.ts"
import { LastPrompts } from "./LastPrompts.ts"
import { openInput } from "./OpenTrace.ts"
import type { TraceInput } from "./ReplayOptions.ts"

export interface SharedTrace {
  readonly trace: TraceSource
  readonly promptsOf: PromptsOf
  /** Hashes of its files, by name; none on a platform without SHA-256. */
  readonly sha256: Readonly<Record<string, string>>
}

export type OpenShared = (
  input: TraceInput
) => Effect.Effect<SharedTrace, TraceError, FileSystem.FileSystem | Stdio.Stdio>

/** Opens a trace for all runs to come; without it, every run opens its own. */
export const SharedTraces = Context.Reference<OpenShared | undefined>("dynosim/run/SharedTraces", {
  defaultValue: () => undefined
})

/** Runs mostly replay one trace, and rarely more than a few in turn. */
const mostTraces = 4

const openAndHash = Effect.fnUntraced(function* (input: TraceInput, prompts: LastPrompts) {
  const makeHash = yield* Sha256
  const hashes = makeHash === undefined ? undefined : new InputHashes(makeHash)
  const trace = yield* Effect.provideService(openInput(input), TraceFileObserver, hashes?.observe)
  const opened: SharedTrace = {
    trace,
    promptsOf: (blockTokens) => prompts.of(trace, blockTokens),
    sha256: hashes?.finish() ?? {}
  }
  return opened
})

/** Keeps the traces that were opened last; copies of inputs that can be read only once live as long as the layer. */
export const layer: Layer.Layer<never> = Layer.effect(
  SharedTraces,
  Effect.gen(function* () {
    const scope = yield* Scope.Scope
    const kept = new Map<string, SharedTrace>()
    const prompts = new LastPrompts()
    return Effect.fnUntraced(function* (input: TraceInput) {
      const key = JSON.stringify(input)
      const opened = kept.get(key) ?? (yield* Scope.provide(openAndHash(input, prompts), scope))
      // The map is in the order of last use.
      kept.delete(key)
      kept.set(key, opened)
      const [oldest] = kept.keys()
      if (kept.size > mostTraces && oldest !== undefined) kept.delete(oldest)
      return opened
    })
  })
)

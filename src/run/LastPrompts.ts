/** The prompts of the trace that was replayed last as blocks, so that its next run need not make them again. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { InternedPrompts } from "../request/InternedPrompts.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceSource } from "../trace/TraceSource.ts"

export class LastPrompts {
  private readonly mostBlocks: number
  private last: { readonly trace: TraceSource; readonly prompts: InternedPrompts } | undefined

  /** Keeps so many blocks at the most; by default 16 MiB of them. */
  constructor(mostBlocks: number = 1 << 22) {
    this.mostBlocks = mostBlocks
  }

  /** `undefined` where there would be too many blocks. */
  readonly of = Effect.fnUntraced(function* (
    this: LastPrompts,
    trace: TraceSource,
    blockTokens: number
  ): Effect.fn.Return<InternedPrompts | undefined, TraceError> {
    const { survey, traceBlockTokens } = trace
    if (this.last?.trace === trace && this.last.prompts.blockTokens === blockTokens) return this.last.prompts
    if (survey.promptTokens / blockTokens > this.mostBlocks) return undefined
    const interning = InternedPrompts.builder(survey, traceBlockTokens, blockTokens)
    // The old ones go before the new ones come.
    this.last = undefined
    yield* Stream.runForEachArray(trace.rows, (rows) =>
      Effect.sync(() => {
        for (const { hashIds, promptTokens } of rows) interning.add(hashIds, promptTokens)
      })
    )
    const prompts = interning.finish()
    this.last = { trace, prompts }
    return prompts
  })
}

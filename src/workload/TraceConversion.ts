/** Traces of one format as text of another, as far as that can say the same. */
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { isAgenticRow } from "../trace/AgenticMooncakeReader.ts"
import type { TraceError } from "../trace/TraceError.ts"
import type { TraceSource } from "../trace/TraceSource.ts"
import { agenticMooncakeText, mooncakeText } from "../trace/TraceWriter.ts"
import { wholePrompts } from "./WholePrompts.ts"

/** What a trace becomes. */
export interface ConversionOptions {
  readonly to: "mooncake" | "agentic_mooncake"
  /** Tokens per hash id of the result, where its blocks are named anew; those of the trace by default. */
  readonly blockTokens?: number | undefined
}

/** The converted trace, line by line. */
export interface ConvertedTrace {
  readonly text: Stream.Stream<string, TraceError>
  /** Tokens per hash id, which the text itself does not say. */
  readonly traceBlockTokens: number
}

/** The text, or why there can be none. */
export const convertTrace = (
  trace: TraceSource,
  { blockTokens, to }: ConversionOptions
): Result.Result<ConvertedTrace, string> => {
  const { accumulatesPrompts, graph, rows, traceBlockTokens } = trace
  if (to === "agentic_mooncake") {
    if (graph === undefined)
      return Result.fail("its requests do not wait for each other by name; mooncake says all there is to say")
    return Result.succeed({ text: agenticMooncakeText(Stream.filter(rows, isAgenticRow)), traceBlockTokens })
  }
  if (graph !== undefined) {
    return Result.fail("its requests wait for each other by name, which mooncake rows cannot say; agentic_mooncake can")
  }
  if (!accumulatesPrompts) return Result.succeed({ text: mooncakeText(rows), traceBlockTokens })
  const writtenTokens = blockTokens ?? traceBlockTokens
  return Result.succeed({ text: mooncakeText(wholePrompts(trace, writtenTokens)), traceBlockTokens: writtenTokens })
}

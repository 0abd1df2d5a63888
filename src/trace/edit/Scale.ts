/** A trace that comes faster or slower, or whose prompts and outputs are longer or shorter. */
import * as Effect from "effect/Effect"
import { maxTokens } from "../FieldSchemas.ts"
import { TraceError } from "../TraceError.ts"
import type { TraceRow } from "../TraceRow.ts"
import type { TraceSource } from "../TraceSource.ts"
import { edited, type EditedTrace, refusal } from "./EditedTrace.ts"
import { scaledHashIds } from "./ScaledHashIds.ts"

/** By which factors a trace is scaled. */
export interface ScaleOptions {
  /** Arrivals come so many times faster, waits between turns are as much shorter; 1 leaves them. */
  readonly rate: number
  /** Lengths become so many times longer, rounded, at least one token. */
  readonly input: number
  readonly output: number
}

const scaledLength = (tokens: number, factor: number): number => Math.max(1, Math.round(tokens * factor))

const scaledTimes = (row: TraceRow, originMs: number, rate: number): TraceRow =>
  rate === 1
    ? row
    : {
        ...row,
        timestampMs: row.timestampMs === undefined ? undefined : originMs + (row.timestampMs - originMs) / rate,
        delayMs: row.delayMs === undefined ? undefined : row.delayMs / rate
      }

const scaledLengths = (row: TraceRow, traceBlockTokens: number, input: number, output: number): TraceRow => {
  const promptTokens = scaledLength(row.promptTokens, input)
  return {
    ...row,
    promptTokens,
    outputTokens: scaledLength(row.outputTokens, output),
    hashIds: scaledHashIds(row, { promptTokens, factor: input, traceBlockTokens })
  }
}

/** Longer prompts are not written: their blocks alone would take gigabytes. */
const maxPromptTokens = 2 ** 24

const tooLong = (
  file: string,
  { line, outputTokens, promptTokens }: TraceRow,
  { input, output }: ScaleOptions
): TraceError | undefined => {
  const problem = (what: string, tokens: number, most: number): TraceError =>
    new TraceError({
      file,
      line,
      problem: `trace line ${line} would have ${what} of ${Math.round(tokens)} tokens; at most ${most} are supported`
    })
  if (promptTokens * input > maxPromptTokens) return problem("a prompt", promptTokens * input, maxPromptTokens)
  return outputTokens * output > maxTokens ? problem("an output", outputTokens * output, maxTokens) : undefined
}

/** Scales arrival rate and lengths. Fails where the trace plans its tokens one by one, or lengths would be beyond what is supported. */
export const scale = Effect.fnUntraced(function* (
  trace: TraceSource,
  options: ScaleOptions
): Effect.fn.Return<EditedTrace, TraceError> {
  const { input, output, rate } = options
  const { originMs = 0, plansOutputs } = trace.survey
  const keepsLengths = input === 1 && output === 1
  if (!keepsLengths && plansOutputs) {
    return yield* refusal(trace, "has output_token_ids, which say every token: its lengths cannot be scaled")
  }
  return edited(trace, () => ({
    take: (row, emit) => {
      const problem = keepsLengths ? undefined : tooLong(trace.file, row, options)
      if (problem !== undefined) return problem
      const timed = scaledTimes(row, originMs, rate)
      emit(keepsLengths ? timed : scaledLengths(timed, trace.traceBlockTokens, input, output))
      return undefined
    }
  }))
})

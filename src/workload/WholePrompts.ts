/**
 * Rows that hold what their turn adds to the session's prompt (`mooncake-delta`), as rows that hold the whole prompt.
 *
 * What a session heard and said so far does not end at block boundaries, so the blocks are named anew: equal prefixes, cut
 * into blocks of `blockTokens`, get equal ids. Memory follows the distinct blocks of the trace.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TokenRunIdentity } from "../request/TokenRunIdentity.ts"
import { TraceError } from "../trace/TraceError.ts"
import type { TraceRow } from "../trace/TraceRow.ts"
import type { TraceSource } from "../trace/TraceSource.ts"
import { TokenRuns } from "./TokenRuns.ts"

/** Symbols that no hash id and no token is: they fill up last blocks, and stand for outputs that nothing is known of. */
const filler = -1
const firstUnknown = filler - 1

/** Longer prompts are not written out: their blocks alone would take gigabytes. */
const maxWholeTokens = 2 ** 24

const tooLong = (file: string, { line, promptTokens, sessionId }: TraceRow): TraceError =>
  new TraceError({
    file,
    line,
    problem:
      `the whole prompt of trace line ${line}${sessionId === undefined ? "" : ` in session ${sessionId}`} has`
      + ` ${promptTokens} tokens; at most ${maxWholeTokens} can be written`
  })

/** A session that may go on. */
interface OpenSession {
  readonly runs: TokenRuns
  turnsLeft: number
}

class PromptAccumulator {
  private readonly trace: TraceSource
  private readonly blockTokens: number
  private readonly identity: TokenRunIdentity
  private readonly sessions = new Map<string, OpenSession>()
  private nextSession = 0
  private nextUnknown = firstUnknown

  constructor(trace: TraceSource, blockTokens: number) {
    this.trace = trace
    this.blockTokens = blockTokens
    this.identity = new TokenRunIdentity(trace.traceBlockTokens, blockTokens)
  }

  whole(row: TraceRow): TraceRow {
    const { runs } = this.sessionOf(row)
    runs.pushPrompt(row.hashIds, row.promptTokens, this.trace.traceBlockTokens)
    const promptTokens = runs.tokens
    // Too long to be written out, which the caller says.
    const hashIds = promptTokens > maxWholeTokens ? [] : this.blocksOf(runs)
    if (row.outputTokenIds === undefined) runs.push(this.nextUnknown--, row.outputTokens)
    else for (let index = 0; index < row.outputTokens; index++) runs.push(row.outputTokenIds[index]!, 1)
    return { ...row, promptTokens, hashIds }
  }

  /** The prompt so far in blocks, the last one filled up. */
  private blocksOf({ counts, symbols, tokens }: TokenRuns): Int32Array {
    const missing = -tokens % this.blockTokens
    return missing === 0
      ? this.identity.blocksOfRuns(symbols, counts)
      : this.identity.blocksOfRuns([...symbols, filler], [...counts, this.blockTokens + missing])
  }

  private sessionOf({ sessionId }: TraceRow): OpenSession {
    const known = sessionId === undefined ? undefined : this.sessions.get(sessionId)
    const session = known ?? {
      runs: new TokenRuns(),
      turnsLeft: this.trace.survey.sessionTurns?.[this.nextSession++] ?? 1
    }
    session.turnsLeft -= 1
    if (sessionId !== undefined) {
      if (session.turnsLeft > 0) this.sessions.set(sessionId, session)
      else this.sessions.delete(sessionId)
    }
    return session
  }
}

/** The rows of a trace whose prompts accumulate, each with its whole prompt in hash ids of `blockTokens` tokens. */
export const wholePrompts = (trace: TraceSource, blockTokens: number): Stream.Stream<TraceRow, TraceError> =>
  Stream.suspend(() => {
    const prompts = new PromptAccumulator(trace, blockTokens)
    return Stream.mapArrayEffect(trace.rows, (rows) =>
      Effect.suspend(() => {
        const whole = Arr.map(rows, (row) => prompts.whole(row))
        const long = whole.find(({ promptTokens }) => promptTokens > maxWholeTokens)
        return long === undefined ? Effect.succeed(whole) : Effect.fail(tooLong(trace.file, long))
      })
    )
  })

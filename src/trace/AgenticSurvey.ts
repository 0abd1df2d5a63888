/**
 * One pass over the rows of an agentic trace: resolves the names they wait for, refuses graphs that could never
 * finish, and finds out whether the rows may be streamed.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgenticRow } from "./AgenticMooncakeReader.ts"
import { findCycle, requestGraph } from "./RequestGraph.ts"
import type { RequestGraph } from "./RequestGraph.ts"
import { TraceError } from "./TraceError.ts"
import type { TraceSurvey } from "./TraceSurvey.ts"

export interface AgenticSurvey {
  readonly survey: TraceSurvey
  readonly graph: RequestGraph
}

/** Numbers names in order of first mention, whether a row has the name or only waits for it. */
class Names {
  private readonly numbers = new Map<string, number>()
  readonly texts: Array<string> = []
  /** Row that has the name, `-1` while none is known. */
  readonly rows: Array<number> = []

  numberOf(name: string): number {
    const known = this.numbers.get(name)
    if (known !== undefined) return known
    this.numbers.set(name, this.texts.length)
    this.rows.push(-1)
    return this.texts.push(name) - 1
  }
}

/** What messages say, apart from names and numbers. */
export interface AgenticWording {
  readonly file: string
  readonly noRequests: string
  /** The request is one of those that wait for each other in a circle. */
  readonly cycle: (request: string) => string
  /** Why the trace cannot be replayed at fixed concurrency. */
  readonly noClosedLoop: string
}

export class AgenticFold {
  private readonly file: string
  private readonly wording: AgenticWording
  private readonly names = new Names()
  /** Physical line and name of each row. */
  private readonly lines: Array<number> = []
  private readonly nameOfRow: Array<number> = []
  /** Edges: the row that waits and the name it waits for. */
  private readonly waiting: Array<number> = []
  private readonly awaitedNames: Array<number> = []
  private readonly sessions = new Set<string>()
  private namelessRows = 0
  /** No row can be ready before this, in trace time; what {@link streamable} is judged by. */
  private readonly earliestMs: Array<number> = []
  private streamable = true
  private latestStartMs = Number.NEGATIVE_INFINITY
  private originMs = Number.POSITIVE_INFINITY
  private waitsMs = 0
  private plansOutputs = false
  private hasClasses = false
  private promptTokens = 0
  private outputTokens = 0

  constructor(wording: AgenticWording) {
    this.file = wording.file
    this.wording = wording
  }

  add(row: AgenticRow): TraceError | undefined {
    const name = this.names.numberOf(row.requestId)
    if (this.names.rows[name] !== -1) {
      const first = this.lines[this.names.rows[name]!]!
      return this.error(
        row.line,
        `trace line ${row.line} duplicates request_id ${row.requestId} (first on line ${first})`
      )
    }
    const index = this.lines.push(row.line) - 1
    this.names.rows[name] = index
    this.nameOfRow.push(name)
    this.noteTimes(row, index)
    if (row.sessionId === undefined) this.namelessRows += 1
    else this.sessions.add(row.sessionId)
    this.plansOutputs ||= row.outputTokenIds !== undefined
    this.hasClasses ||= row.className !== undefined
    this.promptTokens += row.promptTokens
    this.outputTokens += row.outputTokens
    return undefined
  }

  finish(): AgenticSurvey | TraceError {
    const { file, lines, waiting } = this
    if (lines.length === 0) {
      return new TraceError({ file, problem: this.wording.noRequests })
    }
    const awaited = this.resolve()
    if (awaited instanceof TraceError) return awaited
    const again = findCycle(lines.length, { waiting, awaited })
    if (again >= 0) return this.error(lines[again]!, this.wording.cycle(this.rowName(again)))
    return { graph: requestGraph(lines.length, { waiting, awaited }), survey: this.survey() }
  }

  /** Rows that the edges wait for, or the first edge that leads nowhere. */
  private resolve(): Array<number> | TraceError {
    const awaited: Array<number> = []
    for (let edge = 0; edge < this.waiting.length; edge++) {
      const row = this.waiting[edge]!
      const dependency = this.names.rows[this.awaitedNames[edge]!]!
      const line = this.lines[row]!
      if (dependency < 0) {
        const missing = this.names.texts[this.awaitedNames[edge]!]!
        return this.error(line, `request ${this.rowName(row)} waits for unknown request_id ${missing}`)
      }
      if (dependency === row) return this.error(line, `request ${this.rowName(row)} cannot wait for itself`)
      awaited.push(dependency)
    }
    return awaited
  }

  private survey(): TraceSurvey {
    return {
      rows: this.lines.length,
      sessions: this.sessions.size + this.namelessRows,
      multiTurn: false,
      sessionTurns: undefined,
      // Without any timestamp all rows that wait for nothing start at 0.
      originMs: Number.isFinite(this.originMs) ? this.originMs : 0,
      lastStartMs: Number.isFinite(this.latestStartMs) ? this.latestStartMs : undefined,
      // No path is longer than all waits together.
      horizonMs: (Number.isFinite(this.latestStartMs) ? this.latestStartMs : 0) + this.waitsMs,
      order: this.streamable ? "by-session" : "none",
      plansOutputs: this.plansOutputs,
      hasClasses: this.hasClasses,
      clampedRows: 0,
      promptTokens: this.promptTokens,
      outputTokens: this.outputTokens,
      openLoopProblem: undefined,
      closedLoopProblem: new TraceError({ file: this.file, problem: this.wording.noClosedLoop })
    }
  }

  private noteTimes(row: AgenticRow, index: number): void {
    this.waitsMs += row.delayMs
    if (row.timestampMs !== undefined) this.originMs = Math.min(this.originMs, row.timestampMs)
    let earliestMs = row.timestampMs ?? Number.NaN
    if (row.waitFor.length > 0) {
      earliestMs = Number.NEGATIVE_INFINITY
      for (const name of row.waitFor) {
        const number = this.names.numberOf(name)
        this.waiting.push(index)
        this.awaitedNames.push(number)
        // A row not read yet has no entry, which makes the sum NaN and the trace one to be read whole.
        earliestMs = Math.max(earliestMs, this.earliestMs[this.names.rows[number]!] ?? Number.NaN)
      }
      earliestMs += row.delayMs
    }
    if (!(earliestMs >= this.latestStartMs)) this.streamable = false
    if (row.waitFor.length === 0 && row.timestampMs !== undefined) {
      this.latestStartMs = Math.max(this.latestStartMs, row.timestampMs)
    }
    this.earliestMs.push(earliestMs)
  }

  private rowName(row: number): string {
    return this.names.texts[this.nameOfRow[row]!]!
  }

  private error(line: number, problem: string): TraceError {
    return new TraceError({ file: this.file, line, problem })
  }
}

/** Surveys the rows of an agentic trace; fails with the first row that cannot be replayed. */
export const surveyAgentic = (
  rows: Stream.Stream<AgenticRow, TraceError>,
  file: string
): Effect.Effect<AgenticSurvey, TraceError> =>
  Effect.suspend(() => {
    const fold = new AgenticFold({
      file,
      noRequests: "holds no requests",
      cycle: (request) => `cycle detected at request ${request}: it waits, over others, for itself`,
      noClosedLoop: "agentic_mooncake trace format is not supported with replay_concurrency"
    })
    const addAll = (chunk: ReadonlyArray<AgenticRow>): Effect.Effect<void, TraceError> => {
      for (const row of chunk) {
        const problem = fold.add(row)
        if (problem !== undefined) return Effect.fail(problem)
      }
      return Effect.void
    }
    return Effect.flatMap(Stream.runForEachArray(rows, addAll), () => {
      const survey = fold.finish()
      return survey instanceof TraceError ? Effect.fail(survey) : Effect.succeed(survey)
    })
  })

/**
 * TraceLab rows: a request of an agent's session per line, by what its prompt has from before and what is new.
 *
 * The first turn of a session starts at the first of its timing events; a later one follows the turn before after the time that the
 * tools between them took, as far as the rows say, or else after what the timing events leave.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Fields from "../FieldSchemas.ts"
import { isJsonObject, type JsonObject } from "../JsonLine.ts"
import type { RowResult } from "../RowReader.ts"
import { plainRow, type TraceRow } from "../TraceRow.ts"
import { TraceClock } from "./Cells.ts"
import { defaultForeignBlockTokens, type ForeignReading, type OpenForeign } from "./ForeignFormat.ts"
import { openObjectLines } from "./JsonLinesFormat.ts"
import { MadeUpPrompts } from "./MadeUpPrompts.ts"

const traceLabFields = {
  session_id: Schema.String,
  input_tokens_total: Fields.Count,
  output_tokens: Fields.Count,
  prefix_tokens: Fields.TokenCount,
  newly_append_tokens: Fields.TokenCount,
  timing_events: Schema.optionalKey(Schema.Unknown),
  tools: Schema.optionalKey(Schema.Unknown)
}

const decode = Schema.decodeUnknownResult(Schema.Struct(traceLabFields))

const rules = {
  known: new Set(Object.keys(traceLabFields)),
  integers: new Set(["input_tokens_total", "output_tokens", "prefix_tokens", "newly_append_tokens"])
}

const timeKeys = ["timestamp", "time", "ts", "t", "start", "start_time"]

/** Moments of the events: a list of objects with a time each, or an object of times by name. */
const momentsOf = (events: unknown): ReadonlyArray<unknown> => {
  if (Array.isArray(events)) {
    return events.flatMap((event) => {
      if (!isJsonObject(event)) return [event]
      const key = timeKeys.find((name) => event[name] !== undefined)
      return key === undefined ? [] : [event[key]]
    })
  }
  return isJsonObject(events) ? Object.values(events) : []
}

/** How long the tools took together, in ms; nothing when they do not say. */
const toolWaitMs = (tools: unknown): number | undefined => {
  if (!Array.isArray(tools)) return undefined
  let sum: number | undefined
  for (const tool of tools) {
    if (!isJsonObject(tool)) continue
    const ms = tool["duration_ms"] ?? tool["latency_ms"]
    const seconds = tool["duration_s"] ?? tool["duration"] ?? tool["latency"]
    if (typeof ms === "number") sum = (sum ?? 0) + ms
    else if (typeof seconds === "number") sum = (sum ?? 0) + seconds * 1000
  }
  return sum
}

interface SessionState {
  lastEventMs: number | undefined
  toolsMs: number | undefined
}

class Requests {
  private readonly clock: TraceClock
  private readonly prompts: MadeUpPrompts
  private readonly waits: boolean
  private readonly sessions = new Map<string, SessionState>()

  constructor(reading: ForeignReading, blockTokens: number) {
    this.clock = new TraceClock(reading.timeUnit ?? "s")
    this.prompts = new MadeUpPrompts(blockTokens, reading.prefixes, reading.seed)
    this.waits = (reading.sessionTurns ?? "wait") === "wait"
  }

  rowOf(object: JsonObject, line: number): RowResult<TraceRow> {
    const decoded = decode(object)
    if (Result.isFailure(decoded)) return { problem: Fields.describeIssue(decoded.failure.issue, object) }
    const { input_tokens_total, newly_append_tokens, output_tokens, prefix_tokens, session_id, timing_events, tools } =
      decoded.success
    if (input_tokens_total < 1) return { problem: `trace line ${line} must have a positive input_tokens_total` }
    if (output_tokens < 1) return { problem: `trace line ${line} must have at least one output token` }
    const shared = prefix_tokens ?? input_tokens_total - (newly_append_tokens ?? input_tokens_total)
    if (shared > input_tokens_total) {
      return { problem: `trace line ${line} has more prefix_tokens than input_tokens_total` }
    }
    const moments: Array<number> = []
    for (const moment of momentsOf(timing_events)) {
      const ms = this.clock.read(moment)
      if (typeof ms === "string") return { problem: `trace line ${line} timing_events: ${ms}` }
      moments.push(ms)
    }
    const startMs = moments.length === 0 ? undefined : Math.min(...moments)
    const previous = this.sessions.get(session_id)
    const gapMs =
      startMs === undefined || previous?.lastEventMs === undefined
        ? undefined
        : Math.max(0, startMs - previous.lastEventMs)
    this.sessions.set(session_id, {
      lastEventMs: moments.length === 0 ? undefined : Math.max(...moments),
      toolsMs: toolWaitMs(tools)
    })
    return {
      row: plainRow({
        line,
        timestampMs: this.waits && previous !== undefined ? undefined : startMs,
        promptTokens: input_tokens_total,
        outputTokens: output_tokens,
        hashIds: this.prompts.next(session_id, input_tokens_total, output_tokens, shared),
        sessionId: this.waits ? session_id : undefined,
        delayMs: this.waits && previous !== undefined ? (previous.toolsMs ?? gapMs ?? 0) : undefined,
        annotations: this.waits ? undefined : { session: session_id }
      })
    }
  }
}

export const openTraceLab: OpenForeign = (reading) => {
  const { file, traceBlockTokens = defaultForeignBlockTokens } = reading
  return openObjectLines(
    { file, readAs: "tracelab", rules, traceBlockTokens, accumulatesPrompts: false },
    () => new Requests(reading, traceBlockTokens)
  )
}

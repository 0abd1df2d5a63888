/**
 * Sessions of the `applied_compute_agentic` format: one line describes a whole session by lengths, without content.
 *
 * The content is made up: every trace block of a session has an id of its own that later turns keep, except that the
 * first blocks may come from the prefix of the session's group.
 */
import * as Arr from "effect/Array"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { describeIssue, maxTimeMs, maxTokens } from "./FieldSchemas.ts"
import * as Fields from "./FieldSchemas.ts"
import type { FieldRules, JsonObject } from "./JsonLine.ts"
import type { LineBatch } from "./LineReader.ts"
import { readRows } from "./RowReader.ts"
import type { RowResult } from "./RowReader.ts"
import type { TraceError } from "./TraceError.ts"
import { plainRow, type TraceRow } from "./TraceRow.ts"

const sessionFields = {
  num_turns: Fields.Count,
  input_prompt_length: Fields.Count,
  assistant_response_length: Fields.Counts,
  tool_call_output_length: Fields.Counts,
  /** Seconds. */
  tool_call_latency: Fields.FiniteNumbers,
  final_assistant_response_length: Fields.Count
}

type SessionFields = Schema.Struct.Type<typeof sessionFields>

const decodeFields = Schema.decodeUnknownResult(Schema.Struct(sessionFields))

const rules: FieldRules = {
  known: new Set(Object.keys(sessionFields)),
  integers: new Set(Object.keys(sessionFields).filter((field) => field !== "tool_call_latency"))
}

const lists = ["assistant_response_length", "tool_call_output_length", "tool_call_latency"] as const

/** A line, checked. */
interface SessionLine {
  readonly line: number
  readonly fields: SessionFields
}

const problemOf = (line: number, fields: SessionFields): string | undefined => {
  for (const list of lists) {
    if (fields[list].length !== fields.num_turns) {
      return `trace line ${line} field ${list} length ${fields[list].length} does not match num_turns ${fields.num_turns}`
    }
  }
  if (fields.input_prompt_length < 1) return `trace line ${line} input_prompt_length must be positive`
  const latency = fields.tool_call_latency.findIndex((seconds) => !(seconds >= 0 && seconds * 1000 <= maxTimeMs))
  if (latency >= 0) {
    const seconds = fields.tool_call_latency[latency]!
    const rule = seconds < 0 ? "must be a finite non-negative number" : `must be at most ${maxTimeMs / 1000} seconds`
    return `trace line ${line} tool_call_latency[${latency}] ${rule}, got ${seconds}`
  }
  const silent = fields.assistant_response_length.indexOf(0)
  if (silent >= 0) return `trace line ${line} assistant_response_length[${silent}] is 0; it must be at least 1`
  if (fields.final_assistant_response_length < 1) {
    return `trace line ${line} final_assistant_response_length is 0; it must be at least 1`
  }
  const added = fields.assistant_response_length.concat(fields.tool_call_output_length)
  const lastPromptTokens = added.reduce((sum, tokens) => sum + tokens, fields.input_prompt_length)
  return lastPromptTokens > maxTokens
    ? `trace line ${line} grows a prompt to ${lastPromptTokens} tokens; at most ${maxTokens} are supported`
    : undefined
}

const sessionOf = (object: JsonObject, line: number): RowResult<SessionLine> => {
  const decoded = decodeFields(object)
  if (Result.isFailure(decoded)) return { problem: describeIssue(decoded.failure.issue, object) }
  const problem = problemOf(line, decoded.success)
  return problem === undefined ? { row: { line, fields: decoded.success } } : { problem }
}

export interface AppliedComputeOptions {
  readonly traceBlockTokens: number
  /** Share of the first prompt's blocks that come from the group's prefix, 0 … 1. */
  readonly sharedPrefixRatio: number
  /** Groups with a prefix each; lines take them in turn. None: nothing is shared. */
  readonly prefixGroups: number
}

/**
 * Ids of one session's blocks. With one group the shared blocks are 0, 1, 2, … as in the reference; with several each
 * group has one id for all its shared blocks, from 2^32 - 1 down: far from the private ids, which count up from 1
 * over the whole file.
 */
const sharedId = (prefixGroups: number, group: number, block: number): number =>
  prefixGroups === 1 ? block : 2 ** 32 - 1 - group

/** Turns lines into rows; numbers private blocks through the whole file. */
class SessionExpander {
  private readonly options: AppliedComputeOptions
  private nextPrivateId = 1

  constructor(options: AppliedComputeOptions) {
    this.options = options
  }

  rowsOf({ fields, line }: SessionLine): Arr.NonEmptyArray<TraceRow> {
    const lengths: Arr.NonEmptyArray<number> = [fields.input_prompt_length]
    for (let turn = 0; turn < fields.num_turns; turn++) {
      lengths.push(lengths[turn]! + fields.assistant_response_length[turn]! + fields.tool_call_output_length[turn]!)
    }
    const hashIds = this.hashIdsOf(line, lengths[0], lengths[fields.num_turns]!)
    const row = (promptTokens: number, turn: number): TraceRow =>
      plainRow({
        line,
        timestampMs: undefined,
        promptTokens,
        outputTokens: fields.assistant_response_length[turn] ?? fields.final_assistant_response_length,
        hashIds: hashIds.subarray(0, this.blocksFor(promptTokens)),
        sessionId: `applied_compute_agentic_session_${line}`,
        delayMs: turn === 0 ? undefined : fields.tool_call_latency[turn - 1]! * 1000
      })
    return Arr.map(lengths, row)
  }

  private blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.options.traceBlockTokens)
  }

  private hashIdsOf(line: number, firstPromptTokens: number, lastPromptTokens: number): Uint32Array {
    const { prefixGroups, sharedPrefixRatio } = this.options
    const shared = prefixGroups === 0 ? 0 : Math.round(this.blocksFor(firstPromptTokens) * sharedPrefixRatio)
    const group = prefixGroups === 0 ? 0 : (line - 1) % prefixGroups
    return Uint32Array.from({ length: this.blocksFor(lastPromptTokens) }, (_, block) =>
      block < shared ? sharedId(prefixGroups, group, block) : this.nextPrivateId++
    )
  }
}

/** Lines expanded at once: a line can become hundreds of rows with hundreds of ids each. */
const linesPerChunk = 16

/** Checked rows, the turns of each session one after the other; fails with the first bad line. */
export const appliedComputeRows = (
  lines: Stream.Stream<LineBatch, TraceError>,
  file: string,
  options: AppliedComputeOptions
): Stream.Stream<TraceRow, TraceError> =>
  Stream.suspend(() => {
    const expander = new SessionExpander(options)
    return readRows(lines, { file, rules, readAs: "applied_compute_agentic", rowOf: sessionOf }).pipe(
      Stream.rechunk(linesPerChunk),
      Stream.mapArray((sessions) => Arr.flatMap(sessions, (session) => expander.rowsOf(session)))
    )
  })

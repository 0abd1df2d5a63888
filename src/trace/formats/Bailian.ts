/**
 * Bailian (Qwen) usage traces: seconds, 16 tokens per hash id, whole prompts; a chat points to the one that it goes on from.
 *
 * By default every request arrives at its own time; with waiting turns the chats of one chain are a session.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { counted } from "../../settings/Counted.ts"
import * as Fields from "../FieldSchemas.ts"
import type { JsonObject } from "../JsonLine.ts"
import type { RowResult } from "../RowReader.ts"
import { plainRow, type TraceRow } from "../TraceRow.ts"
import { TraceClock } from "./Cells.ts"
import type { OpenForeign, SessionTurns } from "./ForeignFormat.ts"
import { openObjectLines } from "./JsonLinesFormat.ts"

const bailianFields = {
  chat_id: Schema.Finite,
  parent_chat_id: Schema.Finite,
  timestamp: Schema.Finite,
  input_length: Fields.Count,
  output_length: Fields.Count,
  hash_ids: Fields.HashList,
  type: Fields.Text,
  turn: Fields.TokenCount
}

const decode = Schema.decodeUnknownResult(Schema.Struct(bailianFields))

const rules = {
  known: new Set(Object.keys(bailianFields)),
  integers: new Set(["chat_id", "parent_chat_id", "input_length", "output_length", "hash_ids", "turn"])
}

/** Tokens per hash id in the published traces. */
const publishedBlockTokens = 16

class Chats {
  private readonly clock = new TraceClock("s")
  /** First chat of the chain of every chat. */
  private readonly roots = new Map<number, number>()
  private readonly turns: SessionTurns
  private leftOut = 0

  constructor(turns: SessionTurns) {
    this.turns = turns
  }

  notices(): ReadonlyArray<string> {
    return this.leftOut === 0 ? [] : [`left out: ${counted(this.leftOut, "request")} without output`]
  }

  rowOf(object: JsonObject, line: number): RowResult<TraceRow> {
    const decoded = decode(object)
    if (Result.isFailure(decoded)) return { problem: Fields.describeIssue(decoded.failure.issue, object) }
    const { chat_id, hash_ids, input_length, output_length, parent_chat_id, timestamp, type } = decoded.success
    const timestampMs = this.clock.read(timestamp)
    if (typeof timestampMs === "string") return { problem: `timestamp: ${timestampMs}` }
    const root = parent_chat_id < 0 ? chat_id : (this.roots.get(parent_chat_id) ?? parent_chat_id)
    this.roots.set(chat_id, root)
    if (output_length === 0) {
      this.leftOut += 1
      return { skipped: true }
    }
    const session = String(root)
    return {
      row: plainRow({
        line,
        timestampMs,
        promptTokens: input_length,
        outputTokens: output_length,
        hashIds: hash_ids,
        sessionId: this.turns === "wait" ? session : undefined,
        requestId: String(chat_id),
        className: typeof type === "string" ? type : undefined,
        annotations: { ...(this.turns === "wait" ? {} : { session }), ...(typeof type === "string" ? { type } : {}) }
      })
    }
  }
}

export const openBailian: OpenForeign = ({ file, sessionTurns = "times", traceBlockTokens = publishedBlockTokens }) =>
  openObjectLines(
    { file, readAs: "bailian", rules, traceBlockTokens, accumulatesPrompts: false },
    () => new Chats(sessionTurns)
  )

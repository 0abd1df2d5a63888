/**
 * Weka / AgentX conversations: an object with all requests of a conversation, in JSON, JSON Lines, or a folder of such files.
 *
 * A request follows the one before after its thinking time. A subagent is a session of its own that starts where it stands, and the
 * next request of its parent waits for it; traces that have one are graphs.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { HashId } from "../../request/HashId.ts"
import type { AgenticRow } from "../AgenticMooncakeReader.ts"
import * as Fields from "../FieldSchemas.ts"
import type { JsonObject } from "../JsonLine.ts"
import type { RowResult } from "../RowReader.ts"
import { TraceError } from "../TraceError.ts"
import { plainRow, type TraceRow } from "../TraceRow.ts"
import { tokensOf } from "./Cells.ts"
import type { ForeignTrace, OpenForeign } from "./ForeignFormat.ts"
import { itemsOf, openDocumentsOf } from "./JsonLinesFormat.ts"
import { counted } from "../../settings/Counted.ts"

/** An entry of a conversation; of a subagent, its own requests. */
interface Entry {
  readonly t?: number | undefined
  readonly type?: string | null | undefined
  readonly in?: number | undefined
  readonly out?: number | undefined
  readonly hash_ids?: ReadonlyArray<HashId> | null | undefined
  readonly think_time?: number | null | undefined
  readonly api_time?: number | null | undefined
  readonly model?: string | null | undefined
  readonly requests?: ReadonlyArray<Entry> | null | undefined
}

const Entry: Schema.Codec<Entry> = Schema.Struct({
  t: Schema.optionalKey(Schema.Finite),
  type: Fields.Text,
  in: Schema.optionalKey(Fields.Count),
  out: Schema.optionalKey(Fields.Count),
  hash_ids: Fields.HashIds,
  think_time: Fields.FiniteNumber,
  api_time: Fields.FiniteNumber,
  model: Fields.Text,
  requests: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.suspend(() => Entry))))
})

const Conversation = Schema.Struct({
  id: Schema.Union([Schema.String, Schema.Finite]),
  block_size: Fields.Count,
  hash_id_scope: Fields.Text,
  requests: Schema.Array(Entry)
})

type Conversation = typeof Conversation.Type

const decode = Schema.decodeUnknownResult(Conversation)

const rules = {
  known: new Set(Object.keys(Conversation.fields)),
  integers: new Set(["in", "out", "hash_ids", "block_size"])
}

const isSubagent = ({ type }: Entry): boolean => type === "subagent"

/** Seconds to ms, without the noise of the multiplication. */
const msOf = (seconds: number): number => Math.round(seconds * 1e9) / 1e6

interface Turn {
  readonly entry: Entry
  readonly session: string
  readonly requestId: string
  readonly waitFor: ReadonlyArray<string>
  /** Wait after the last of those; `undefined` for what waits for nothing. */
  readonly delayMs: number | undefined
}

/** The turns of one conversation, in order, and those of its subagents where they stand. */
const turnsOf = (conversation: Conversation): ReadonlyArray<Turn> => {
  const turns: Array<Turn> = []
  const walk = (
    entries: ReadonlyArray<Entry>,
    session: string,
    after: ReadonlyArray<string>
  ): ReadonlyArray<string> => {
    let waitFor = after
    let previous: Entry | undefined
    let children = 0
    let childEnds: Array<string> = []
    for (const entry of entries) {
      if (isSubagent(entry)) {
        const inner = entry.requests ?? [{ ...entry, type: null }]
        childEnds.push(...walk(inner, `${session}/${children++}`, waitFor))
        continue
      }
      const requestId = `${session}#${turns.length}`
      const awaited = [...new Set([...waitFor, ...childEnds])]
      turns.push({
        entry,
        session,
        requestId,
        waitFor: awaited,
        delayMs: awaited.length === 0 ? undefined : waitOf(entry, previous)
      })
      waitFor = [requestId]
      childEnds = []
      previous = entry
    }
    return [...new Set([...(previous === undefined ? [] : waitFor), ...childEnds])]
  }
  walk(conversation.requests, String(conversation.id), [])
  return turns
}

const waitOf = (entry: Entry, previous: Entry | undefined): number => {
  if (typeof entry.think_time === "number") return Math.max(0, msOf(entry.think_time))
  if (entry.t === undefined || previous?.t === undefined) return 0
  return Math.max(0, msOf(entry.t - previous.t - (previous.api_time ?? 0)))
}

/** Conversations to rows, for one run: numbers ids that mean something in their conversation only. */
class Rows {
  private readonly asGraph: boolean
  private readonly waits: boolean
  private nextId = 0

  constructor(asGraph: boolean, waits: boolean) {
    this.asGraph = asGraph
    this.waits = waits
  }

  rowsOf(conversation: Conversation, line: number): ReadonlyArray<TraceRow> | string {
    const isLocal = conversation.hash_id_scope !== "global"
    const numbers = new Map<HashId, number>()
    const numbered = (id: HashId): HashId => {
      if (!isLocal) return id
      const known = numbers.get(id)
      if (known !== undefined) return known
      numbers.set(id, this.nextId)
      return this.nextId++
    }
    const rows: Array<TraceRow> = []
    for (const turn of turnsOf(conversation)) {
      const { entry } = turn
      const promptTokens = tokensOf(entry.in)
      const outputTokens = tokensOf(entry.out)
      if (promptTokens === undefined || promptTokens < 1)
        return `a request of conversation ${conversation.id} has no in`
      if (outputTokens === undefined || outputTokens < 1)
        return `a request of conversation ${conversation.id} has no out`
      const hashIds = (entry.hash_ids ?? []).map(numbered)
      const needed = Math.ceil(promptTokens / conversation.block_size)
      if (hashIds.length < needed) {
        return (
          `a request of conversation ${conversation.id} has ${counted(hashIds.length, "hash_id")} for ${counted(promptTokens, "token")} in blocks of`
          + ` ${conversation.block_size}`
        )
      }
      rows.push(this.row(turn, line, { promptTokens, outputTokens, hashIds: hashIds.slice(0, needed) }))
    }
    return rows
  }

  private row(
    { delayMs, entry, requestId, session, waitFor }: Turn,
    line: number,
    prompt: Pick<TraceRow, "promptTokens" | "outputTokens" | "hashIds">
  ): TraceRow {
    const timestampMs = entry.t === undefined ? undefined : msOf(entry.t)
    const isFirst = delayMs === undefined
    if (!this.waits) return plainRow({ line, timestampMs, ...prompt, annotations: { session } })
    const row = plainRow({
      line,
      timestampMs: isFirst ? (timestampMs ?? 0) : undefined,
      ...prompt,
      sessionId: session,
      delayMs
    })
    if (!this.asGraph) return row
    const graphRow: AgenticRow = { ...row, requestId, waitFor, delayMs: delayMs ?? 0 }
    return graphRow
  }
}

/** A folder stands for the conversations in it. */
const filesOf = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const info = yield* Effect.option(fs.stat(file))
  if (file === "-" || info._tag === "None" || info.value.type !== "Directory") return [file]
  const names = yield* Effect.orElseSucceed(fs.readDirectory(file), (): Array<string> => [])
  const found = names.filter((name) => /\.jsonl?(\.gz|\.zst)?$/.test(name)).toSorted()
  if (found.length === 0) return yield* new TraceError({ file, problem: "is a folder without .json or .jsonl files" })
  return found.map((name) => (file.endsWith("/") ? `${file}${name}` : `${file}/${name}`))
})

interface Placed {
  readonly conversation: Conversation
  readonly line: number
}

const conversationOf = (object: JsonObject, line: number): RowResult<Placed> => {
  const decoded = decode(object)
  if (Result.isFailure(decoded)) return { problem: Fields.describeIssue(decoded.failure.issue, object) }
  return { row: { conversation: decoded.success, line } }
}

export const openWeka: OpenForeign = Effect.fnUntraced(function* ({ file, sessionTurns = "wait", traceBlockTokens }) {
  const files = yield* filesOf(file)
  const parts = yield* Effect.forEach(files, (name) =>
    Effect.map(openDocumentsOf(name), (documents) => ({
      name,
      conversations: itemsOf(documents, { file: name, readAs: "weka", rules, make: () => conversationOf })
    }))
  )
  // What the whole trace is read as depends on all of it.
  let blockTokens = traceBlockTokens
  let hasSubagents = false
  for (const { conversations, name } of parts) {
    yield* Stream.runForEach(conversations, ({ conversation, line }) => {
      const { block_size: size, requests } = conversation
      blockTokens ??= size
      hasSubagents ||= requests.some(isSubagent)
      if (size === blockTokens) return Effect.void
      const problem = `conversation ${conversation.id} has a block_size of ${size}, others ${blockTokens}: one is needed for all`
      return Effect.fail(new TraceError({ file: name, line, problem }))
    })
  }
  const isGraph = hasSubagents && sessionTurns === "wait"
  const trace: ForeignTrace = {
    traceBlockTokens: blockTokens ?? 512,
    accumulatesPrompts: false,
    isGraph,
    rows: Stream.suspend(() => {
      const rows = new Rows(isGraph, sessionTurns === "wait")
      return Stream.flatten(
        Stream.fromIterable(
          parts.map(({ conversations, name }) =>
            Stream.mapEffect(conversations, ({ conversation, line }) => {
              const made = rows.rowsOf(conversation, line)
              return typeof made === "string"
                ? Effect.fail(new TraceError({ file: name, line, problem: made }))
                : Effect.succeed(made)
            }).pipe(
              Stream.filter((made) => made.length > 0),
              Stream.flattenIterable
            )
          )
        )
      )
    }),
    notices: () =>
      isGraph ? ["some requests wait for subagents: the trace is read as a graph (agentic_mooncake)"] : []
  }
  return trace
})

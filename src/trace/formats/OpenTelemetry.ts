/**
 * OpenTelemetry spans of model calls (GenAI conventions) as OTLP JSON: an export per line, or one document.
 *
 * Spans are written when they end, in any order, so all calls are held in memory, compactly, and sorted by their start. A call whose parent
 * span is a call itself waits for it, which makes the trace a graph.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { AgenticRow } from "../AgenticMooncakeReader.ts"
import * as Fields from "../FieldSchemas.ts"
import type { JsonObject } from "../JsonLine.ts"
import type { RowResult } from "../RowReader.ts"
import { plainRow, type TraceRow } from "../TraceRow.ts"
import { textOf, tokensOf } from "./Cells.ts"
import { defaultForeignBlockTokens, type ForeignReading, type ForeignTrace, type OpenForeign } from "./ForeignFormat.ts"
import { itemsOf, openDocumentsOf } from "./JsonLinesFormat.ts"
import { MadeUpPrompts } from "./MadeUpPrompts.ts"
import { counted } from "../../settings/Counted.ts"

const Attribute = Schema.Struct({
  key: Schema.String,
  value: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})

const Nanoseconds = Schema.Union([Schema.String, Schema.Finite, Schema.BigInt])

const Span = Schema.Struct({
  traceId: Fields.Text,
  spanId: Schema.String,
  parentSpanId: Fields.Text,
  startTimeUnixNano: Nanoseconds,
  endTimeUnixNano: Schema.optionalKey(Nanoseconds),
  attributes: Schema.optionalKey(Schema.Array(Attribute))
})

const Export = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({
      scopeSpans: Schema.optionalKey(Schema.Array(Schema.Struct({ spans: Schema.optionalKey(Schema.Array(Span)) })))
    })
  )
})

const decode = Schema.decodeUnknownResult(Export)

const rules = {
  known: new Set(["resourceSpans"]),
  integers: new Set(["startTimeUnixNano", "endTimeUnixNano"])
}

/** A call of a model. */
interface Call {
  readonly line: number
  readonly spanId: string
  readonly parentId: string | undefined
  readonly startNs: bigint
  readonly endNs: bigint
  readonly promptTokens: number
  readonly outputTokens: number
  readonly session: string | undefined
  readonly model: string | undefined
}

const valuesOf = (attributes: ReadonlyArray<typeof Attribute.Type>): ReadonlyMap<string, unknown> =>
  new Map(attributes.map(({ key, value }) => [key, value === undefined ? undefined : Object.values(value)[0]]))

const nanosecondsOf = (value: string | number | bigint): bigint | undefined => {
  try {
    return BigInt(value)
  } catch {
    return undefined
  }
}

interface Exported {
  readonly calls: ReadonlyArray<Call>
  readonly withoutUsage: number
}

const exportOf = (object: JsonObject, line: number): RowResult<Exported> => {
  const decoded = decode(object)
  if (Result.isFailure(decoded)) return { problem: Fields.describeIssue(decoded.failure.issue, object) }
  const calls: Array<Call> = []
  let withoutUsage = 0
  for (const { scopeSpans = [] } of decoded.success.resourceSpans) {
    for (const { spans = [] } of scopeSpans) {
      for (const span of spans) {
        const values = valuesOf(span.attributes ?? [])
        const promptTokens = tokensOf(
          values.get("gen_ai.usage.input_tokens") ?? values.get("gen_ai.usage.prompt_tokens")
        )
        const outputTokens = tokensOf(
          values.get("gen_ai.usage.output_tokens") ?? values.get("gen_ai.usage.completion_tokens")
        )
        if (!promptTokens || !outputTokens) {
          withoutUsage += 1
          continue
        }
        const startNs = nanosecondsOf(span.startTimeUnixNano)
        const endNs = nanosecondsOf(span.endTimeUnixNano ?? span.startTimeUnixNano)
        if (startNs === undefined || endNs === undefined) {
          return { problem: `span ${span.spanId} on line ${line} has a time that is no number of nanoseconds` }
        }
        calls.push({
          line,
          spanId: span.spanId,
          parentId: textOf(span.parentSpanId),
          startNs,
          endNs,
          promptTokens,
          outputTokens,
          session: textOf(values.get("gen_ai.conversation.id")),
          model: textOf(values.get("gen_ai.request.model"))
        })
      }
    }
  }
  return { row: { calls, withoutUsage } }
}

const msBetween = (from: bigint, to: bigint): number => Number(to - from) / 1e6

/** Rows of all calls, sorted by start. */
function* rowsOf(calls: ReadonlyArray<Call>, reading: ForeignReading, blockTokens: number): Generator<TraceRow> {
  const prompts = new MadeUpPrompts(blockTokens, reading.prefixes, reading.seed)
  const bySpan = new Map(calls.map((call) => [call.spanId, call]))
  const isGraph = hasParents(calls)
  const waits = reading.sessionTurns === "wait" && !isGraph
  const ends = new Map<string, bigint>()
  const originNs = calls[0]?.startNs ?? 0n
  for (const { endNs, line, model, outputTokens, parentId, promptTokens, session, spanId, startNs } of calls) {
    const previousNs = session === undefined ? undefined : ends.get(session)
    if (session !== undefined) ends.set(session, endNs)
    const row = plainRow({
      line,
      timestampMs: msBetween(originNs, startNs),
      promptTokens,
      outputTokens,
      hashIds:
        session === undefined
          ? prompts.single(promptTokens, outputTokens)
          : prompts.next(session, promptTokens, outputTokens),
      requestId: spanId,
      sessionId: waits || isGraph ? session : undefined,
      delayMs: waits && previousNs !== undefined ? Math.max(0, msBetween(previousNs, startNs)) : undefined,
      annotations: {
        ...(model === undefined ? {} : { model }),
        ...(session === undefined || waits || isGraph ? {} : { session })
      }
    })
    const parent = parentId === undefined ? undefined : bySpan.get(parentId)
    if (!isGraph) yield row
    else {
      const graphRow: AgenticRow = {
        ...row,
        requestId: spanId,
        waitFor: parent === undefined ? [] : [parent.spanId],
        delayMs: parent === undefined ? 0 : Math.max(0, msBetween(parent.endNs, startNs))
      }
      yield graphRow
    }
  }
}

const hasParents = (calls: ReadonlyArray<Call>): boolean => {
  const spans = new Set(calls.map(({ spanId }) => spanId))
  return calls.some(({ parentId }) => parentId !== undefined && spans.has(parentId))
}

export const openOpenTelemetry: OpenForeign = Effect.fnUntraced(function* (reading) {
  const { file, traceBlockTokens = defaultForeignBlockTokens } = reading
  const documents = yield* openDocumentsOf(file)
  const exported = itemsOf(documents, { file, readAs: "otel", rules, make: () => exportOf })
  const calls: Array<Call> = []
  let withoutUsage = 0
  yield* Stream.runForEach(exported, (part) =>
    Effect.sync(() => {
      for (const call of part.calls) calls.push(call)
      withoutUsage += part.withoutUsage
    })
  )
  calls.sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : a.line - b.line))
  const isGraph = hasParents(calls)
  const trace: ForeignTrace = {
    traceBlockTokens,
    accumulatesPrompts: false,
    isGraph,
    rows: Stream.suspend(() => Stream.fromIterable(rowsOf(calls, reading, traceBlockTokens))),
    notices: () => [
      ...(withoutUsage === 0 ? [] : [`left out: ${counted(withoutUsage, "span")} without token usage`]),
      ...(isGraph ? ["some calls have a call as their parent and wait for it: the trace is read as a graph"] : [])
    ]
  }
  return trace
})

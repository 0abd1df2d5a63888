/**
 * Dynamo request traces, made into rows: read whole, because their lines stand in the order in which requests ended,
 * sorted by start, and, when agents made the requests, with the edges of their graph.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { HashId } from "../request/HashId.ts"
import type { AgenticRow } from "./AgenticMooncakeReader.ts"
import { AgenticFold } from "./AgenticSurvey.ts"
import { compareBytes, dynamoEdges } from "./DynamoEdges.ts"
import type { DynamoRecord, DynamoToolLink, FinishedRequest } from "./DynamoReader.ts"
import type { RequestGraph } from "./RequestGraph.ts"
import { TraceError } from "./TraceError.ts"
import { plainRow, type TraceRow } from "./TraceRow.ts"
import { SurveyFold } from "./TraceSurvey.ts"
import type { TraceSurvey } from "./TraceSurvey.ts"

export interface DynamoTrace {
  readonly traceBlockTokens: number
  readonly survey: TraceSurvey
  readonly graph: RequestGraph | undefined
  readonly rows: Stream.Stream<TraceRow>
}

/** Numbers hashes in order of first occurrence: only their equality matters, and small numbers are kept in half the memory. */
class HashNumbers {
  private readonly numbers = new Map<HashId, number>()

  of(hashes: ReadonlyArray<HashId>): Uint32Array {
    return Uint32Array.from(hashes, (hash) => {
      const known = this.numbers.get(hash)
      if (known !== undefined) return known
      this.numbers.set(hash, this.numbers.size)
      return this.numbers.size - 1
    })
  }
}

/** A request whose hashes have been numbered. */
interface Numbered extends FinishedRequest {
  readonly hashes: Uint32Array
}

const bySchedule = (a: Numbered, b: Numbered): number =>
  a.startMs - b.startMs || a.endMs - b.endMs || compareBytes(a.id, b.id)

/** Gathers records; {@link RecordFold.add} returns the problem that ends it. */
class RecordFold {
  private readonly hashNumbers = new HashNumbers()
  private readonly ids = new Set<string>()
  readonly requests: Array<Numbered> = []
  readonly links: Array<DynamoToolLink> = []

  add(record: DynamoRecord): TraceError | undefined {
    if (Predicate.isTagged(record, "ToolLink")) {
      this.links.push(record)
      return undefined
    }
    const { file, id, line, traceBlockTokens } = record
    if (this.ids.has(id))
      return new TraceError({ file, line, problem: `duplicate request_id ${id} at ${file}:${line}` })
    this.ids.add(id)
    this.requests.push({ ...record, hashes: this.hashNumbers.of(record.hashes) })
    const [first] = this.requests
    if (first !== undefined && first.traceBlockTokens !== traceBlockTokens) {
      return new TraceError({
        file,
        line,
        problem:
          "mixed replay trace_block_size values are not supported:"
          + ` ${first.traceBlockTokens} and ${traceBlockTokens}`
      })
    }
    if (first !== undefined && (first.session === undefined) !== (record.session === undefined)) {
      return new TraceError({
        file,
        line,
        problem: "Dynamo request trace cannot mix requests with and without agent_context"
      })
    }
    return undefined
  }
}

const rowOf = (request: Numbered, originMs: number): TraceRow =>
  plainRow({
    line: request.line,
    timestampMs: request.startMs - originMs,
    promptTokens: request.inputTokens,
    outputTokens: request.outputTokens,
    hashIds: request.hashes,
    sessionId: request.session?.id,
    requestId: request.id
  })

/** Rows are made anew from the compact requests at every run. */
const streamOf = <Row extends TraceRow>(
  requests: ReadonlyArray<Numbered>,
  row: (request: Numbered, index: number) => Row
): Stream.Stream<Row> =>
  Stream.suspend(() =>
    Stream.fromIterable(
      (function* () {
        for (let index = 0; index < requests.length; index++) yield row(requests[index]!, index)
      })(),
      { chunkSize: 512 }
    )
  )

const standard = (requests: ReadonlyArray<Numbered>, file: string): DynamoTrace | TraceError => {
  const first = requests[0]!
  const row = (request: Numbered) => rowOf(request, first.startMs)
  const fold = new SurveyFold(file)
  for (const request of requests) {
    const problem = fold.add(row(request), false)
    if (problem !== undefined) return problem
  }
  const survey = fold.finish()
  if (survey instanceof TraceError) return survey
  return { traceBlockTokens: first.traceBlockTokens, survey, graph: undefined, rows: streamOf(requests, row) }
}

const agentic = (
  requests: ReadonlyArray<Numbered>,
  links: ReadonlyArray<DynamoToolLink>,
  file: string
): DynamoTrace | TraceError => {
  const first = requests[0]!
  const edges = dynamoEdges(requests, links)
  if (edges instanceof TraceError) return edges
  const row = (request: Numbered, index: number): AgenticRow => {
    const awaited = [...edges[index]!]
    const released = awaited.reduce((latest, dependency) => Math.max(latest, requests[dependency]!.endMs), 0)
    return {
      ...rowOf(request, first.startMs),
      requestId: request.id,
      delayMs: awaited.length === 0 ? 0 : Math.max(0, request.startMs - released),
      waitFor: awaited.map((dependency) => requests[dependency]!.id)
    }
  }
  const fold = new AgenticFold({
    file,
    noRequests: "no request_end records with replay fields found",
    cycle: (request) => `agentic request dependencies contain a cycle through request ${request}`,
    noClosedLoop: "agentic Dynamo request traces are not supported with replay_concurrency"
  })
  for (let index = 0; index < requests.length; index++) {
    const problem = fold.add(row(requests[index]!, index))
    if (problem !== undefined) return problem
  }
  const surveyed = fold.finish()
  if (surveyed instanceof TraceError) return surveyed
  return { traceBlockTokens: first.traceBlockTokens, ...surveyed, rows: streamOf(requests, row) }
}

/** Reads all records and makes rows of them; `file` names the trace where no record is to blame. */
export const loadDynamoTrace = (
  records: Stream.Stream<DynamoRecord, TraceError>,
  file: string
): Effect.Effect<DynamoTrace, TraceError> =>
  Effect.suspend(() => {
    const fold = new RecordFold()
    const addAll = (chunk: ReadonlyArray<DynamoRecord>): Effect.Effect<void, TraceError> => {
      for (const record of chunk) {
        const problem = fold.add(record)
        if (problem !== undefined) return Effect.fail(problem)
      }
      return Effect.void
    }
    return Effect.flatMap(Stream.runForEachArray(records, addAll), () => {
      const requests = fold.requests.toSorted(bySchedule)
      if (requests.length === 0) {
        return Effect.fail(new TraceError({ file, problem: "no request_end records with replay fields found" }))
      }
      const trace = requests[0]?.session === undefined ? standard(requests, file) : agentic(requests, fold.links, file)
      return trace instanceof TraceError ? Effect.fail(trace) : Effect.succeed(trace)
    })
  })

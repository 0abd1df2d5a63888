/** Events of runs for tests of the report, and recorded ones. */
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import * as Schema from "effect/Schema"
import type { RunSummary, TokenGapBatch } from "../../src/report/ReplayEvent.ts"
import type { RequestRecord } from "../../src/request/SimRequest.ts"

const { NaN: never } = Number

/** A request that was never admitted, apart from what is given. */
export const record = (given: Partial<RequestRecord> = {}): RequestRecord => ({
  _tag: "Request",
  id: 0,
  sessionId: null,
  turnIndex: 0,
  isLastTurn: null,
  className: null,
  requestId: null,
  promptTokens: 100,
  outputTokens: 1,
  arrivalMs: 0,
  firstAdmitMs: never,
  firstAdmissionReusedTokens: 0,
  reusedTokens: 0,
  sharedReusedTokens: 0,
  firstTokenMs: never,
  secondTokenMs: never,
  lastTokenMs: never,
  emittedTokens: 0,
  workerIndex: -1,
  routeOverlapTokens: 0,
  status: "completed",
  handoff: null,
  tiers: null,
  annotations: null,
  ...given
})

/** A completed request that was admitted on arrival and emitted a token at each of the given times. */
export const served = ({
  arrivalMs = 0,
  tokensMs,
  ...given
}: Partial<RequestRecord> & { readonly tokensMs: ReadonlyArray<number> }): RequestRecord =>
  record({
    arrivalMs,
    firstAdmitMs: arrivalMs,
    firstTokenMs: tokensMs[0] ?? never,
    secondTokenMs: tokensMs[1] ?? never,
    lastTokenMs: tokensMs.at(-1) ?? never,
    emittedTokens: tokensMs.length,
    outputTokens: tokensMs.length,
    workerIndex: 0,
    ...given
  })

export const gaps = (...pairs: ReadonlyArray<readonly [gapMs: number, count: number]>): TokenGapBatch => ({
  _tag: "TokenGaps",
  gapsMs: Float64Array.from(pairs, ([gapMs]) => gapMs),
  counts: Uint32Array.from(pairs, ([, count]) => count)
})

export const summary = (given: Partial<RunSummary> = {}): RunSummary => ({
  _tag: "Summary",
  arrivedRequests: 1,
  ended: "drained",
  endMs: 0,
  workerSeconds: undefined,
  gpusPerWorker: { prefill: 0, decode: 1 },
  wallMs: 4,
  ...given
})

const Time = Schema.NullOr(Schema.Number)
const Count = Schema.NullOr(Schema.Int)

/** A per-request line of the reference. */
const Line = Schema.Struct({
  session_id: Schema.NullOr(Schema.String),
  turn_index: Count,
  uuid: Schema.String,
  arrival_time_ms: Schema.Number,
  first_admit_ms: Time,
  first_token_ms: Time,
  last_token_ms: Time,
  ttst_ms: Time,
  input_length: Schema.Int,
  output_length: Schema.Int,
  reused_input_tokens: Schema.Int,
  prefill_worker_idx: Count,
  decode_worker_idx: Count,
  prefill_admit_ms: Time,
  source_held_ms: Time,
  destination_reserved_ms: Time,
  destination_activated_ms: Time,
  decode_admit_ms: Time,
  source_released_ms: Time,
  decode_reused_input_tokens: Count,
  prefill_route_overlap_tokens: Count,
  decode_route_overlap_tokens: Count,
  terminal_status: Schema.Literals(["completed", "rejected", "failed"])
})

const Runs = Schema.Record(
  Schema.String,
  Schema.Struct({
    report: Schema.Record(Schema.String, Schema.Number),
    lines: Schema.Array(Schema.String)
  })
)
export type RecordedRun = (typeof Runs.Type)[string]

const file = (path: string): URL => new URL(`../golden/${path}`, import.meta.url)

/** Runs of the reference, by name. */
export const recordedRuns: Readonly<Record<string, RecordedRun>> = Schema.decodeUnknownSync(
  Schema.fromJsonString(Runs)
)(gunzipSync(readFileSync(file("report/runs.json.gz"))).toString())

/** What CPython writes for numbers and documents. */
export const pythonText = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({
      floats: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
      documents: Schema.Array(Schema.Tuple([Schema.Json, Schema.String]))
    })
  )
)(readFileSync(file("report/python-text.json"), "utf8"))

/** Standard output and report file of runs of the reference. */
export const recordedTables = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Array(
      Schema.Struct({
        id: Schema.String,
        stdout: Schema.String,
        report: Schema.String
      })
    )
  )
)(readFileSync(file("cli/tables.json"), "utf8"))

const decodeLine = Schema.decodeUnknownSync(Schema.fromJsonString(Line))

/** The record behind a line of the reference, which emits what was asked for or nothing. */
export const recordOfLine = (text: string): RequestRecord => {
  const line = decodeLine(text)
  const firstTokenMs = line.first_token_ms ?? never
  return record({
    sessionId: line.session_id,
    turnIndex: line.turn_index ?? 0,
    requestId: line.uuid,
    promptTokens: line.input_length,
    outputTokens: line.output_length,
    arrivalMs: line.arrival_time_ms,
    firstAdmitMs: line.first_admit_ms ?? never,
    reusedTokens: line.reused_input_tokens,
    firstTokenMs,
    secondTokenMs: line.ttst_ms === null ? never : firstTokenMs + line.ttst_ms,
    lastTokenMs: line.last_token_ms ?? never,
    emittedTokens: line.first_token_ms === null ? 0 : line.output_length,
    workerIndex: line.decode_worker_idx ?? -1,
    status: line.terminal_status,
    handoff:
      line.prefill_worker_idx === null
        ? null
        : {
            prefillWorkerIndex: line.prefill_worker_idx,
            prefillAdmitMs: line.prefill_admit_ms ?? never,
            sourceHeldMs: line.source_held_ms ?? never,
            destinationReservedMs: line.destination_reserved_ms ?? never,
            destinationActivatedMs: line.destination_activated_ms ?? never,
            decodeAdmitMs: line.decode_admit_ms ?? never,
            sourceReleasedMs: line.source_released_ms ?? never,
            prefillReusedTokens: line.reused_input_tokens,
            decodeReusedTokens: line.decode_reused_input_tokens ?? -1,
            prefillRouteOverlapTokens: line.prefill_route_overlap_tokens ?? -1,
            decodeRouteOverlapTokens: line.decode_route_overlap_tokens ?? -1
          }
  })
}

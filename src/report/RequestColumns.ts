/** Requests as the rows of a table: the keys of the per-request lines, one column each. */
import type { HandoffStamps, RequestRecord } from "../request/SimRequest.ts"
import type { Column } from "./Column.ts"
import { MeasuredWindow, type WindowBounds } from "./MeasuredWindow.ts"
import { outputLength } from "./RequestTotals.ts"

/** A time that was never reached is an empty field. */
const reached = (ms: number): number | null => (Number.isNaN(ms) ? null : ms)

const difference = (laterMs: number, earlierMs: number): number | null => reached(Math.max(laterMs - earlierMs, 0))

/** A stage that was never reached is an empty field. */
const counted = (value: number): number | null => (value < 0 ? null : value)

type NumberOf = (record: RequestRecord) => number | null
type TextOf = (record: RequestRecord) => string | null

const number = (name: string, of: NumberOf): Column<RequestRecord> => ({ name, type: "number", of })
const integer = (name: string, of: NumberOf): Column<RequestRecord> => ({ name, type: "integer", of })
const text = (name: string, of: TextOf): Column<RequestRecord> => ({ name, type: "text", of })

const stamp = (name: string, of: (stamps: HandoffStamps) => number): Column<RequestRecord> =>
  number(name, ({ handoff }) => (handoff === null ? null : reached(of(handoff))))
const stageCount = (name: string, of: (stamps: HandoffStamps) => number): Column<RequestRecord> =>
  integer(name, ({ handoff }) => (handoff === null ? null : counted(of(handoff))))

/** What is not the same for every run. */
export interface ColumnOptions {
  readonly engineProfile: string | undefined
  readonly window: WindowBounds | undefined
  /** Requests belong to classes. */
  readonly hasClasses: boolean
}

/** The columns in the order of the lines; what a trace said beside the simulation's fields is one column of JSON. */
export const requestColumns = ({
  engineProfile,
  hasClasses,
  window
}: ColumnOptions): ReadonlyArray<Column<RequestRecord>> => [
  text("session_id", (record) => record.sessionId),
  integer("turn_index", (record) => (record.sessionId === null ? null : record.turnIndex)),
  text("uuid", (record) => record.requestId ?? `request-${record.id}`),
  number("arrival_time_ms", (record) => record.arrivalMs),
  number("first_admit_ms", (record) => reached(record.firstAdmitMs)),
  number("first_token_ms", (record) => reached(record.firstTokenMs)),
  number("last_token_ms", (record) => reached(record.lastTokenMs)),
  number("ttft_ms", (record) => difference(record.firstTokenMs, record.arrivalMs)),
  number("ttst_ms", (record) =>
    record.emittedTokens >= 2 ? difference(record.secondTokenMs, record.firstTokenMs) : null
  ),
  number("e2e_latency_ms", (record) => difference(record.lastTokenMs, record.arrivalMs)),
  number("itl_ms", (record) =>
    record.emittedTokens >= 2
      ? Math.max(record.lastTokenMs - record.firstTokenMs, 0) / (record.emittedTokens - 1)
      : null
  ),
  integer("input_length", (record) => record.promptTokens),
  integer("output_length", outputLength),
  integer("reused_input_tokens", (record) =>
    record.handoff === null ? record.reusedTokens : Math.max(record.handoff.prefillReusedTokens, 0)
  ),
  stageCount("prefill_worker_idx", (stamps) => stamps.prefillWorkerIndex),
  integer("decode_worker_idx", (record) => counted(record.workerIndex)),
  stamp("prefill_admit_ms", (stamps) => stamps.prefillAdmitMs),
  stamp("source_held_ms", (stamps) => stamps.sourceHeldMs),
  stamp("destination_reserved_ms", (stamps) => stamps.destinationReservedMs),
  stamp("destination_activated_ms", (stamps) => stamps.destinationActivatedMs),
  stamp("decode_admit_ms", (stamps) => stamps.decodeAdmitMs),
  stamp("source_released_ms", (stamps) => stamps.sourceReleasedMs),
  stageCount("decode_reused_input_tokens", (stamps) => stamps.decodeReusedTokens),
  stageCount("prefill_route_overlap_tokens", (stamps) => stamps.prefillRouteOverlapTokens),
  stageCount("decode_route_overlap_tokens", (stamps) => stamps.decodeRouteOverlapTokens),
  text("terminal_status", (record) => record.status),
  integer("shared_prefix_reused_tokens", (record) => record.sharedReusedTokens),
  integer("requested_output_length", (record) => record.outputTokens),
  text("engine_profile", () => engineProfile ?? null),
  ...(window === undefined ? [] : [measuredColumn(new MeasuredWindow(window))]),
  ...(hasClasses ? [text("class", ({ className }) => className)] : []),
  text("annotations", ({ annotations }) => (annotations === null ? null : JSON.stringify(annotations)))
]

/** Is asked once for each row, in the order in which requests end. */
const measuredColumn = (window: MeasuredWindow): Column<RequestRecord> =>
  text("measured", (record) => String(window.takes(record)))

/**
 * Per-request lines: one compact JSON object for each request that reached its end, with the reference's 26 keys in its
 * order and its way of writing numbers, and what is ours behind them.
 *
 * Lines are written as requests end, never gathered or sorted, so a run's length does not matter.
 */
import type { HandoffStamps, RequestRecord, TierUse } from "../request/SimRequest.ts"
import { serdeFloat } from "./FloatText.ts"
import type { MeasuredWindow } from "./MeasuredWindow.ts"
import type { ReplayEvent } from "./ReplayEvent.ts"
import { outputLength } from "./RequestTotals.ts"

/**
 * The lines, each with its newline, of those events that are requests with a terminal status; with the engine profile where it is
 * not the default one, and whether a request counts where not all of them do.
 */
export const requestLines = (
  events: ReadonlyArray<ReplayEvent>,
  engineProfile?: string,
  window?: MeasuredWindow
): string => {
  let text = ""
  for (const event of events) {
    if (event._tag === "Request" && event.status !== "in_flight")
      text += `${requestLine(event, engineProfile, window?.takes(event))}\n`
  }
  return text
}

/** One request, without newline. Fields of stages that it never reached are `null`. */
export const requestLine = (record: RequestRecord, engineProfile?: string, isMeasured?: boolean): string => {
  const { arrivalMs, emittedTokens, firstTokenMs, handoff, lastTokenMs, secondTokenMs, sessionId } = record
  const ttftMs = difference(firstTokenMs, arrivalMs)
  const e2eMs = difference(lastTokenMs, arrivalMs)
  const ttstMs = emittedTokens >= 2 ? difference(secondTokenMs, firstTokenMs) : Number.NaN
  const tpotMs = emittedTokens >= 2 ? difference(lastTokenMs, firstTokenMs) / (emittedTokens - 1) : Number.NaN
  const reusedTokens = handoff === null ? record.reusedTokens : Math.max(handoff.prefillReusedTokens, 0)
  return (
    `{"session_id":${sessionId === null ? "null" : JSON.stringify(sessionId)}`
    + `,"turn_index":${sessionId === null ? "null" : record.turnIndex}`
    + `,"uuid":${JSON.stringify(record.requestId ?? `request-${record.id}`)}`
    + `,"arrival_time_ms":${time(arrivalMs)},"first_admit_ms":${time(record.firstAdmitMs)}`
    + `,"first_token_ms":${time(firstTokenMs)},"last_token_ms":${time(lastTokenMs)}`
    + `,"ttft_ms":${time(ttftMs)},"ttst_ms":${time(ttstMs)},"e2e_latency_ms":${time(e2eMs)},"itl_ms":${time(tpotMs)}`
    + `,"input_length":${record.promptTokens},"output_length":${outputLength(record)}`
    + `,"reused_input_tokens":${reusedTokens}`
    + (handoff === null ? aggregatedStages(record) : handoffStages(record, handoff))
    + `,"terminal_status":"${record.status}","shared_prefix_reused_tokens":${record.sharedReusedTokens}`
    + (outputLength(record) === record.outputTokens ? "" : `,"requested_output_length":${record.outputTokens}`)
    + (record.tiers === null ? "" : tierFields(record.tiers))
    + (engineProfile === undefined ? "" : `,"engine_profile":${JSON.stringify(engineProfile)}`)
    + (record.className === null ? "" : `,"class":${JSON.stringify(record.className)}`)
    + (isMeasured === undefined ? "" : `,"measured":${isMeasured}`)
    + `${record.annotations === null ? "" : annotationText(record.annotations)}}`
  )
}

const aggregatedStages = ({ workerIndex }: RequestRecord): string =>
  `,"prefill_worker_idx":null,"decode_worker_idx":${count(workerIndex)}`
  + ',"prefill_admit_ms":null,"source_held_ms":null,"destination_reserved_ms":null,"destination_activated_ms":null'
  + ',"decode_admit_ms":null,"source_released_ms":null,"decode_reused_input_tokens":null'
  + ',"prefill_route_overlap_tokens":null,"decode_route_overlap_tokens":null'

const handoffStages = ({ workerIndex }: RequestRecord, stamps: HandoffStamps): string =>
  `,"prefill_worker_idx":${count(stamps.prefillWorkerIndex)},"decode_worker_idx":${count(workerIndex)}`
  + `,"prefill_admit_ms":${time(stamps.prefillAdmitMs)},"source_held_ms":${time(stamps.sourceHeldMs)}`
  + `,"destination_reserved_ms":${time(stamps.destinationReservedMs)}`
  + `,"destination_activated_ms":${time(stamps.destinationActivatedMs)}`
  + `,"decode_admit_ms":${time(stamps.decodeAdmitMs)},"source_released_ms":${time(stamps.sourceReleasedMs)}`
  + `,"decode_reused_input_tokens":${count(stamps.decodeReusedTokens)}`
  + `,"prefill_route_overlap_tokens":${count(stamps.prefillRouteOverlapTokens)}`
  + `,"decode_route_overlap_tokens":${count(stamps.decodeRouteOverlapTokens)}`

const tierFields = (use: Readonly<TierUse>): string =>
  `,"host_reused_tokens":${use.hostReusedTokens},"disk_reused_tokens":${use.diskReusedTokens}`
  + `,"object_reused_tokens":${use.objectReusedTokens},"onboard_wait_ms":${time(use.onboardWaitMs)}`
  + `,"offload_wait_ms":${time(use.offloadWaitMs)}`

const difference = (laterMs: number, earlierMs: number): number => Math.max(laterMs - earlierMs, 0)

/** `NaN` stands for a time never reached. */
const time = (ms: number): string => (Number.isNaN(ms) ? "null" : serdeFloat(ms))

/** `-1` stands for a stage never reached. */
const count = (value: number): string => (value < 0 ? "null" : String(value))

const ownKeys: ReadonlySet<string> = new Set([
  "session_id",
  "turn_index",
  "uuid",
  "arrival_time_ms",
  "first_admit_ms",
  "first_token_ms",
  "last_token_ms",
  "ttft_ms",
  "ttst_ms",
  "e2e_latency_ms",
  "itl_ms",
  "input_length",
  "output_length",
  "reused_input_tokens",
  "prefill_worker_idx",
  "decode_worker_idx",
  "prefill_admit_ms",
  "source_held_ms",
  "destination_reserved_ms",
  "destination_activated_ms",
  "decode_admit_ms",
  "source_released_ms",
  "decode_reused_input_tokens",
  "prefill_route_overlap_tokens",
  "decode_route_overlap_tokens",
  "terminal_status",
  "shared_prefix_reused_tokens",
  "requested_output_length",
  "host_reused_tokens",
  "disk_reused_tokens",
  "object_reused_tokens",
  "onboard_wait_ms",
  "offload_wait_ms",
  "measured",
  "class"
])

/** What the trace said beside the simulation's fields; a name already taken gets the prefix `trace_`. */
const annotationText = (annotations: Readonly<Record<string, unknown>>): string => {
  let text = ""
  for (const [key, value] of Object.entries(annotations)) {
    const json = JSON.stringify(value)
    if (json !== undefined) text += `,${JSON.stringify(ownKeys.has(key) ? `trace_${key}` : key)}:${json}`
  }
  return text
}

/**
 * A timeline as Chrome trace events in JSON, which ui.perfetto.dev and chrome://tracing open.
 *
 * A pool is a process, a worker a thread of it ({@link TrackText}). Requests are nestable asynchronous events (`b`, `e`) of a process of
 * their own, their stages inside them. Format: "Trace Event Format", the Chromium project.
 */
import type { PoolRole } from "../simulation/RunProbe.ts"
import { encoded, type EncodedText, TextBytes } from "../structures/TextBytes.ts"
import { separator, writeTimestamp } from "./EventText.ts"
import { noPasses } from "./PassGroups.ts"
import type { RequestSpan, Stage, StageName } from "./RequestSpans.ts"
import type { TimelineProbe } from "./TimelineProbe.ts"
import { TrackText } from "./TrackText.ts"

const processes: Readonly<Record<PoolRole | "requests", number>> = { aggregated: 1, prefill: 1, decode: 2, requests: 3 }

/** Pieces are about this long. */
const pieceBytes = 2 ** 18

/** The file of what the probe has kept, in pieces that end with an event. Each of them lasts until the next one is asked for. */
export function* timelineBytes(probe: TimelineProbe): Generator<Uint8Array<ArrayBuffer>> {
  const { requests, workers } = probe
  const out = new TextBytes(pieceBytes + 2 ** 12)
  out.text('{"displayTimeUnit":"ms","traceEvents":[\n')
  // What every trace has comes first, so that all others can stand behind a comma.
  out.text(named("process_name", processes.requests, 0, "requests").slice(separator.length))
  for (const role of new Set(workers.map((worker) => worker.role))) {
    out.text(named("process_name", processes[role], 0, role === "aggregated" ? "workers" : `${role} workers`))
  }
  for (const { groups, role, workerIndex } of workers) {
    const numbers = { pid: processes[role], tid: workerIndex + 1 }
    out.text(named("thread_name", numbers.pid, numbers.tid, `worker ${workerIndex}`))
    const track = new TrackText(out, numbers, workerIndex)
    const group = noPasses()
    for (let index = 0; index < groups.length; index++) {
      track.write(groups.at(index, group))
      if (out.length >= pieceBytes) yield out.lend()
    }
  }
  for (const request of requests.all()) {
    writeRequest(out, request)
    if (out.length >= pieceBytes) yield out.lend()
  }
  yield out.text(`\n],"otherData":${JSON.stringify(probe.sampling)}}\n`).lend()
}

/** The same as text. */
export function* timelineText(probe: TimelineProbe): Generator<string> {
  const decoder = new TextDecoder()
  for (const piece of timelineBytes(probe)) yield decoder.decode(piece)
}

const named = (kind: string, pid: number, tid: number, name: string): string =>
  `${separator}{"ph":"M","name":"${kind}","pid":${pid},"tid":${tid},"args":{"name":${JSON.stringify(name)}}}`

const writeRequest = (out: TextBytes, request: RequestSpan): void => {
  const { endMs, id, stages, startMs } = request
  beginEvent(out, "b", "request", id, startMs)
  writeArguments(out, request)
  out.text("}")
  for (const stage of stages) writeStage(out, stage, id)
  beginEvent(out, "e", "request", id, endMs)
  out.text("}")
}

const writeArguments = (out: TextBytes, request: RequestSpan): void => {
  const { name, prefillWorkerIndex, status, workerIndex } = request
  out.constant(nameKey).text(JSON.stringify(name))
  out.constant(statusKey).text(status)
  out.constant(promptTokensKey).number(request.promptTokens)
  out.constant(outputTokensKey).number(request.emittedTokens)
  out.constant(reusedTokensKey).number(request.reusedTokens)
  if (workerIndex >= 0) out.text(',"worker":').number(workerIndex)
  if (prefillWorkerIndex >= 0) out.text(',"prefill_worker":').number(prefillWorkerIndex)
  out.text("}")
}

const writeStage = (out: TextBytes, { endMs, inside, name, startMs }: Stage, id: number): void => {
  beginEvent(out, "b", name, id, startMs)
  out.text("}")
  for (const stage of inside) writeStage(out, stage, id)
  beginEvent(out, "e", name, id, endMs)
  out.text("}")
}

/** An asynchronous event, but for its end. */
const beginEvent = (out: TextBytes, phase: "b" | "e", name: StageName | "request", id: number, ms: number): void => {
  out.constant(phase === "b" ? asynchronousBegin : asynchronousEnd).number(id)
  out.constant(places[name])
  writeTimestamp(out, ms)
}

const asynchronousBegin = encoded(`${separator}{"ph":"b","cat":"request","id":`)
const asynchronousEnd = encoded(`${separator}{"ph":"e","cat":"request","id":`)
const place = (name: StageName | "request"): EncodedText =>
  encoded(`,"name":"${name}","pid":${processes.requests},"ts":`)
const places: Readonly<Record<StageName | "request", EncodedText>> = {
  request: place("request"),
  queued: place("queued"),
  prefill: place("prefill"),
  transfer: place("transfer"),
  decode: place("decode"),
  preempted: place("preempted")
}
const nameKey = encoded(',"args":{"request":')
const statusKey = encoded(',"status":"')
const promptTokensKey = encoded('","prompt_tokens":')
const outputTokensKey = encoded(',"output_tokens":')
const reusedTokensKey = encoded(',"reused_tokens":')

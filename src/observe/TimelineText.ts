/**
 * A timeline as Chrome trace events in JSON, which ui.perfetto.dev and chrome://tracing open.
 *
 * A pool is a process, a worker a thread of it ({@link TrackText}). Requests are nestable asynchronous events (`b`, `e`) of a process of
 * their own, their stages inside them. Format: "Trace Event Format", the Chromium project.
 */
import type { PoolRole } from "../simulation/RunProbe.ts"
import { TextBytes } from "../structures/TextBytes.ts"
import { separator, writeTimestamp } from "./EventText.ts"
import type { RequestSpan, Stage, StageName } from "./RequestSpans.ts"
import type { TimelineProbe } from "./TimelineProbe.ts"
import { TrackText } from "./TrackText.ts"

const processes: Readonly<Record<PoolRole | "requests", number>> = { aggregated: 1, prefill: 1, decode: 2, requests: 3 }

/** Pieces are about this long. */
const pieceBytes = 2 ** 18

/** The file of what the probe has kept, in pieces that end with an event. */
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
    for (const group of groups.all()) {
      track.write(group)
      if (out.length >= pieceBytes) yield out.take()
    }
  }
  for (const request of requests.all()) {
    writeRequest(out, request)
    if (out.length >= pieceBytes) yield out.take()
  }
  yield out.text(`\n],"otherData":${JSON.stringify(probe.sampling)}}\n`).take()
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
  out.text(',"args":{"request":').text(JSON.stringify(name))
  out.text(',"status":"').text(status)
  out.text('","prompt_tokens":').number(request.promptTokens)
  out.text(',"output_tokens":').number(request.emittedTokens)
  out.text(',"reused_tokens":').number(request.reusedTokens)
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
  out.text(phase === "b" ? asynchronousBegin : asynchronousEnd).number(id)
  out.text(',"name":"').text(name).text(place)
  writeTimestamp(out, ms)
}

const asynchronousBegin = `${separator}{"ph":"b","cat":"request","id":`
const asynchronousEnd = `${separator}{"ph":"e","cat":"request","id":`
const place = `","pid":${processes.requests},"tid":0,"ts":`

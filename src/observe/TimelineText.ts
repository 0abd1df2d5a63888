/**
 * A timeline as Chrome trace events in JSON, which ui.perfetto.dev and chrome://tracing open.
 *
 * A pool is a process, a worker a thread of it with its passes as complete events (`X`) and its state as counters (`C`). Requests
 * are nestable asynchronous events (`b`, `e`) of a process of their own, their stages inside them. Format:
 * "Trace Event Format", the Chromium project.
 */
import type { PoolRole } from "../simulation/RunProbe.ts"
import type { PassGroup } from "./PassGroups.ts"
import type { RequestSpan, Stage } from "./RequestSpans.ts"
import type { TimelineProbe, WorkerTimeline } from "./TimelineProbe.ts"

const processes: Readonly<Record<PoolRole | "requests", number>> = { aggregated: 1, prefill: 1, decode: 2, requests: 3 }

/** Pieces are about this long. */
const pieceLength = 1 << 16

/** The text of what the probe has kept, in pieces. */
export function* timelineText(probe: TimelineProbe): Generator<string> {
  let piece = '{"displayTimeUnit":"ms","traceEvents":['
  let separator = "\n"
  for (const event of events(probe)) {
    piece += `${separator}${event}`
    separator = ",\n"
    if (piece.length < pieceLength) continue
    yield piece
    piece = ""
  }
  yield `${piece}\n],"otherData":${JSON.stringify(probe.sampling)}}\n`
}

function* events({ requests, workers }: TimelineProbe): Generator<string> {
  for (const role of new Set(workers.map((worker) => worker.role))) {
    yield named("process_name", processes[role], 0, role === "aggregated" ? "workers" : `${role} workers`)
  }
  if (requests.length > 0) yield named("process_name", processes.requests, 0, "requests")
  for (const worker of workers) yield* workerEvents(worker)
  for (const request of requests.all()) yield* requestEvents(request)
}

const named = (kind: string, pid: number, tid: number, name: string): string =>
  `{"ph":"M","name":"${kind}","pid":${pid},"tid":${tid},"args":{"name":${JSON.stringify(name)}}}`

function* workerEvents({ groups, role, workerIndex }: WorkerTimeline): Generator<string> {
  const pid = processes[role]
  const tid = workerIndex + 1
  yield named("thread_name", pid, tid, `worker ${workerIndex}`)
  let requests = ""
  let blocks = ""
  for (const group of groups.all()) {
    yield* passEvents(group, pid, tid)
    const { activeBlocks, cachedBlocks, running, waiting } = group
    const start = `"pid":${pid},"ts":${microseconds(group.startMs)}`
    const nextRequests = `{"waiting":${waiting},"running":${running}}`
    const nextBlocks = `{"active":${activeBlocks},"cached":${cachedBlocks}}`
    if (nextRequests !== requests) {
      yield `{"ph":"C","name":"worker ${workerIndex} requests",${start},"args":${nextRequests}}`
    }
    if (nextBlocks !== blocks) {
      yield `{"ph":"C","name":"worker ${workerIndex} KV blocks",${start},"args":${nextBlocks}}`
    }
    requests = nextRequests
    blocks = nextBlocks
  }
}

/** One pass as its two parts, several as one slice. */
function* passEvents(group: PassGroup, pid: number, tid: number): Generator<string> {
  const { decodeTokens, endMs, passes, preemptions, prefillEndMs, prefillTokens, startMs } = group
  const slice = (name: string, fromMs: number, toMs: number, args: string): string =>
    `{"ph":"X","name":"${name}","pid":${pid},"tid":${tid},"ts":${microseconds(fromMs)}`
    + `,"dur":${durationBetween(fromMs, toMs)},"args":{${args}${preemptions === 0 ? "" : `,"preemptions":${preemptions}`}}}`
  if (passes > 1) {
    const busy = `"busy_ms":${Number(group.busyMs.toPrecision(9))}`
    const tokens = `"prefill_tokens":${prefillTokens},"decode_tokens":${decodeTokens}`
    yield slice(`${passes} passes`, startMs, endMs, `"passes":${passes},${tokens},${busy}`)
    return
  }
  const both = prefillEndMs > startMs && endMs > prefillEndMs
  if (both || prefillTokens > 0 || decodeTokens === 0) {
    yield slice(
      "prefill",
      startMs,
      both ? prefillEndMs : decodeTokens > 0 ? prefillEndMs : endMs,
      `"tokens":${prefillTokens}`
    )
  }
  if (both || decodeTokens > 0) {
    yield slice("decode", both ? prefillEndMs : Math.min(prefillEndMs, endMs), endMs, `"tokens":${decodeTokens}`)
  }
}

function* requestEvents(request: RequestSpan): Generator<string> {
  const { emittedTokens, endMs, id, name, prefillWorkerIndex, promptTokens, reusedTokens, stages, startMs, status } =
    request
  const args = JSON.stringify({
    request: name,
    status,
    prompt_tokens: promptTokens,
    output_tokens: emittedTokens,
    reused_tokens: reusedTokens,
    worker: request.workerIndex < 0 ? undefined : request.workerIndex,
    prefill_worker: prefillWorkerIndex < 0 ? undefined : prefillWorkerIndex
  })
  yield asynchronous("b", "request", id, startMs, `,"args":${args}`)
  for (const stage of stages) yield* stageEvents(stage, id)
  yield asynchronous("e", "request", id, endMs)
}

function* stageEvents({ endMs, inside, name, startMs }: Stage, id: number): Generator<string> {
  yield asynchronous("b", name, id, startMs)
  for (const stage of inside) yield* stageEvents(stage, id)
  yield asynchronous("e", name, id, endMs)
}

const asynchronous = (phase: "b" | "e", name: string, id: number, ms: number, rest = ""): string =>
  `{"ph":"${phase}","cat":"request","id":${id},"name":"${name}","pid":${processes.requests},"tid":0`
  + `,"ts":${microseconds(ms)}${rest}}`

/** Whole nanoseconds, so that neighbours meet exactly. */
const nanoseconds = (ms: number): number => Math.round(ms * 1e6)

const microseconds = (ms: number): string => fromNanoseconds(nanoseconds(ms))

const durationBetween = (fromMs: number, toMs: number): string =>
  fromNanoseconds(Math.max(0, nanoseconds(toMs) - nanoseconds(fromMs)))

/** Nanoseconds as a number of microseconds, without an exponent. */
const fromNanoseconds = (ns: number): string => (ns / 1000).toFixed(3).replace(/\.?0+$/, "")

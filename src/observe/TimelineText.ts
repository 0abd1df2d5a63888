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
/** Before every event but the first. */
const separator = ",\n"

/** The text of what the probe has kept, in pieces. */
export function* timelineText(probe: TimelineProbe): Generator<string> {
  const { requests, workers } = probe
  let piece = '{"displayTimeUnit":"ms","traceEvents":[\n'
  // What every trace has comes first, so that all others can stand behind a comma.
  piece += named("process_name", processes.requests, 0, "requests").slice(separator.length)
  for (const role of new Set(workers.map((worker) => worker.role))) {
    piece += named("process_name", processes[role], 0, role === "aggregated" ? "workers" : `${role} workers`)
  }
  for (const worker of workers) {
    for (const text of workerEvents(worker)) {
      piece += text
      if (piece.length < pieceLength) continue
      yield piece
      piece = ""
    }
  }
  for (const request of requests.all()) {
    piece += requestEvents(request)
    if (piece.length < pieceLength) continue
    yield piece
    piece = ""
  }
  yield `${piece}\n],"otherData":${JSON.stringify(probe.sampling)}}\n`
}

const named = (kind: string, pid: number, tid: number, name: string): string =>
  `${separator}{"ph":"M","name":"${kind}","pid":${pid},"tid":${tid},"args":{"name":${JSON.stringify(name)}}}`

/** The events of each group of passes in one text. */
function* workerEvents({ groups, role, workerIndex }: WorkerTimeline): Generator<string> {
  const pid = processes[role]
  const tid = workerIndex + 1
  yield named("thread_name", pid, tid, `worker ${workerIndex}`)
  let requests = ""
  let blocks = ""
  for (const group of groups.all()) {
    let text = passEvents(group, pid, tid)
    const { activeBlocks, cachedBlocks, running, waiting } = group
    const start = `"pid":${pid},"ts":${microseconds(group.startMs)}`
    const nextRequests = `{"waiting":${waiting},"running":${running}}`
    const nextBlocks = `{"active":${activeBlocks},"cached":${cachedBlocks}}`
    if (nextRequests !== requests) {
      text += `${separator}{"ph":"C","name":"worker ${workerIndex} requests",${start},"args":${nextRequests}}`
    }
    if (nextBlocks !== blocks) {
      text += `${separator}{"ph":"C","name":"worker ${workerIndex} KV blocks",${start},"args":${nextBlocks}}`
    }
    yield text
    requests = nextRequests
    blocks = nextBlocks
  }
}

/** One pass as its two parts, several as one slice. */
const passEvents = (group: PassGroup, pid: number, tid: number): string => {
  const { decodeTokens, endMs, passes, preemptions, prefillEndMs, prefillTokens, startMs } = group
  const slice = (name: string, fromMs: number, toMs: number, args: string): string =>
    `${separator}{"ph":"X","name":"${name}","pid":${pid},"tid":${tid},"ts":${microseconds(fromMs)}`
    + `,"dur":${durationBetween(fromMs, toMs)},"args":{${args}${preemptions === 0 ? "" : `,"preemptions":${preemptions}`}}}`
  if (passes > 1) {
    const busy = `"busy_ms":${Number(group.busyMs.toPrecision(9))}`
    const tokens = `"prefill_tokens":${prefillTokens},"decode_tokens":${decodeTokens}`
    return slice(`${passes} passes`, startMs, endMs, `"passes":${passes},${tokens},${busy}`)
  }
  const both = prefillEndMs > startMs && endMs > prefillEndMs
  let text = ""
  if (both || prefillTokens > 0 || decodeTokens === 0) {
    const toMs = both || decodeTokens > 0 ? prefillEndMs : endMs
    text += slice("prefill", startMs, toMs, `"tokens":${prefillTokens}`)
  }
  if (both || decodeTokens > 0) {
    text += slice("decode", both ? prefillEndMs : Math.min(prefillEndMs, endMs), endMs, `"tokens":${decodeTokens}`)
  }
  return text
}

const requestEvents = (request: RequestSpan): string => {
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
  return (
    asynchronous("b", "request", id, startMs, `,"args":${args}`)
    + stagesText(stages, id)
    + asynchronous("e", "request", id, endMs)
  )
}

const stagesText = (stages: ReadonlyArray<Stage>, id: number): string => {
  let text = ""
  for (const { endMs, inside, name, startMs } of stages) {
    text += asynchronous("b", name, id, startMs) + stagesText(inside, id) + asynchronous("e", name, id, endMs)
  }
  return text
}

const asynchronous = (phase: "b" | "e", name: string, id: number, ms: number, rest = ""): string =>
  `${separator}{"ph":"${phase}","cat":"request","id":${id},"name":"${name}","pid":${processes.requests},"tid":0`
  + `,"ts":${microseconds(ms)}${rest}}`

/** Whole nanoseconds, so that neighbours meet exactly. */
const nanoseconds = (ms: number): number => Math.round(ms * 1e6)

const microseconds = (ms: number): string => fromNanoseconds(nanoseconds(ms))

const durationBetween = (fromMs: number, toMs: number): string =>
  fromNanoseconds(Math.max(0, nanoseconds(toMs) - nanoseconds(fromMs)))

/** Nanoseconds as a number of microseconds, without an exponent. */
const fromNanoseconds = (ns: number): string => {
  const whole = Math.floor(ns / 1000)
  const rest = ns - whole * 1000
  if (rest === 0) return String(whole)
  if (rest % 100 === 0) return `${whole}.${rest / 100}`
  const digits = String(rest).padStart(3, "0")
  return `${whole}.${digits.endsWith("0") ? digits.slice(0, 2) : digits}`
}

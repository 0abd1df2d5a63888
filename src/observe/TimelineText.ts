/**
 * A timeline as Chrome trace events in JSON, which ui.perfetto.dev and chrome://tracing open.
 *
 * A pool is a process, a worker a thread of it ({@link TrackText}). Requests are a process of their own ({@link RequestText}). Format: "Trace Event Format", the Chromium project.
 */
import type { PoolRole } from "../simulation/RunProbe.ts"
import { TextBytes } from "../structures/TextBytes.ts"
import { separator } from "./EventText.ts"
import { RequestText } from "./RequestText.ts"
import type { TimelineProbe } from "./TimelineProbe.ts"
import { TrackText } from "./TrackText.ts"

const processes: Readonly<Record<PoolRole | "requests", number>> = { aggregated: 1, prefill: 1, decode: 2, requests: 3 }

/** Pieces are about this long: each of them costs a write, and all that is between here and that. */
const pieceBytes = 2 ** 20

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
    for (let group = 0; group < groups.length;) {
      group = track.write(groups, group, pieceBytes)
      if (out.length >= pieceBytes) yield out.lend()
    }
  }
  const requestText = new RequestText(out, processes.requests)
  for (let row = 0; row < requests.length;) {
    row = requestText.write(requests, row, pieceBytes)
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

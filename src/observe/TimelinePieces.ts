/**
 * A timeline as Chrome trace events in JSON, which ui.perfetto.dev and chrome://tracing open.
 *
 * A pool is a process, a worker a thread of it ({@link TrackText}). Requests are a process of their own ({@link RequestText}). Format: "Trace Event Format", the Chromium project.
 */
import type { PoolRole } from "../simulation/RunProbe.ts"
import { RepeatingText, type TextPiece } from "../structures/RepeatingText.ts"
import { separator } from "./EventText.ts"
import { RequestText } from "./RequestText.ts"
import type { TimelineProbe } from "./TimelineProbe.ts"
import { TrackText } from "./TrackText.ts"

const processes: Readonly<Record<PoolRole | "requests", number>> = { aggregated: 1, prefill: 1, decode: 2, requests: 3 }

/** Pieces are about this long. */
const pieceBytes = 2 ** 18

/** What the probe has kept, in pieces that end with an event. Each of them lasts until the next one is asked for; it `tells` what it repeats, or nothing. */
export function* timelinePieces(probe: TimelineProbe, tells: boolean): Generator<TextPiece> {
  const { requests, workers } = probe
  const out = new RepeatingText(pieceBytes + 2 ** 12, tells)
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
      if (out.length >= pieceBytes) yield out.lendPiece()
    }
  }
  const requestText = new RequestText(out, processes.requests)
  for (let row = 0; row < requests.length;) {
    row = requestText.write(requests, row, pieceBytes)
    if (out.length >= pieceBytes) yield out.lendPiece()
  }
  yield out.text(`\n],"otherData":${JSON.stringify(probe.sampling)}}\n`).lendPiece()
}

const named = (kind: string, pid: number, tid: number, name: string): string =>
  `${separator}{"ph":"M","name":"${kind}","pid":${pid},"tid":${tid},"args":{"name":${JSON.stringify(name)}}}`

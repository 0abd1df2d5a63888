/**
 * How much text a timeline fills, from parts that lie evenly in all of it: texts that are near each other are about as long, and in one run
 * twice as long as in another.
 */
import { TextBytes } from "../structures/TextBytes.ts"
import { RequestText } from "./RequestText.ts"
import type { RequestSpans } from "./RequestSpans.ts"
import type { WorkerTimeline } from "./TimelineProbe.ts"
import { TrackText } from "./TrackText.ts"

/** Parts that are written to be measured, of so many workers at most; counters are written where they change, so that neighbours go together. */
const parts = 128
const mostWorkers = 64
const groupsPerPart = 16

/** Text of all passes, in bytes. */
export const passBytes = (workers: ReadonlyArray<WorkerTimeline>): number => {
  const out = new TextBytes()
  const step = Math.ceil(workers.length / mostWorkers)
  const partsPerWorker = Math.max(1, Math.floor((parts * step) / workers.length))
  let measured = 0
  let bytes = 0
  for (let index = 0; index < workers.length; index += step) {
    const { groups, workerIndex } = workers[index]!
    const track = new TrackText(out, { pid: 1, tid: workerIndex + 1 }, workerIndex)
    const stride = Math.max(groupsPerPart, groups.length / partsPerWorker)
    for (let part = 0; part * stride < groups.length; part++) {
      const from = Math.floor(part * stride)
      const until = Math.min(groups.length, from + groupsPerPart)
      // The one before has what counters were.
      if (from > 0) track.write(groups, from - 1, 1)
      out.lend()
      for (let group = from; group < until; group++) track.write(groups, group, out.length + 1)
      measured += until - from
      bytes += out.length
      out.lend()
    }
  }
  return measured === 0 ? 0 : (bytes / measured) * workers.reduce((sum, { groups }) => sum + groups.length, 0)
}

/** Text of all requests, in bytes. */
export const requestBytes = (requests: RequestSpans): number => {
  const out = new TextBytes()
  const text = new RequestText(out, 1)
  const step = Math.max(1, Math.floor(requests.length / (parts * groupsPerPart)))
  let measured = 0
  let bytes = 0
  for (let row = 0; row < requests.length; row += step) {
    text.write(requests, row, 1)
    measured += 1
    bytes += out.length
    out.lend()
  }
  return measured === 0 ? 0 : (bytes / measured) * requests.length
}

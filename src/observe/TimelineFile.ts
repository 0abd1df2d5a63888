/** A timeline as the bytes of a file, in pieces. Each of them lasts until the next one is asked for. */
import { type Crc32, RepeatGzip } from "../structures/RepeatGzip.ts"
import { timelinePieces } from "./TimelinePieces.ts"
import type { TimelineProbe } from "./TimelineProbe.ts"

export function* timelineBytes(probe: TimelineProbe): Generator<Uint8Array<ArrayBuffer>> {
  for (const { bytes } of timelinePieces(probe, false)) yield bytes
}

/** The same compressed. */
export const timelineGzip = (probe: TimelineProbe, crc32: Crc32): Generator<Uint8Array<ArrayBuffer>> =>
  new RepeatGzip(crc32).pieces(timelinePieces(probe, true))

/** A timeline as text, Chrome trace events in JSON, see `TimelinePieces.ts`. */
import { timelinePieces } from "./TimelinePieces.ts"
import type { TimelineProbe } from "./TimelineProbe.ts"

/** What the probe has kept, in pieces. */
export function* timelineText(probe: TimelineProbe): Generator<string> {
  const decoder = new TextDecoder()
  for (const { bytes } of timelinePieces(probe, false)) yield decoder.decode(bytes)
}

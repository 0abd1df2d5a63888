/** The options of every command, by the words that name it. */
import { compareFlags } from "../config/CompareFlags.ts"
import type { FlagTable } from "../config/FlagSpec.ts"
import { replayFlags } from "../config/ReplayFlags.ts"
import { serveFlags } from "../config/ServeFlags.ts"
import { fewestWorkersFlags, highestLoadFlags } from "../sweep/FindFlags.ts"
import { sweepFlags, sweepMergeFlags, sweepNextFlags } from "../sweep/SweepFlags.ts"
import {
  anonymiseFlags,
  capGapsFlags,
  mergeFlags,
  sampleFlags,
  scaleFlags,
  shiftFlags,
  sliceFlags
} from "../config/TraceEditFlags.ts"
import { convertFlags, inspectFlags, synthFlags, validateFlags } from "../config/TraceToolFlags.ts"

export const commandFlags: ReadonlyMap<string, FlagTable> = new Map<string, FlagTable>([
  ["replay", replayFlags],
  ["compare", compareFlags],
  ["serve", serveFlags],
  ["trace inspect", inspectFlags],
  ["trace validate", validateFlags],
  ["trace convert", convertFlags],
  ["trace synth", synthFlags],
  ["trace slice", sliceFlags],
  ["trace sample", sampleFlags],
  ["trace merge", mergeFlags],
  ["trace scale", scaleFlags],
  ["trace cap-gaps", capGapsFlags],
  ["trace shift", shiftFlags],
  ["trace anonymise", anonymiseFlags],
  ["find fewest-workers", fewestWorkersFlags],
  ["find highest-load", highestLoadFlags],
  ["sweep", sweepFlags],
  ["sweep merge", sweepMergeFlags],
  ["sweep next", sweepNextFlags]
])

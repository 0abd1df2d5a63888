/** The options of every command, by the words that name it; loaded for the one that is asked for. */
import type { FlagTable } from "../config/FlagSpec.ts"

const findFlags = () => import("../sweep/FindFlags.ts")
const sweepFlags = () => import("../sweep/SweepFlags.ts")
const toolFlags = () => import("../config/TraceToolFlags.ts")
const editFlags = () => import("../config/TraceEditFlags.ts")

export const commandFlags: ReadonlyMap<string, () => Promise<FlagTable>> = new Map<string, () => Promise<FlagTable>>([
  ["replay", async () => (await import("../config/ReplayFlags.ts")).replayFlags],
  ["compare", async () => (await import("../config/CompareFlags.ts")).compareFlags],
  ["serve", async () => (await import("../config/ServeFlags.ts")).serveFlags],
  ["record", async () => (await import("../config/RecordFlags.ts")).recordFlags],
  ["trace inspect", async () => (await toolFlags()).inspectFlags],
  ["trace validate", async () => (await toolFlags()).validateFlags],
  ["trace convert", async () => (await toolFlags()).convertFlags],
  ["trace fit", async () => (await toolFlags()).fitFlags],
  ["trace synth", async () => (await toolFlags()).synthFlags],
  ["trace slice", async () => (await editFlags()).sliceFlags],
  ["trace sample", async () => (await editFlags()).sampleFlags],
  ["trace merge", async () => (await editFlags()).mergeFlags],
  ["trace scale", async () => (await editFlags()).scaleFlags],
  ["trace cap-gaps", async () => (await editFlags()).capGapsFlags],
  ["trace shift", async () => (await editFlags()).shiftFlags],
  ["trace anonymise", async () => (await editFlags()).anonymiseFlags],
  ["find fewest-workers", async () => (await findFlags()).fewestWorkersFlags],
  ["find highest-load", async () => (await findFlags()).highestLoadFlags],
  ["sweep", async () => (await sweepFlags()).sweepFlags],
  ["sweep merge", async () => (await sweepFlags()).sweepMergeFlags],
  ["sweep next", async () => (await sweepFlags()).sweepNextFlags],
  ["sweep slurm", async () => (await sweepFlags()).sweepSlurmFlags],
  ["sweep kubernetes", async () => (await sweepFlags()).sweepKubernetesFlags]
])

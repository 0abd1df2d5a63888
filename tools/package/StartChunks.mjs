/** Which modules of the command go into one file: what is always loaded together. */
import { resolve } from "node:path"

/**
 * From the first: each takes what its modules import statically, unless a former one has it. What the modules load on demand is not theirs.
 * Loading a file costs as much as reading 10 kB of it, and a bundler left alone makes one of every module that two others share.
 */
const files = {
  start: ["src/cli/Process.ts"],
  trace: ["src/run/OpenTrace.ts"],
  // The last ones are few lines that several other files share.
  replay: [
    "src/cli/ReplayCommand.ts",
    "src/cli/RunReplay.ts",
    "src/structures/UncountedMemory.ts",
    "src/structures/NumberRows.ts"
  ],
  // Before the sweep's, which writes tables too: who only writes one need not load a sweep.
  tables: ["src/report/TableWriter.ts", "src/report/TableText.ts"],
  timeline: ["src/observe/TimelineProbe.ts", "src/observe/TimelineText.ts"],
  series: ["src/observe/SeriesWriter.ts", "src/observe/SeriesRow.ts"],
  // Of what reads Parquet, the part that writing it needs.
  parquet: ["node_modules/hyparquet/src/metadata.js"],
  thread: ["src/cli/SweepWorker.ts"],
  sweep: ["src/cli/SweepRun.ts", "src/cli/FindRun.ts"]
}

/** What runs when it is loaded: never in a file that something else, such as a sweep's thread, takes its code from. */
const programs = ["src/cli/Process.ts", "src/cli/SweepWorker.ts"]

/** The name of the file that a module goes into, for `codeSplitting` of rolldown; nothing where that is left to it. */
export const startChunks = () => {
  /** By module, once the first is asked for. */
  let names
  const assign = (name, id, context) => {
    if (names.has(id)) return
    names.set(id, name)
    for (const imported of context.getModuleInfo(id)?.importedIds ?? []) assign(name, imported, context)
  }
  return (id, context) => {
    if (names === undefined) {
      names = new Map()
      for (const [name, modules] of Object.entries(files)) {
        for (const module of modules) assign(name, resolve(module), context)
      }
      for (const program of programs) names.delete(resolve(program))
    }
    return names.get(id)
  }
}

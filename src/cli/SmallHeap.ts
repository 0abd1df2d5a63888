/**
 * Keeps what V8 holds close to what is alive, for its effect alone: import it before everything else.
 *
 * A replay allocates steadily and keeps little. Left alone, the young generation would grow to its limit and the old one to a multiple of
 * what it holds, and both would make up most of the process. Collecting more often costs a few percent of time.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"

// Modules of Node.js come compiled, but only for the flags that it was built with: those that most runs load are loaded while they hold.
for (const module of ["crypto", "fs", "module", "os", "path", "stream", "url", "vm", "zlib"]) {
  process.getBuiltinModule(`node:${module}`)
}
// Those behind the standard streams too, which are others for files, pipes and terminals.
for (const stream of ["stdout", "stderr"]) Reflect.get(process, stream)

/** What V8 has for both halves of the young generation, in bytes. */
const youngBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? Infinity

/**
 * Lets the young generation grow once, from one megabyte a half to two: in one, much that is about to die would be taken for old, and in four
 * the halves would be larger than what that saves. Its size can be chosen only before a process starts, but V8 doubles it when what survived
 * collections would have filled it.
 */
const doubleYoungGeneration = (): void => {
  setFlagsFromString("--semi-space-growth-factor=2")
  const doubledBytes = 4 * 1024 * 1024
  const surviving: Array<ReadonlyArray<number>> = []
  for (let made = 0; made < 100 && youngBytes() < doubledBytes; made++)
    surviving[made % 12] = Array<number>(8192).fill(0)
  setFlagsFromString("--semi-space-growth-factor=1")
}

doubleYoungGeneration()
setFlagsFromString("--heap-growing-percent=30")
// So small a young generation is collected before helpers of the collector are awake: they would cost more than they do.
setFlagsFromString("--no-parallel-scavenge")
// See HeapMarking.ts, which takes this back when a run is long.
if (process.argv[2] === "replay") setFlagsFromString("--no-incremental-marking")
// One helper marks an old generation of twenty megabytes while the run goes on; more would get in each other's way, also when it is compacted.
setFlagsFromString("--concurrent-marking-max-worker-num=1")
setFlagsFromString("--no-parallel-compaction")
setFlagsFromString("--no-parallel-pointer-update")
// What a run calls only when it starts is kept for the next one (CompiledCode.ts), however often this one collects.
setFlagsFromString("--no-flush-bytecode")

// What a compiler's thread has needed stays with that thread, and a run is short: the thorough compiler would take a fifth of its CPU time for
// functions that the quick one makes fast enough. It gets those that run very often, which in long runs are all that matter. The quick one
// inlines what is small; what else it could inline makes its work, and the memory for that, larger than what it saves.
setFlagsFromString("--invocation-count-for-maglev=800")
setFlagsFromString("--max-maglev-inlined-bytecode-size=60")
setFlagsFromString("--max-maglev-inlined-bytecode-size-cumulative=100")
// Threads that are busy compiling would get to freeing what is compiled much later.
setFlagsFromString("--no-maglev-destroy-on-background")
setFlagsFromString("--invocation-count-for-turbofan=200000")
setFlagsFromString("--max-inlined-bytecode-size-cumulative=500")

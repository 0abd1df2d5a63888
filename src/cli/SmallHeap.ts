/**
 * Keeps what V8 holds close to what is alive, for its effect alone: import it before everything else.
 *
 * A replay allocates steadily and keeps little. Left alone, the young generation would grow to its limit and the old one to a multiple of
 * what it holds, and both would make up most of the process. Collecting more often costs a few percent of time.
 */
import { setFlagsFromString } from "node:v8"

// Modules of Node.js come compiled, but only for the flags that it was built with: those that most runs load are loaded while they hold.
for (const module of ["crypto", "fs", "module", "os", "path", "stream", "url", "vm", "zlib"]) {
  process.getBuiltinModule(`node:${module}`)
}
// Those behind the standard streams too, which are others for files, pipes and terminals.
for (const stream of ["stdout", "stderr"]) Reflect.get(process, stream)

setFlagsFromString("--semi-space-growth-factor=1")
setFlagsFromString("--heap-growing-percent=30")
// A young generation of one megabyte is collected before helpers of the collector are awake: they would cost more than they do.
setFlagsFromString("--no-parallel-scavenge")
// One helper marks an old generation of twenty megabytes while the run goes on; more would get in each other's way, also when it is compacted.
setFlagsFromString("--concurrent-marking-max-worker-num=1")
setFlagsFromString("--no-parallel-compaction")
setFlagsFromString("--no-parallel-pointer-update")

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

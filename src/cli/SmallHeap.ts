/**
 * Keeps what V8 holds close to what is alive, for its effect alone: import it before everything else.
 *
 * A replay allocates steadily and keeps little. Left alone, the young generation would grow to its limit and the old one to a multiple of
 * what it holds, and both would make up most of the process. Collecting more often costs a few percent of time.
 */
import { setFlagsFromString } from "node:v8"

// Modules of Node.js come compiled, but only for the flags that it was built with: those that most runs load are loaded while they hold.
for (const module of ["crypto", "fs", "module", "os", "path", "stream", "url", "vm"]) {
  process.getBuiltinModule(`node:${module}`)
}

setFlagsFromString("--semi-space-growth-factor=1")
setFlagsFromString("--heap-growing-percent=30")
// A young generation of one megabyte is collected before helpers of the collector are awake: they would cost more than they do.
setFlagsFromString("--no-parallel-scavenge")

// What a compiler's thread has needed stays with that thread. A run is short and its loops are few: the quick optimising compiler
// would go through most of them just before the thorough one does, and each of the two through what it inlines, again and again.
setFlagsFromString("--invocation-count-for-maglev=2000")
setFlagsFromString("--no-maglev-inlining")
setFlagsFromString("--max-inlined-bytecode-size-cumulative=500")

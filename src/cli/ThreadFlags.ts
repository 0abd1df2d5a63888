/**
 * Suits V8 to threads that replay one run after another, for its effect alone: import it before the first thread starts, after what suits it to
 * a single run.
 *
 * V8 compiles and collects with threads of its own, which take from the cores that runs could have. So threads collect less often, and compile
 * for themselves: they do not wait for their turn in slow code, and no other thread holds memory for it. See bench/changes.md.
 */
import { setFlagsFromString } from "node:v8"

/** Megabytes of each half of the young generation of a thread, instead of one. */
setFlagsFromString("--min-semi-space-size=4")
setFlagsFromString("--heap-growing-percent=100")
setFlagsFromString("--no-concurrent-recompilation")
// What one run calls often the next ones do too, so the thorough compiler pays sooner than in a single run.
setFlagsFromString("--invocation-count-for-turbofan=12000")
// For the same reason it may inline more than V8 would let it.
setFlagsFromString("--max-inlined-bytecode-size-cumulative=1500")

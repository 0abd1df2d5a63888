/**
 * Suits V8 to threads that replay one run after another, for its effect alone: import it before the first thread starts, after what keeps the
 * heap small.
 *
 * V8 compiles and collects with threads of its own, which take from the cores that runs could have. A thread that has a core to itself
 * compiles as cheaply, needs no memory for it elsewhere, and does not wait in slow code for its turn; collecting less often is what leaves
 * little to collect beside it. See bench/README.md.
 */
import { setFlagsFromString } from "node:v8"

/** Megabytes of each half of the young generation of a thread, instead of one. */
setFlagsFromString("--min-semi-space-size=4")
setFlagsFromString("--heap-growing-percent=100")
setFlagsFromString("--no-concurrent-recompilation")

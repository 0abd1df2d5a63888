/**
 * Gives the heaps of threads that replay one run after another more room than that of a single run, for its effect alone: import it before the
 * first thread starts, after what keeps the heap small.
 *
 * Collecting less often is what makes threads add up: V8 collects with threads of its own, which take from the cores that runs could have. With
 * the heap of a single run they took a fifth of the CPU time of a sweep; see bench/README.md.
 */
import { setFlagsFromString } from "node:v8"

/** Megabytes of each half of the young generation of a thread, instead of one. */
setFlagsFromString("--min-semi-space-size=4")
setFlagsFromString("--heap-growing-percent=100")

/**
 * The command. Everything else is loaded once the Node.js it runs under is known to do: an older one would stop at the first
 * thing it lacks, with a stack.
 */
import { nodeProblem } from "./NodeVersion.ts"

const problem = nodeProblem(process.versions.node)
if (problem === undefined) {
  // Before anything that fills the heap; help and version fill none.
  if (process.argv[2]?.startsWith("-") === false) await import("./SmallHeap.ts")
  await import("./Process.ts")
} else {
  process.stderr.write(`error: ${problem}\n`)
  process.exitCode = 2
}

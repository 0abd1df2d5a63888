/**
 * The command. Everything else is loaded once the Node.js it runs under is known to do: an older one would stop at the first
 * thing it lacks, with a stack.
 */
import { nodeProblem } from "./NodeVersion.ts"

const problem = nodeProblem(process.versions.node)
if (problem === undefined) {
  const [, , command = "--help"] = process.argv
  // Before anything that fills the heap; help and version fill none, and compile next to nothing.
  if (!command.startsWith("-")) {
    await import("./SmallHeap.ts")
    if (command === "sweep" || command === "find") await import("./ThreadFlags.ts")
  }
  await import("./Process.ts")
} else {
  process.stderr.write(`error: ${problem}\n`)
  process.exitCode = 2
}

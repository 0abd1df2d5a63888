/**
 * The command. Everything else is loaded once the Node.js it runs under is known to do: an older one would stop at the first
 * thing it lacks, with a stack.
 */
import { nodeProblem } from "./NodeVersion.ts"

const problem = nodeProblem(process.versions.node)
if (problem === undefined) await import("./Process.ts")
else {
  process.stderr.write(`error: ${problem}\n`)
  process.exitCode = 2
}

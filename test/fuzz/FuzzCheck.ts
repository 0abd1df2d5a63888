/** What must hold of every command line, however wrong: it works, or it says in one line what is wrong, and nothing is lost. */
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { Folder, type Outcome, program } from "../cli/Program.ts"
import type { FuzzCase } from "./FuzzCase.ts"

/** A run that goes on for longer is interrupted, as by Ctrl-C, which it must obey; whether it is makes no difference to the checks. */
const longestMs = 3_000

/** As on a machine that has no more memory left than this: whatever wants larger pools is refused. */
const leftBytes = 2 ** 28

const isFinite = (value: unknown): boolean =>
  typeof value === "number"
    ? Number.isFinite(value)
    : typeof value !== "object" || value === null || Object.values(value).every(isFinite)

/** What a terminal would obey. */
// oxlint-disable-next-line no-control-regex -- that is what it looks for
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

const messageFaults = ({ exit, stderr, stdout }: Outcome, { argv }: FuzzCase): Array<string> => {
  const faults: Array<string> = []
  const lines = stderr === "" ? [] : stderr.split("\n")
  const errors = lines.filter((line) => !line.startsWith("note: "))
  if (control.test(stderr) || control.test(stdout)) faults.push("prints what a terminal obeys")
  if (/this is a fault of dynosim|^\s+at /m.test(stderr)) faults.push("shows a stack")
  if (lines.some((line) => line.length > 4_000)) faults.push("prints a line of more than 4,000 characters")
  if (exit === 0 && errors.some((line) => line.startsWith("error: "))) faults.push("reports an error and ends well")
  // It lists all that is wrong with a trace.
  const mostErrors = argv[1] === "validate" ? 1_000 : 1
  const explained = errors.length > 0 && errors.length <= mostErrors && errors.every((line) => /^error: ./.test(line))
  if ((exit === 1 || exit === 2) && !explained) {
    faults.push(`ends with ${exit} and ${errors.length} lines that are no notes`)
  }
  return faults
}

const fileFaults = ({ exit }: Outcome, folder: Folder, { argv, files }: FuzzCase): Array<string> => {
  const faults = Object.entries(files)
    .filter(([name, bytes]) => !readFileSync(name).equals(bytes))
    .map(([name]) => `changes ${name}`)
  const added = folder.added()
  const report = added.filter((name) => name.endsWith(".json"))
  if (exit === 2 && added.length > 0) faults.push(`refuses its input and leaves ${added.join()}`)
  if (exit === 1 && report.length > 0) faults.push(`fails and leaves ${report.join()}`)
  for (const name of report) {
    const text = folder.read(name)
    if (text === "" || !isFinite(JSON.parse(text)) || /\b(NaN|Infinity)\b/.test(text)) {
      faults.push(`reports no or no finite numbers: ${argv.join(" ")}`)
    }
  }
  return faults
}

/** Runs the case in a folder of its own; what is wrong, if anything. */
export const faultsOf = (fuzzed: FuzzCase): Effect.Effect<ReadonlyArray<string>> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const folder = new Folder({})
      for (const [name, bytes] of Object.entries(fuzzed.files)) folder.add(name, bytes)
      const { availableMemory } = process
      process.availableMemory = () => leftBytes
      return { availableMemory, folder }
    }),
    ({ folder }) =>
      program(fuzzed.argv, {}, longestMs).pipe(
        Effect.map((outcome) => {
          const faults = [...messageFaults(outcome, fuzzed), ...fileFaults(outcome, folder, fuzzed)]
          return faults.length === 0 ? [] : [...faults, `exit ${outcome.exit}: ${outcome.stderr.slice(0, 1_000)}`]
        })
      ),
    ({ availableMemory, folder }) =>
      Effect.sync(() => {
        process.availableMemory = availableMemory
        folder.leave()
      })
  )

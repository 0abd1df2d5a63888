/**
 * Random command lines through the reference and through this program, compared in every figure and request.
 *
 *     DYNOSIM_REFERENCE=/path/to/reference node test/differential/Fuzz.ts --cases 9 --seed 1 [--family mtp] [--record FOLDER]
 *
 * Cases are reproducible: the same seed and family make the same one. `--record` keeps every case as a fixture for
 * test/golden/differential. Without `DYNOSIM_REFERENCE` there is nothing to compare with, and nothing is done.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { gzipSync } from "node:zlib"
import { runCommand } from "../support/CommandRun.ts"
import { columnsOf, figuresOf, reportDifferences, requestDifferences } from "../support/Comparison.ts"
import { guideFor } from "../support/Guide.ts"
import { type Case, families, type Family, isFamily, randomCase } from "./RandomCase.ts"
import { referenceCommand, type ReferenceResult, runReference } from "./Reference.ts"

const { values: options } = parseArgs({
  options: {
    cases: { type: "string", default: "9" },
    seed: { type: "string", default: "1" },
    family: { type: "string" },
    record: { type: "string" }
  }
})

const familyNames = Object.keys(families).filter(isFamily)

/** Requests that it can never go on with; docs/fidelity.md says which of them this program serves or rejects. */
const isDeadEnd = (reference: ReferenceResult): boolean =>
  reference._tag === "Failed" && reference.message.includes("dead end")

const compare = async (
  trace: string,
  { arguments: words }: Case,
  reference: ReferenceResult
): Promise<Array<string>> => {
  const recorded = reference._tag === "Done" && reference.lines !== undefined ? columnsOf(reference.lines) : undefined
  const guide = recorded === undefined ? undefined : guideFor(words, recorded)
  const exit = await Effect.runPromiseExit(runCommand([trace], words, { hook: guide?.hook }))
  if (Exit.isSuccess(exit)) {
    // Where it comes to no end this program does, or the machine was too busy for it: nothing to compare with.
    if (reference._tag === "Hung" || isDeadEnd(reference)) return []
    if (reference._tag === "Failed") return [`the reference failed: ${reference.message}`]
    const { records, report } = exit.value
    return [
      ...(guide?.faults ?? []),
      ...reportDifferences(report, reference.report),
      ...(recorded === undefined ? [] : requestDifferences(records, recorded))
    ]
  }
  const failure = Cause.squash(exit.cause)
  const message = failure instanceof Error ? failure.message : String(failure)
  if (reference._tag === "Hung") return []
  if (reference._tag === "Failed")
    return isDeadEnd(reference) && /dead end|without end/.test(message) ? [] : [`${reference.message} / ${message}`]
  return [`failed where the reference did not: ${message}`]
}

const record = (folder: string, name: string, { arguments: words, rows }: Case, reference: ReferenceResult): void => {
  if (reference._tag !== "Done" || reference.lines === undefined) return
  const run = { rows, arguments: words, report: figuresOf(reference.report), requests: columnsOf(reference.lines) }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.json.gz`), gzipSync(JSON.stringify(run), { level: 9 }))
}

/** Runs one case both ways; true when they agree. */
const tryCase = async (command: string, folder: string, family: Family, seed: number): Promise<boolean> => {
  const name = `${family}_${seed}`
  const made = randomCase(family, seed)
  const trace = join(folder, `${name}.jsonl`)
  writeFileSync(trace, made.rows.map((row) => `${JSON.stringify(row)}\n`).join(""))
  const reference = await runReference(command, trace, made.arguments, folder)
  const found = await compare(trace, made, reference)
  console.log(
    `${name}: ${reference._tag}, ${made.rows.length} rows, ${found.length === 0 ? "equal" : `${found.length} differences`}`
  )
  for (const difference of found.slice(0, 8)) console.log(`  ${difference}`)
  if (found.length > 0) console.log(`  ${trace} ${made.arguments.map((word) => `'${word}'`).join(" ")}`)
  if (options.record !== undefined) record(options.record, name, made, reference)
  return found.length === 0
}

const main = async (command: string): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "dynosim-differential-"))
  let different = 0
  for (let index = 0; index < Number(options.cases); index++) {
    const family = options.family ?? familyNames[index % familyNames.length]!
    if (!isFamily(family)) throw new Error(`there is no family ${family}; there are ${familyNames.join(", ")}`)
    if (!(await tryCase(command, folder, family, Number(options.seed) + index))) different += 1
  }
  console.log(`${options.cases} cases, ${different} different`)
  if (different > 0) process.exitCode = 1
}

if (referenceCommand === undefined) console.log("DYNOSIM_REFERENCE is not set: nothing to compare with")
else await main(referenceCommand)

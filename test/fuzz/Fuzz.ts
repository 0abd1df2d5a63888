/**
 * Random command lines, traces and files, as many as wanted; the test runs some of the same.
 *
 *     node test/fuzz/Fuzz.ts --cases 9000 --seed 1 [--family traces|arguments|files]
 *
 * Prints each case that breaks a rule of FuzzCheck.ts, with the seed that makes it again (`--cases 1 --seed N --family F`).
 */
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { type Family, families, fuzzCase, isFamily } from "./FuzzCase.ts"
import { faultsOf } from "./FuzzCheck.ts"

const { values: options } = parseArgs({
  options: {
    cases: { type: "string", default: "3000" },
    seed: { type: "string", default: "1" },
    family: { type: "string" }
  }
})

const names: ReadonlyArray<Family> =
  options.family !== undefined && isFamily(options.family) ? [options.family] : Object.keys(families).filter(isFamily)

let broken = 0
for (let index = 0; index < Number(options.cases); index++) {
  const family = names[index % names.length]!
  const seed = Number(options.seed) + Math.floor(index / names.length)
  const fuzzed = fuzzCase(family, seed)
  const faults = await Effect.runPromise(faultsOf(fuzzed))
  if (faults.length === 0) continue
  broken += 1
  console.log(`--family ${family} --seed ${seed}: ${JSON.stringify(fuzzed.argv)}`)
  for (const fault of faults) console.log(`  ${fault}`)
}
console.log(`${options.cases} cases, ${broken} broken`)
process.exitCode = broken === 0 ? 0 : 1

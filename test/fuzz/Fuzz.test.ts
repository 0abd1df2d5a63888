/** Random command lines, traces and files; more of them with Fuzz.ts. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { families, fuzzCase, isFamily } from "./FuzzCase.ts"
import { faultsOf } from "./FuzzCheck.ts"

const casesPerFamily = { traces: 800, arguments: 800, files: 400 }
const casesPerTest = 100

describe("whatever is given", () => {
  for (const family of Object.keys(families).filter(isFamily)) {
    for (let from = 0; from < casesPerFamily[family]; from += casesPerTest) {
      it.live(`${family} ${from} to ${from + casesPerTest - 1}`, () =>
        Effect.gen(function* () {
          const found: Array<string> = []
          for (let seed = from; seed < from + casesPerTest; seed++) {
            const faults = yield* faultsOf(fuzzCase(family, seed))
            if (faults.length > 0) found.push(`--family ${family} --seed ${seed}: ${faults.join("; ")}`)
          }
          assert.deepStrictEqual(found, [])
        })
      )
    }
  }
})

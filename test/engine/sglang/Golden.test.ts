/** Whole runs with SGLang-style engines against recorded runs of the reference. See test/golden/sglang/README.md. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { differences, goldenFolder, goldenNames, loadGolden, rerun } from "../../support/GoldenRun.ts"

const folder = goldenFolder("sglang")

describe("recorded runs", () => {
  it.effect.each([...goldenNames(folder)])("%s", (name) =>
    Effect.gen(function* () {
      const golden = loadGolden(folder, name)
      if (golden.error === null) {
        const found = differences(yield* rerun(folder, golden), golden)
        assert.strictEqual(found.length, 0, found.slice(0, 20).join("\n"))
        return
      }
      // The reference's text stands in ours, which also names the requests.
      const failure = yield* Effect.flip(rerun(folder, golden))
      assert.instanceOf(failure, Error)
      assert.include(failure.message, golden.error)
    })
  )
})

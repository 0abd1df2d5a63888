/** Whole runs with SGLang-style engines against recorded runs of the reference. See test/golden/sglang/README.md. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { RequestRecord } from "../../../src/request/SimRequest.ts"
import { differences, type GoldenRun, goldenFolder, goldenNames, loadGolden, rerun } from "../../support/GoldenRun.ts"

const folder = goldenFolder("sglang")

/** Prompt in pages plus output, as far as admission looks at it, must stay below the pool, and all of it must fit. */
const fitsPool = ({ arguments: words }: GoldenRun, { outputTokens, promptTokens }: RequestRecord): boolean => {
  const args = JSON.parse(words[words.indexOf("--extra-engine-args") + 1]!)
  const pageTokens = args.sglang?.page_size ?? args.block_size ?? 1
  const capacityTokens = (args.num_gpu_blocks ?? 16_384) * pageTokens
  const reserveTokens = Math.min(outputTokens, args.sglang?.clip_max_new_tokens ?? 4096)
  return (
    promptTokens + outputTokens <= capacityTokens
    && Math.ceil(promptTokens / pageTokens) * pageTokens + reserveTokens < capacityTokens
  )
}

describe("recorded runs", () => {
  it.effect.each([...goldenNames(folder)])("%s", (name) =>
    Effect.gen(function* () {
      const golden = loadGolden(folder, name)
      if (golden.error === null) {
        const found = differences(yield* rerun(folder, golden), golden)
        assert.strictEqual(found.length, 0, found.slice(0, 20).join("\n"))
        return
      }
      // The reference reached a dead end. Here what never fits is rejected at the head of the queue, and all the others are served.
      const { records, report } = yield* rerun(folder, golden)
      const { completed_requests, offered_requests, rejected_requests } = report.dynosim
      assert.strictEqual(completed_requests + rejected_requests, offered_requests)
      assert.deepStrictEqual(
        new Set(records.filter(({ status }) => status === "rejected").map(({ id }) => id)),
        new Set(records.filter((record) => !fitsPool(golden, record)).map(({ id }) => id))
      )
    })
  )
})

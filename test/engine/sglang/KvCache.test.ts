import { describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { apply, KvPair, Step } from "./KvPair.ts"

const steps = Schema.Array(Step).check(Schema.isMinLength(30), Schema.isMaxLength(120))

const follow = (pair: KvPair, plan: ReadonlyArray<typeof Step.Type>): void => {
  for (const step of plan) {
    apply(pair, step)
    pair.compare()
  }
  pair.drain()
}

describe("KvCache", () => {
  for (const [capacityPages, pageTokens, runs] of [
    [100, 1, 400],
    [60, 2, 400],
    [25, 4, 400],
    [12, 8, 400],
    // Room for all: little is evicted, and comparing takes long.
    [400, 4, 100]
  ] as const) {
    it.prop(
      `does what the plain model does, ${capacityPages} pages of ${pageTokens} tokens`,
      [steps],
      ([plan]) => {
        follow(new KvPair(capacityPages, pageTokens), plan)
      },
      { arbitrary: { runs, size: 120, maxShrinks: 300 } }
    )
  }

  it("refreshes what a look-up passes, even when it leads to nothing", () => {
    // Prompts fork at every page: 0-0-0 and 1 are cached, then 0-0-1 with a long rest is looked up and does not fit. That cuts
    // the second node, whose parts stay old, but makes the first page younger than that of the other prompt.
    const cached = (which: number, tokens: number) =>
      [
        { act: "arrive", which, tokens },
        { act: "extend", which: 0, tokens: 39 },
        { act: "finalise", which: 0, tokens: 0 }
      ] as const
    follow(new KvPair(5, 7), [
      ...cached(0, 6),
      ...cached(0, 20),
      ...cached(1, 6),
      { act: "arrive", which: 4, tokens: 39 },
      { act: "reserve", which: 0, tokens: 0 },
      { act: "evict", which: 0, tokens: 1 },
      { act: "evict", which: 0, tokens: 1 },
      { act: "evict", which: 0, tokens: 1 }
    ])
  })

  it("takes pages that came to share their last slot for one page", () => {
    follow(new KvPair(60, 2), [
      { act: "arrive", which: 33, tokens: 15 },
      { act: "reserve", which: 43, tokens: 30 },
      { act: "arrive", which: 12, tokens: 35 },
      { act: "reserve", which: 56, tokens: 8 },
      { act: "activate", which: 47, tokens: 10 },
      { act: "arrive", which: 20, tokens: 21 },
      { act: "retract", which: 52, tokens: 15 },
      { act: "activate", which: 15, tokens: 23 },
      { act: "retract", which: 6, tokens: 12 },
      { act: "reserve", which: 4, tokens: 26 },
      { act: "extend", which: 27, tokens: 23 },
      { act: "evict", which: 7, tokens: 20 },
      { act: "retract", which: 50, tokens: 20 },
      { act: "extend", which: 44, tokens: 2 },
      { act: "extend", which: 43, tokens: 9 },
      { act: "extend", which: 49, tokens: 8 }
    ])
  })
})

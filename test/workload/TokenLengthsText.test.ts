import { assert, describe, it } from "@effect/vitest"
import { lengthsOf, tokenLengths, type TokenLengths } from "../../src/workload/TokenLengths.ts"

describe("lengthsOf", () => {
  it("reads fixed and drawn lengths", () => {
    const read: ReadonlyArray<readonly [string, TokenLengths]> = [
      ["128", 128],
      ["+1_000", 1000],
      ["-5", -5],
      ["uniform:100,200", { distribution: "uniform", low: 100, high: 200 }],
      [" lognormal:512,0.8 ", { distribution: "lognormal", mean: 512, sigma: 0.8 }],
      ["lognormal:1e3,.5", { distribution: "lognormal", mean: 1000, sigma: 0.5 }]
    ]
    for (const [text, lengths] of read) assert.deepStrictEqual(lengthsOf(text), lengths)
  })

  it("reads nothing else", () => {
    for (const text of [
      "",
      "x",
      "1.5",
      "uniform:1",
      "uniform:1,2,3",
      "1,2",
      "normal:1,2",
      "uniform:1,x",
      "uniform:,2",
      "uniform"
    ]) {
      assert.strictEqual(lengthsOf(text), undefined, text)
    }
  })

  it("leaves it to the rules whether the numbers make sense", () => {
    const lengths = lengthsOf("uniform:9,1.5")
    assert(lengths !== undefined)
    assert.match(
      tokenLengths.explain?.(lengths) ?? "",
      /^uniform:LOW,HIGH must be integers with 1 <= LOW <= HIGH .*, got 9,1\.5$/
    )
    assert.strictEqual(tokenLengths.explain?.({ distribution: "uniform", low: 7, high: 7 }), undefined)
  })
})

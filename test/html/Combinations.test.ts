/** What the pages of sweeps and comparisons work out: fronts, filters, curves, and text that is packed. */
import { assert, describe, it } from "@effect/vitest"
import { curvesOf } from "../../src/compare/ComparisonCurves.ts"
import { measurementOf } from "../../src/compare/Measurement.ts"
import { packText } from "../../src/html/PackedText.ts"

interface Combination {
  readonly values: ReadonlyArray<string>
  readonly figures: ReadonlyArray<number | null>
  readonly isFeasible: boolean
}

interface Filters {
  readonly onlyFeasible: boolean
  readonly picked: ReadonlyArray<ReadonlySet<string>>
  readonly bounds: ReadonlyArray<readonly [number, number]>
}

const moduleAt = (name: string): string => new URL(`../../tools/html/${name}`, import.meta.url).href
const { unpackText }: { readonly unpackText: (data: string) => Promise<string> } = await import(moduleAt("Unpack.mjs"))
const page: {
  readonly isShown: (combination: Combination, filters: Filters) => boolean
  readonly paretoFront: (
    combinations: ReadonlyArray<Combination>,
    x: number,
    y: number,
    maximises: ReadonlyArray<boolean>
  ) => ReadonlyArray<Combination>
} = await import(moduleAt("Combinations.mjs"))

const of = (x: number | null, y: number | null, isFeasible = true): Combination => ({
  values: [String(x)],
  figures: [x, y],
  isFeasible
})

describe("the page of a sweep", () => {
  it("draws the front of what is within the constraints, in either direction", () => {
    const [cheap, middling, dear, equal] = [of(1, 10), of(2, 20), of(4, 30), of(4, 30)]
    const all = [dear, of(2, 15), middling, of(4, null), cheap, of(1, 99, false), equal]
    assert.deepStrictEqual(page.paretoFront(all, 0, 1, [false, true]), [cheap, middling, dear, equal])
    assert.deepStrictEqual(page.paretoFront(all, 0, 1, [false, false]), [cheap])
    assert.deepStrictEqual(page.paretoFront([], 0, 1, [false, false]), [])
  })

  it("filters by values, by figures from what to what, and by the constraints", () => {
    const filters: Filters = {
      onlyFeasible: false,
      picked: [new Set(["1", "2"])],
      bounds: [
        [1, 2],
        [10, 20]
      ]
    }
    assert.isTrue(page.isShown(of(1, 20), filters))
    assert.isTrue(page.isShown(of(2, null), filters))
    assert.isFalse(page.isShown(of(2, 20.1), filters))
    assert.isFalse(page.isShown({ ...of(1, 15), values: ["3"] }, filters))
    assert.isTrue(page.isShown(of(1, 15, false), filters))
    assert.isFalse(page.isShown(of(1, 15, false), { ...filters, onlyFeasible: true }))
  })
})

describe("the page of a comparison", () => {
  const told = (name: string, ttfts: ReadonlyArray<number>) =>
    measurementOf({
      name,
      source: "test",
      requests: ttfts.map((ttftMs, index) => ({
        id: undefined,
        turn: undefined,
        startMs: index,
        inputTokens: 1,
        outputTokens: Number.NaN,
        ttftMs,
        ttstMs: Number.NaN,
        tpotMs: Number.NaN,
        e2eMs: Number.NaN
      }))
    })

  it("has both distributions at the same shares, of metrics that both sides tell", () => {
    const hundred = Array.from({ length: 101 }, (_, value) => value)
    const curves = curvesOf(told("a", hundred), told("b", [7]))
    assert.deepStrictEqual(
      curves.map(({ metric }) => metric),
      ["ttft_ms", "input_tokens"]
    )
    const [ttft] = curves
    assert.deepStrictEqual(ttft?.percent.slice(0, 100), hundred.slice(0, 100))
    assert.deepStrictEqual(ttft?.reference.slice(0, 100), hundred.slice(0, 100))
    assert.strictEqual(ttft?.percent.at(-1), 100)
    assert.strictEqual(ttft?.reference.at(-1), 100)
    assert.isTrue(ttft?.other.every((value) => value === 7))
  })
})

describe("packed text", () => {
  it("comes out as it was, and is small where it repeats itself", async () => {
    const text = JSON.stringify(
      Array.from({ length: 500 }, (_, index) => ({ "num-workers": index, name: "Zürich </script>" }))
    )
    assert.strictEqual(await unpackText(packText(text)), text)
    assert.isBelow(packText(text).length, text.length / 5)
  })
})

/** What is packed for the page comes out there again. */
import { assert, describe, it } from "@effect/vitest"
import { packColumn, type PackedColumn } from "../../src/html/PackedColumns.ts"
import { RequestTable } from "../../src/html/RequestTable.ts"
import { SeriesTable, type SeriesPoint } from "../../src/html/SeriesTable.ts"
import { record } from "../report/Records.ts"

type Unpack = (column: PackedColumn) => Promise<ReadonlyArray<number | null>>
const page: { readonly unpack: Unpack } = await import(new URL("../../tools/html/Unpack.mjs", import.meta.url).href)

describe("packed columns", () => {
  it("keep every value to half a step, and what is none", async () => {
    const values = [0, 0.04, 0.06, 1234.56, Number.NaN, -3, 99_999_999.9]
    for (const deltas of [false, true]) {
      const unpacked = await page.unpack(packColumn(values, 0.1, deltas))
      assert.strictEqual(unpacked.length, values.length)
      if (deltas) continue
      for (const [index, value] of values.entries()) {
        if (Number.isNaN(value)) assert.isNull(unpacked[index])
        else assert.approximately(unpacked[index]!, value, 0.05 + 1e-9)
      }
    }
  })

  it("keep ascending values by their differences", async () => {
    const values = Array.from({ length: 1000 }, (_, index) => index * 37 + (index % 5))
    assert.deepStrictEqual(await page.unpack(packColumn(values, 1, true)), values)
    assert.isBelow(packColumn(values, 1, true).data.length, packColumn(values, 1).data.length)
  })

  it("take longer steps for values beyond 2^31 of them", async () => {
    const [value] = await page.unpack(packColumn([1e13], 0.1))
    assert.approximately(value!, 1e13, 1e4)
  })
})

const point = (second: number): SeriesPoint => ({
  startMs: 1000 * second,
  endMs: 1000 * (second + 1),
  waiting: second,
  running: 1,
  routerQueue: null,
  activeBlocks: 1,
  cachedBlocks: 2,
  hostBlocks: null,
  diskBlocks: null,
  freeBlocks: 3,
  prefillTokens: 10,
  decodeTokens: 5,
  preemptions: 1
})

describe("a series for the page", () => {
  it("stays short however long the run, evenly, and loses nothing that is counted", async () => {
    const table = new SeriesTable()
    for (let second = 0; second < 10_000; second++) table.add(point(second))
    const { end_ms, preemptions, prefill_tokens_per_s } = table.pack()
    const ends = await page.unpack(end_ms!)
    assert.isBelow(ends.length, 1200)
    assert.strictEqual(ends.at(-1), 10_000_000)
    const spans = ends.map((end, index) => end! - (ends[index - 1] ?? 0))
    assert.isAtMost(Math.max(...spans.slice(0, -1)) / Math.min(...spans.slice(0, -1)), 4)
    const sum = (await page.unpack(preemptions!)).reduce((total: number, each) => total + each!, 0)
    assert.strictEqual(sum, 10_000)
    assert.deepStrictEqual([...new Set(await page.unpack(prefill_tokens_per_s!))], [10])
  })
})

describe("requests for the page", () => {
  it("come by their numbers, in whatever order they end, and are every second one of too many", async () => {
    const table = new RequestTable()
    const count = 60_000
    // 7 and 60,000 have no divisor in common: each number once.
    for (let index = 0; index < count; index++) {
      const id = (index * 7) % count
      table.add(record({ id, promptTokens: id % 100 }))
    }
    const { columns, every, requests } = table.pack()
    assert.deepStrictEqual([requests, every], [count, 2])
    const shown = Array.from({ length: count / 2 }, (_, index) => 2 * index)
    assert.deepStrictEqual(await page.unpack(columns["number"]!), shown)
    const prompts = shown.map((id) => id % 100)
    assert.deepStrictEqual(await page.unpack(columns["input_tokens"]!), prompts)
  })
})

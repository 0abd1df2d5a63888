/** The rules of single look-ups, on tables small enough to work out by hand. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { attentionGrid } from "../../../src/timing/aic/AttentionTable.ts"
import { collective } from "../../../src/timing/aic/Collectives.ts"
import { gemmCurve, gemmFloorMs } from "../../../src/timing/aic/GemmTable.ts"
import { MeasuredRange } from "../../../src/timing/aic/MeasuredRange.ts"
import { moeCurve, moeFloorMs } from "../../../src/timing/aic/MoeTable.ts"
import type { MoeOp } from "../../../src/timing/aic/Op.ts"
import { fastSystem, rowTable, tablesOf } from "./Tables.ts"

describe("matrix products", () => {
  const rows = [1, 2].flatMap((n) => [10, 20].flatMap((k) => [1, 4].map((m) => [100 * n, k, m, n * k * m])))
  const tables = tablesOf({ "gemm/bfloat16": rowTable(["n", "k", "m"], rows) })
  const price = (n: number, k: number, m: number, system = fastSystem) =>
    Effect.map(gemmCurve(tables, system, new MeasuredRange(), { quant: "bfloat16", n, k, rows: "tokens" }), (curve) =>
      curve.at(m)
    )

  it.effect("of measured shapes are interpolated over the rows alone", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* price(100, 20, 4), 80)
      assert.strictEqual(yield* price(100, 20, 2), 40)
    })
  )

  it.effect("of other shapes lie between and beyond measured ones, bilinearly", () =>
    Effect.gen(function* () {
      assert.closeTo(yield* price(150, 15, 4), 1.5 * 15 * 4, 1e-9)
      assert.closeTo(yield* price(300, 40, 4), 3 * 40 * 4, 1e-9)
      assert.closeTo(yield* price(150, 10, 2.5), 1.5 * 10 * 2.5, 1e-9)
    })
  )

  it.effect("are never faster than the hardware", () =>
    Effect.gen(function* () {
      const slow = { ...fastSystem, bfloat16Flops: 1e5 }
      const floor = gemmFloorMs(slow, "bfloat16", 4, 100, 20)
      assert.closeTo(floor, ((2 * 4 * 100 * 20) / 1e5) * 1000, 1e-9)
      assert.strictEqual(yield* price(100, 20, 4, slow), floor)
    })
  )

  it.effect("name the formats that were measured", () =>
    Effect.gen(function* () {
      const request = { quant: "fp8", n: 1, k: 1, rows: "tokens" } as const
      const error = yield* Effect.flip(gemmCurve(tables, fastSystem, new MeasuredRange(), request))
      assert.strictEqual(error.message, "test tables: no performance data for 'gemm/fp8'; available: gemm/bfloat16")
    })
  )
})

describe("attention", () => {
  const columns = ["kv_heads", "head_dim", "window", "heads", "tokens", "batch"]
  const rows = [8, 16].flatMap((heads) => [
    [2, 64, 0, heads, 10, 1, heads * 10],
    [2, 64, 0, heads, 10, 2, heads * 20],
    [2, 64, 0, heads, 10, 8, heads * 1000],
    [2, 64, 0, heads, 20, 1, heads * 20],
    [2, 64, 0, heads, 20, 2, heads * 40]
  ])
  const tables = tablesOf({ attention: rowTable(columns, rows) })
  const gridFor = (changes: { heads?: number; exactFirst?: boolean; window?: number; range?: MeasuredRange } = {}) =>
    attentionGrid(tables, changes.range ?? new MeasuredRange(), {
      section: "attention",
      heads: changes.heads ?? 8,
      kvHeads: 2,
      headDim: 64,
      window: changes.window ?? 0,
      floorMs: () => 0,
      exactFirst: changes.exactFirst ?? false
    })

  it.effect("is bilinear over the batches that both neighbouring lengths have", () =>
    Effect.map(gridFor(), (grid) => {
      assert.strictEqual(grid.at(15, 1.5), 8 * 15 * 1.5)
      assert.strictEqual(grid.at(40, 4), 8 * 40 * 4)
      assert.strictEqual(grid.at(10, 8), 8 * 10 * 8, "the lone measurement of batch 8 is not in a common column")
    })
  )

  it.effect("answers a measured point with its measurement where asked to", () =>
    Effect.map(gridFor({ exactFirst: true }), (grid) => {
      assert.strictEqual(grid.at(10, 8), 8000)
      assert.strictEqual(grid.at(20, 2), 320)
      assert.strictEqual(grid.at(11, 8), 8 * 11 * 8)
    })
  )

  it.effect("lies between and beyond measured head counts", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* gridFor({ heads: 12 })).at(15, 1), 12 * 15)
      assert.strictEqual((yield* gridFor({ heads: 32 })).at(15, 1), 32 * 15)
    })
  )

  it.effect("notes when length or batch leaves the cell", () =>
    Effect.gen(function* () {
      const range = new MeasuredRange()
      const grid = yield* gridFor({ range })
      grid.at(15, 2)
      assert.isFalse(range.left)
      grid.at(15, 3)
      assert.isTrue(range.left)
      range.reset()
      grid.at(21, 1)
      assert.isTrue(range.left)
    })
  )

  it.effect("says which shape was not measured", () =>
    Effect.map(Effect.flip(gridFor({ window: 128 })), (error) =>
      assert.strictEqual(
        error.message,
        "test tables: 'attention' has too few rows for 8 heads, 2 KV heads, head size 64, window 128"
      )
    )
  )
})

describe("expert layers", () => {
  const op: MoeOp = {
    op: "moe",
    name: "moe",
    count: 1,
    hidden: 8,
    inter: 16,
    topk: 2,
    experts: 4,
    moeTp: 1,
    moeEp: 2,
    quant: "bfloat16"
  }
  const rows = [
    [2, 4, 8, 16, 1, 2, 1, 5],
    [2, 4, 8, 16, 1, 2, 4, 11]
  ]
  const tables = tablesOf({
    "moe/bfloat16": rowTable(["topk", "experts", "hidden", "inter", "moe_tp", "moe_ep", "tokens"], rows)
  })
  const system = { ...fastSystem, bfloat16Flops: 1e6 }

  it.effect("are interpolated in the measured range and follow the hardware bound beyond it", () =>
    Effect.gen(function* () {
      const range = new MeasuredRange()
      const curve = yield* moeCurve(tables, system, range, op)
      assert.strictEqual(curve.at(2), 7)
      assert.strictEqual(curve.at(4), 11)
      assert.isFalse(range.left)
      const efficiency = moeFloorMs(system, op, 4) / 11
      assert.closeTo(curve.at(40), moeFloorMs(system, op, 40) / efficiency, 1e-9)
      assert.closeTo(curve.at(40), 110, 1e-9)
      assert.isTrue(range.left)
    })
  )

  it.effect("name the spreads that were measured", () =>
    Effect.map(Effect.flip(moeCurve(tables, system, new MeasuredRange(), { ...op, moeEp: 4 })), (error) =>
      assert.include(error.message, "measured moe_tp x moe_ep: 1x2")
    )
  )
})

describe("collectives", () => {
  const rows = [
    [2, 100, 1],
    [2, 200, 2],
    [8, 100, 4],
    [8, 200, 8]
  ]
  const columns = ["gpus", "elements"]
  const tables = tablesOf({ all_reduce: rowTable(columns, rows), all_gather: rowTable(columns, rows.slice(0, 2)) })
  const price = (kind: "all_reduce" | "all_gather", gpus: number, elements: number) =>
    Effect.map(collective(tables, fastSystem, new MeasuredRange(), kind, gpus), (found) => found.at(elements))

  it.effect("among measured groups are interpolated over the message", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* price("all_reduce", 2, 150), 1.5)
      assert.strictEqual(yield* price("all_reduce", 8, 400), 16)
    })
  )

  it.effect("among more GPUs are scaled by the ring's steps and its slowest link", () =>
    Effect.gen(function* () {
      assert.closeTo(yield* price("all_reduce", 16, 100), 4 * (15 / 16) * (8 / 7) * (400 / 50), 1e-12)
      assert.closeTo(yield* price("all_gather", 4, 100), 1 * (3 / 4) * 2, 1e-12)
    })
  )

  it.effect("among a group inside the node that was not measured are refused", () =>
    Effect.map(Effect.flip(price("all_reduce", 4, 100)), (error) => assert.include(error.message, "measured: 2, 8"))
  )

  it.effect("cap messages at 2^32 - 1 elements", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* price("all_reduce", 2, 2 ** 40), yield* price("all_reduce", 2, 2 ** 32 - 1))
    })
  )
})

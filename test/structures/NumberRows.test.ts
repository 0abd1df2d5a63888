/** A table that grows piece by piece must be as one in one piece. */
import { assert, describe, it } from "@effect/vitest"
import { NumberRows } from "../../src/structures/NumberRows.ts"

const rowsOf = (table: NumberRows): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from({ length: table.length }, (_, row) => [table.get(row, 0), table.get(row, 1)])

const filled = (count: number): NumberRows => {
  const table = new NumberRows(2)
  for (let row = 0; row < count; row++) {
    const start = table.add()
    table.cells[start] = row
    table.set(row, 1, row * 10)
  }
  return table
}

describe("a table of numbers", () => {
  it("keeps its rows while it grows, and those that it is cut down to", () => {
    const table = filled(1500)
    assert.deepStrictEqual(
      rowsOf(table),
      Array.from({ length: 1500 }, (_, row) => [row, row * 10])
    )
    for (let row = 0; row < 1500; row += 3) table.copy(row, row / 3)
    table.truncate(500)
    const kept = Array.from({ length: 500 }, (_, row) => [row * 3, row * 30])
    assert.deepStrictEqual(rowsOf(table), kept)
    for (let row = 500; row < 520; row++) assert.strictEqual(table.add(), table.offsetOf(row))
    assert.deepStrictEqual(rowsOf(table), [...kept, ...Array.from({ length: 20 }, () => [0, 0])])
  })

  it("starts afresh once it is empty", () => {
    const table = filled(700)
    table.truncate(0)
    const start = table.add()
    table.cells[start] = 7
    assert.deepStrictEqual(rowsOf(table), [[7, 0]])
  })
})

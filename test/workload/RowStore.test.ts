import { assert, describe, it } from "@effect/vitest"
import { noRoutingHints } from "../../src/request/SimRequest.ts"
import { noExtras, RowStore } from "../../src/workload/RowStore.ts"
import { row } from "./Drive.ts"

const ids = (i: number) => Array.from({ length: i % 40 }, (_, k) => (i * 1000 + k) >>> 0)

describe("RowStore", () => {
  it("gives back what was stored, over many pages and in any order of release", () => {
    const store = new RowStore()
    const handles = Array.from({ length: 5000 }, (_, i) =>
      store.add(row(i, { promptTokens: i + 1, outputTokens: i + 2, hashIds: ids(i) }), i / 3)
    )
    assert.strictEqual(new Set(handles).size, 5000)
    const order = handles
      .map((handle, i) => ({ handle, i }))
      .toSorted((a, b) => ((a.i * 7919) % 5003) - ((b.i * 7919) % 5003))
    for (const { handle, i } of order) {
      assert.strictEqual(store.promptTokens(handle), i + 1)
      assert.strictEqual(store.outputTokens(handle), i + 2)
      assert.strictEqual(store.delayMs(handle), i / 3)
      assert.deepStrictEqual(Array.from(store.hashIds(handle)), ids(i))
      assert.strictEqual(store.extras(handle), noExtras)
      store.release(handle)
    }
    assert.strictEqual(store.pageCount, 1)
  })

  it("drops a full page with its last row and goes on numbering", () => {
    const store = new RowStore()
    for (let i = 0; i < 100_000; i++) {
      const handle = store.add(row(i), 0)
      assert.strictEqual(handle, i)
      store.release(handle)
    }
    assert.isAtMost(store.pageCount, 1)
  })

  it("knows nothing of the rows that a page had before", () => {
    const store = new RowStore()
    const wide = 2 ** 40
    for (let page = 0; page < 3; page++) {
      const rows = Array.from({ length: 512 }, (_, i) => {
        const hashIds = page === 1 && i === 100 ? [wide] : ids(i + page)
        return { hashIds, handle: store.add(row(i, { hashIds, ...(page === 0 ? { requestId: "r" } : {}) }), i + page) }
      })
      for (const [i, { handle, hashIds }] of rows.entries()) {
        assert.deepStrictEqual(Array.from(store.hashIds(handle), Number), hashIds)
        assert.strictEqual(store.next(handle), 0)
        assert.strictEqual(store.delayMs(handle), i + page)
        assert.strictEqual(store.extras(handle).requestId, page === 0 ? "r" : null)
        store.append(handle, handle + 1)
      }
      for (const { handle } of rows) store.release(handle)
      assert.strictEqual(store.pageCount, 0)
    }
  })

  it("keeps what few rows have", () => {
    const store = new RowStore()
    const annotations = { kind: "x" }
    const rich = store.add(
      row(1, {
        requestId: "r",
        priority: -3,
        strictPriority: 2,
        policyClass: "p",
        className: "c",
        outputTokenIds: [4, 5],
        annotations
      }),
      0
    )
    const negative = store.add(row(2, { priority: -3, requestId: "s" }), 0)
    assert.deepStrictEqual(store.extras(rich), {
      requestId: "r",
      className: "c",
      hints: { priority: 0, enginePriority: -3, strictPriority: 2, policyClass: "p" },
      outputTokenIds: Uint32Array.of(4, 5),
      annotations
    })
    assert.deepStrictEqual(store.extras(negative).hints, { ...noRoutingHints, enginePriority: -3 })
  })

  it("chains rows", () => {
    const store = new RowStore()
    const [a, b, c] = [store.add(row(1), 0), store.add(row(2), 0), store.add(row(3), 0)]
    store.append(a, c)
    store.append(c, b)
    assert.deepStrictEqual([store.next(a), store.next(c)], [c, b])
  })
})

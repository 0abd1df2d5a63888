import { assert, describe, it } from "@effect/vitest"
import { ExtraCounts } from "../../../src/router/kv/ExtraCounts.ts"

describe("ExtraCounts", () => {
  it("counts each identity, and forgets one whose count is 0", () => {
    const counts = new ExtraCounts(4)
    for (let block = 0; block < 100; block++) {
      counts.increment(block)
      if (block % 2 === 0) counts.increment(block)
    }
    assert.strictEqual(counts.size, 100)
    for (let block = 0; block < 100; block++) assert.isTrue(counts.decrement(block))
    assert.strictEqual(counts.size, 50)
    for (let block = 0; block < 100; block++) assert.strictEqual(counts.decrement(block), block % 2 === 0)
    assert.strictEqual(counts.size, 0)
    assert.isFalse(counts.decrement(0))
  })
})

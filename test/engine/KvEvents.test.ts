import { assert, describe, it } from "@effect/vitest"
import { KvEventBuffer } from "../../src/engine/KvEvents.ts"
import { markedBlocks } from "../support/MarkedBlocks.ts"

describe("KvEventBuffer", () => {
  it("passes events on in order, once", () => {
    const buffer = new KvEventBuffer()
    buffer.stored(0, 2)
    buffer.removed(0, 1)
    buffer.stored(2 ** 31 - 1, 1)
    buffer.removed(2 ** 31 - 1, 1)
    const seen: Array<string> = []
    const sink = {
      stored: (first: number, count: number) => void seen.push(`+${first} ${count}`),
      removed: (first: number, count: number) => void seen.push(`-${first} ${count}`)
    }
    assert.deepStrictEqual(markedBlocks(buffer), [0, 1, 0, 2 ** 31 - 1, 2 ** 31 - 1])
    buffer.flush(sink)
    assert.deepStrictEqual(seen, ["+0 2", "-0 1", "+2147483647 1", "-2147483647 1"])
    buffer.flush(sink)
    assert.lengthOf(seen, 4)
  })
})

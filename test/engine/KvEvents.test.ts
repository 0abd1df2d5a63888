import { assert, describe, it } from "@effect/vitest"
import { KvEventBuffer } from "../../src/engine/KvEvents.ts"

describe("KvEventBuffer", () => {
  it("passes events on in order, once", () => {
    const buffer = new KvEventBuffer()
    buffer.stored(0)
    buffer.removed(0)
    buffer.stored(2 ** 31 - 1)
    buffer.removed(2 ** 31 - 1)
    const seen: Array<string> = []
    const sink = {
      stored: (block: number) => void seen.push(`+${block}`),
      removed: (block: number) => void seen.push(`-${block}`)
    }
    buffer.flush(sink)
    assert.deepStrictEqual(seen, ["+0", "-0", "+2147483647", "-2147483647"])
    buffer.flush(sink)
    assert.lengthOf(seen, 4)
  })
})

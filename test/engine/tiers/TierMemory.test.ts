/** What a simulated block of a tier takes of this program's memory: columns that grow with what the tier holds, whatever its size. */
import { assert, describe, it } from "@effect/vitest"
import { RunList } from "../../../src/engine/tiers/BlockRuns.ts"
import { noBlock } from "../../../src/engine/tiers/LeafOrder.ts"
import { LruStore } from "../../../src/engine/tiers/LruStore.ts"
import { TierStore } from "../../../src/engine/tiers/TierStore.ts"

/** Bytes of all typed arrays that belong to an object. */
const columnBytes = (owner: object, seen = new Set<unknown>()): number => {
  let bytes = 0
  for (const value of Object.values(owner)) {
    if (typeof value !== "object" || value === null) continue
    const part: unknown = ArrayBuffer.isView(value) ? value.buffer : value
    if (seen.has(part)) continue
    seen.add(part)
    bytes += ArrayBuffer.isView(value) ? value.buffer.byteLength : columnBytes(value, seen)
  }
  return bytes
}

const capacity = 1 << 24

const writtenThrough = (blocks: number): LruStore => {
  const store = new LruStore(capacity)
  for (let key = 0; key < blocks; key += 8) {
    store.claim(key, 8, new RunList())
    store.arrive(key, 8)
  }
  return store
}

/** Prompts of 256 blocks. */
const takenOver = (blocks: number): TierStore => {
  const store = new TierStore(capacity)
  store.take(blocks)
  for (let key = 0; key < blocks; key += 32)
    store.arrive(key, Math.min(32, blocks - key), key % 256 === 0 ? noBlock : key - 1)
  return store
}

describe.each([
  ["written through", writtenThrough],
  ["taken over when evicted", takenOver]
])("a tier that is %s", (_, filled) => {
  // Just above a power of two columns have most room to spare, just below it least.
  it.each([65_528, 65_536, 100_000, 131_064])("takes 40 bytes a block at most, %d blocks", (blocks) => {
    const store = filled(blocks)
    store.checkInvariants()
    assert.strictEqual(store.blocks, blocks)
    assert.isBelow(columnBytes(store) / blocks, 40)
  })

  it("takes next to nothing while it is empty, however large it is", () => {
    assert.isBelow(columnBytes(filled(0)), 20_000)
  })
})

import { assert, describe, it } from "@effect/vitest"
import { DecayingPrefillLoad, PlainPrefillLoad, type PrefillLoad } from "../../../src/router/kv/PrefillLoad.ts"

const read = (load: PrefillLoad, nowMs: number): number => {
  const out = new Float64Array(1)
  load.read(nowMs, out)
  return out[0]!
}

describe("plain prefill load", () => {
  it("sums tokens until they are removed, whatever the time", () => {
    const load = new PlainPrefillLoad(1)
    load.add(1, 0, 1000)
    load.add(2, 0, 200)
    assert.strictEqual(read(load, 1e9), 1200)
    load.remove(1, 0, 1000)
    assert.strictEqual(read(load, 1e9), 200)
  })
})

/** 10 tokens per ms, whatever is cached. */
const steady = () => new DecayingPrefillLoad(1, (newTokens) => newTokens / 10)

describe("decaying prefill load", () => {
  it("counts the front down and goes on at its rate", () => {
    const load = steady()
    load.add(1, 0, 1000, 0, 5)
    load.add(2, 0, 500, 0, 5)
    assert.strictEqual(read(load, 5), 1500)
    assert.strictEqual(read(load, 55), 1000)
    assert.strictEqual(read(load, 55.01), 1000)
    assert.strictEqual(read(load, 55.1), 999)
    assert.strictEqual(read(load, 125), 300)
    assert.strictEqual(read(load, 1e6), 0)
  })

  it("starts the next one when the front is removed", () => {
    const load = steady()
    load.add(1, 0, 1000, 0, 0)
    load.add(2, 0, 500, 0, 0)
    load.remove(1, 0, 1000, 80)
    assert.strictEqual(read(load, 80), 500)
    assert.strictEqual(read(load, 90), 400)
  })

  it("takes the time of one removed out of turn off the front, no further than now", () => {
    const load = steady()
    load.add(1, 0, 1000, 0, 0)
    load.add(2, 0, 100, 0, 0)
    load.add(3, 0, 5000, 0, 0)
    load.remove(2, 0, 100, 40)
    assert.strictEqual(read(load, 40), 6000 - 300)
    load.remove(3, 0, 5000, 40)
    assert.strictEqual(read(load, 40), 1000)
  })

  it("begins anew after it was empty", () => {
    const load = steady()
    load.add(1, 0, 1000, 0, 0)
    load.remove(1, 0, 1000, 10)
    load.add(2, 0, 1000, 0, 500)
    assert.strictEqual(read(load, 510), 900)
  })

  it("stops at the front when one has no estimate", () => {
    const load = new DecayingPrefillLoad(1, (newTokens) => (newTokens === 7 ? undefined : newTokens / 10))
    load.add(1, 0, 1000, 0, 0)
    load.add(2, 0, 7, 0, 0)
    assert.strictEqual(read(load, 50), 507)
    assert.strictEqual(read(load, 33.33), 667 + 7)
    assert.strictEqual(read(load, 1e6), 7)
  })

  it("does not decay a front without estimate", () => {
    const load = new DecayingPrefillLoad(1, () => undefined)
    load.add(1, 0, 1000, 0, 0)
    assert.strictEqual(read(load, 1e6), 1000)
  })

  it("takes an instant prefill as done", () => {
    const load = new DecayingPrefillLoad(1, () => 0)
    load.add(1, 0, 1000, 0, 0)
    load.add(2, 0, 10, 0, 0)
    assert.strictEqual(read(load, 0), 10)
  })

  it("divides exactly beyond 2^53", () => {
    // 90,001 tokens over 3,000,000,007 ns, seen 1 ns before a token is due and when it is.
    const load = new DecayingPrefillLoad(1, () => 3000.000007)
    load.add(1, 0, 90_001, 0, 0)
    const dueNs = Number((80_000n * 3_000_000_007n + 90_000n) / 90_001n)
    assert.strictEqual(read(load, (dueNs - 1) / 1e6), 90_001 - 79_999)
    assert.strictEqual(read(load, dueNs / 1e6), 90_001 - 80_000)
  })

  it("passes on how much is cached", () => {
    const seen: Array<ReadonlyArray<number>> = []
    const load = new DecayingPrefillLoad(1, (...args) => {
      seen.push(args)
      return 1
    })
    load.add(1, 0, 100, 64, 0)
    assert.deepStrictEqual(seen, [[100, 64]])
  })
})

import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { nanosOfSeconds, quantiseSeconds, scaledDurationMs } from "../../src/timing/Quantise.ts"

const bits = new DataView(new ArrayBuffer(8))

/** `seconds * 1e9` rounded half to even, computed on the bits of the double. */
const exactNanos = (seconds: number): number => {
  bits.setFloat64(0, seconds)
  const raw = bits.getBigUint64(0)
  const exponent = Number((raw >> 52n) & 0x7ffn)
  const fraction = raw & 0xfffffffffffffn
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n)
  const scaled = mantissa * 1_000_000_000n
  const shift = 1075 - Math.max(exponent, 1)
  if (shift <= 0) return Number(scaled << BigInt(-shift))
  const down = BigInt(shift)
  const floor = scaled >> down
  const rest = scaled - (floor << down)
  const half = 1n << (down - 1n)
  const up = rest > half || (rest === half && floor % 2n === 1n)
  return Number(up ? floor + 1n : floor)
}

const exactSeconds = (nanos: number): number => Math.floor(nanos / 1e9) + (nanos % 1e9) / 1e9

const modelMs = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e7 }))
const ratio = Schema.Literals([0, -1, 0.1, 0.5, 1, 2, 3, 3.7, 4, 8, 10, 1e3, 1e9, 1e-3])
const int = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

describe("nanosOfSeconds", () => {
  it.prop(
    "is exact for any duration",
    [modelMs],
    ([ms]) => {
      assert.strictEqual(nanosOfSeconds(ms / 1000), exactNanos(ms / 1000))
    },
    { arbitrary: { runs: 2_000 } }
  )

  it.prop(
    "is exact on and beside ties",
    [int(9_000_000), int(999_999_999), int(8)],
    ([seconds, nanos, ulps]) => {
      const tie = seconds + (nanos + 0.5) / 1e9
      bits.setFloat64(0, tie)
      bits.setBigUint64(0, bits.getBigUint64(0) + BigInt(ulps) - 4n)
      const near = bits.getFloat64(0)
      assert.strictEqual(nanosOfSeconds(tie), exactNanos(tie))
      assert.strictEqual(nanosOfSeconds(near), exactNanos(near))
    },
    { arbitrary: { runs: 2_000 } }
  )

  it("is exact for every prefill length of the default timing model", () => {
    for (let tokens = 0; tokens <= 131_072; tokens += 1) {
      const seconds = (4.209989e-7 * (tokens * tokens) + 1.518344e-2 * tokens + 1.650142e1) / 1000
      const nanos = nanosOfSeconds(seconds)
      if (nanos !== exactNanos(seconds)) assert.strictEqual(nanos, exactNanos(seconds), `${tokens} tokens`)
    }
  })

  it("is exact for every half nanosecond of a few milliseconds", () => {
    for (let nanos = 5_740_000; nanos < 5_840_000; nanos++) {
      const seconds = (nanos + 0.5) / 1e9
      if (nanosOfSeconds(seconds) !== exactNanos(seconds)) assert.fail(`${nanos}.5 ns`)
    }
  })

  it("is not fooled by a product that rounds onto a tie", () => {
    // 5,000 prompt tokens: the double of 102.9435925 ms lies 2e-10 ns above that tie, and its product with 1e9 exactly on it.
    const seconds = (4.209989e-7 * (5_000 * 5_000) + 1.518344e-2 * 5_000 + 1.650142e1) / 1000
    assert.strictEqual(seconds * 1e9, 102_943_592.5)
    assert.strictEqual(nanosOfSeconds(seconds), 102_943_593)
  })

  it("rounds a tie to the even neighbour", () => {
    // 2^-10 s is exactly 976,562.5 ns, 3 * 2^-10 s is 2,929,687.5 ns.
    assert.strictEqual(nanosOfSeconds(2 ** -10), 976_562)
    assert.strictEqual(nanosOfSeconds(3 * 2 ** -10), 2_929_688)
    assert.strictEqual(nanosOfSeconds(0), 0)
    assert.strictEqual(nanosOfSeconds(4e-10), 0)
    assert.strictEqual(nanosOfSeconds(6e-10), 1)
  })
})

describe("scaledDurationMs", () => {
  it.prop(
    "quantises, divides and quantises again",
    [modelMs, ratio],
    ([ms, factor]) => {
      let expected = exactSeconds(exactNanos(ms / 1000))
      if (factor > 0 && expected > 0) expected = exactSeconds(exactNanos(expected / factor))
      if (expected >= 9e6) return
      assert.strictEqual(scaledDurationMs(ms, factor), expected * 1000)
    },
    { arbitrary: { runs: 2_000 } }
  )

  it("takes a ratio of 0 or less as 1", () => {
    assert.strictEqual(scaledDurationMs(5.74, 0), 5.74)
    assert.strictEqual(scaledDurationMs(5.74, -2), 5.74)
    assert.strictEqual(scaledDurationMs(5.74, 2), 2.87)
  })

  it("may round to nothing", () => {
    assert.strictEqual(scaledDurationMs(5.74, 1e12), 0)
  })
})

describe("quantiseSeconds", () => {
  it("reads back whole seconds and fraction", () => {
    assert.strictEqual(quantiseSeconds(1234.5678901234), 1234 + 0.567890123)
    assert.strictEqual(quantiseSeconds(3), 3)
  })
})

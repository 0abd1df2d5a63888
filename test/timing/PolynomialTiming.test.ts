import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as PolynomialTiming from "../../src/timing/PolynomialTiming.ts"
import { Timing } from "../../src/timing/Timing.ts"

const model = Effect.map(Timing, (timing) => timing.make()).pipe(Effect.provide(PolynomialTiming.layer))

describe("polynomial timing", () => {
  it.effect("prefills by new tokens alone", () =>
    Effect.gen(function* () {
      const { prefillMs } = yield* model
      // 0.42099890 + 15.18344 + 16.50142 for 1,000 tokens
      assert.approximately(prefillMs(1, 1000, 0), 32.1058589, 1e-12)
      assert.strictEqual(prefillMs(4, 1250, 1000), prefillMs(1, 1000, 0))
      assert.strictEqual(prefillMs(2, 100, 200), 16.50142)
    })
  )

  it.effect("decodes by KV utilisation alone", () =>
    Effect.gen(function* () {
      const { decodeMs } = yield* model
      assert.strictEqual(decodeMs(1, 0, 100, 1024), 5.74)
      assert.approximately(decodeMs(1, 512, 100, 1024), 5.74 + 27.005 - 6.435, 1e-12)
      assert.approximately(decodeMs(256, 1024, 9_999, 1024), 34.01, 1e-12)
    })
  )

  it.effect("says what it is", () =>
    Effect.gen(function* () {
      const timing = yield* Timing
      assert.strictEqual(timing.source, "polynomial")
    }).pipe(Effect.provide(PolynomialTiming.layer))
  )
})

import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { createCipheriv } from "node:crypto"
import { MtpSampler } from "../../src/engine/MtpSampler.ts"
import { chachaBlock, drawsOfSeed } from "./ChaChaModel.ts"

const hex = (words: ReadonlyArray<number>): string => {
  const bytes = Buffer.alloc(words.length * 4)
  words.forEach((word, index) => bytes.writeUInt32LE(word, index * 4))
  return bytes.toString("hex")
}

describe("the ChaCha model", () => {
  it("equals OpenSSL's ChaCha20 in every block", () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 37 + 11) & 255))
    const cipher = createCipheriv("chacha20", key, Buffer.alloc(16))
    const stream = cipher.update(Buffer.alloc(64 * 5)).toString("hex")
    const words = Array.from({ length: 8 }, (_, index) => key.readUInt32LE(index * 4))
    const blocks = [0n, 1n, 2n, 3n, 4n].map((counter) => hex(chachaBlock(words, counter, 20)))
    assert.strictEqual(blocks.join(""), stream)
  })

  it("equals the published ChaCha12 key stream of the zero key", () => {
    assert.strictEqual(
      hex(chachaBlock([0, 0, 0, 0, 0, 0, 0, 0], 0n, 12)),
      "9bf49a6a0755f953811fce125f2683d50429c3bb49e074147e0089a52eae155f"
        + "0564f879d27ae3c02ce82834acfa8c793a629f2ca0de6919610be82f411326be"
    )
  })
})

/** Bursts as specified: each draft accepted with its probability, the first refusal ends it, 1 needs no draw. */
const modelBursts = (rates: ReadonlyArray<number>, seed: bigint, limits: ReadonlyArray<number>): Array<number> => {
  const draws = drawsOfSeed(seed)
  return limits.map((limit) => {
    let tokens = 1
    for (const rate of rates) {
      if (rate < 1 && draws.next().value >= BigInt(Math.floor(rate * 2 ** 64))) break
      tokens += 1
    }
    return Math.min(tokens, limit)
  })
}

const rate = Schema.Union([
  Schema.Literals([0, 1, 0.5, 0.85, 0.3, 0.9, 0.05, 2 ** -60, 1 - 2 ** -53]),
  Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
])
const rates = Schema.Array(rate).check(Schema.isMinLength(1), Schema.isMaxLength(5))
const below = (bound: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: bound - 1 }))

describe("MtpSampler", () => {
  it.prop(
    "draws the bursts of the specified random stream",
    [rates, below(2 ** 31), below(8)],
    ([acceptRates, seed, worker]) => {
      const sampler = new MtpSampler({ acceptRates, seed: BigInt(seed) }, worker)
      const limits = Array.from({ length: 60 }, (_, index) => 1 + ((index * 5) % 7))
      assert.deepStrictEqual(
        limits.map((limit) => sampler.burst(limit)),
        modelBursts(acceptRates, BigInt(seed) + BigInt(worker), limits)
      )
    },
    { arbitrary: { runs: 60 } }
  )

  it("wraps the seed of a worker at 64 bits", () => {
    const sampler = new MtpSampler({ acceptRates: [0.5, 0.5], seed: 2n ** 64n - 1n }, 3)
    const limits = Array.from({ length: 100 }, () => 9)
    assert.deepStrictEqual(
      limits.map((limit) => sampler.burst(limit)),
      modelBursts([0.5, 0.5], 2n, limits)
    )
  })

  it("knows its largest burst", () => {
    assert.strictEqual(new MtpSampler({ acceptRates: [1, 1, 1], seed: 0n }, 0).maxBurst, 4)
    assert.strictEqual(new MtpSampler({ acceptRates: [1, 1, 1], seed: 0n }, 0).burst(100), 4)
    assert.strictEqual(new MtpSampler({ acceptRates: [0, 1], seed: 0n }, 0).burst(100), 1)
  })

  it("accepts about as often as asked", () => {
    const sampler = new MtpSampler({ acceptRates: [0.85], seed: 42n }, 0)
    let accepted = 0
    for (let pass = 0; pass < 20_000; pass++) accepted += sampler.burst(2) - 1
    assert.approximately(accepted / 20_000, 0.85, 0.01)
  })
})

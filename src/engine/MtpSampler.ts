/**
 * How many tokens a request emits in one pass under multi-token prediction.
 *
 * Each draft position is accepted with its own probability; the burst ends at the first refusal. The random stream is
 * that of Rust's `rand` 0.9 `StdRng` (ChaCha with 12 rounds, `seed_from_u64`), so bursts equal the reference's.
 */
import type { MtpArgs } from "./EngineArgs.ts"

const mask64 = (1n << 64n) - 1n
const blockWords = 16
const rounds = 12

/** The 32-byte ChaCha key that `seed_from_u64` derives with eight steps of a PCG32 generator. */
const keyOfSeed = (seed: bigint): Uint32Array => {
  const key = new Uint32Array(8)
  let state = seed & mask64
  for (let word = 0; word < 8; word++) {
    state = (state * 6364136223846793005n + 11634580027462260723n) & mask64
    const xorshifted = Number((((state >> 18n) ^ state) >> 27n) & 0xffffffffn)
    const rotation = Number(state >> 59n)
    key[word] = (xorshifted >>> rotation) | (xorshifted << (-rotation & 31))
  }
  return key
}

const quarterRound = (x: Uint32Array, a: number, b: number, c: number, d: number): void => {
  let xa = x[a]!,
    xb = x[b]!,
    xc = x[c]!,
    xd = x[d]!
  xa = (xa + xb) | 0
  xd ^= xa
  xd = (xd << 16) | (xd >>> 16)
  xc = (xc + xd) | 0
  xb ^= xc
  xb = (xb << 12) | (xb >>> 20)
  xa = (xa + xb) | 0
  xd ^= xa
  xd = (xd << 8) | (xd >>> 24)
  xc = (xc + xd) | 0
  xb ^= xc
  xb = (xb << 7) | (xb >>> 25)
  x[a] = xa
  x[b] = xb
  x[c] = xc
  x[d] = xd
}

/** ChaCha12 key stream: 32-bit words in order, 64-bit block counter from 0, stream 0. */
class ChaCha12 {
  private readonly input = new Uint32Array(blockWords)
  private readonly output = new Uint32Array(blockWords)
  private used = blockWords

  constructor(key: Uint32Array) {
    this.input.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574])
    this.input.set(key, 4)
  }

  nextWord(): number {
    if (this.used === blockWords) this.refill()
    return this.output[this.used++]!
  }

  private refill(): void {
    const { input, output } = this
    output.set(input)
    for (let round = 0; round < rounds; round += 2) {
      quarterRound(output, 0, 4, 8, 12)
      quarterRound(output, 1, 5, 9, 13)
      quarterRound(output, 2, 6, 10, 14)
      quarterRound(output, 3, 7, 11, 15)
      quarterRound(output, 0, 5, 10, 15)
      quarterRound(output, 1, 6, 11, 12)
      quarterRound(output, 2, 7, 8, 13)
      quarterRound(output, 3, 4, 9, 14)
    }
    for (let word = 0; word < blockWords; word++) output[word] = output[word]! + input[word]!
    input[12] = input[12]! + 1
    if (input[12] === 0) input[13] = input[13]! + 1
    this.used = 0
  }
}

export class MtpSampler {
  /** Largest burst: one certain token and every draft accepted. */
  readonly maxBurst: number
  private readonly rates: ReadonlyArray<number>
  /** floor(rate * 2^64), split into 32-bit halves, low word first per rate. */
  private readonly thresholds: Uint32Array
  private readonly random: ChaCha12

  constructor(mtp: MtpArgs, workerIndex: number) {
    this.rates = mtp.acceptRates
    this.maxBurst = mtp.acceptRates.length + 1
    this.random = new ChaCha12(keyOfSeed(mtp.seed + BigInt(workerIndex)))
    this.thresholds = new Uint32Array(mtp.acceptRates.length * 2)
    mtp.acceptRates.forEach((rate, draft) => {
      const threshold = rate >= 1 ? mask64 : BigInt(Math.floor(rate * 2 ** 64))
      this.thresholds[2 * draft] = Number(threshold & 0xffffffffn)
      this.thresholds[2 * draft + 1] = Number(threshold >> 32n)
    })
  }

  /** Tokens of one request in one pass: at least 1, at most `limit`. Draws even for drafts beyond the limit. */
  burst(limit: number): number {
    let tokens = 1
    for (let draft = 0; draft < this.rates.length; draft++) {
      if (!this.accepts(draft)) break
      tokens += 1
    }
    return Math.min(tokens, limit)
  }

  private accepts(draft: number): boolean {
    if (this.rates[draft] === 1) return true
    const low = this.random.nextWord()
    const high = this.random.nextWord()
    const thresholdHigh = this.thresholds[2 * draft + 1]!
    return high < thresholdHigh || (high === thresholdHigh && low < this.thresholds[2 * draft]!)
  }
}

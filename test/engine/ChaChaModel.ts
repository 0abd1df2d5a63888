/**
 * The random stream behind multi-token prediction, written down once more, slowly: ChaCha with the number of
 * rounds as a parameter, so that it can be checked against OpenSSL's ChaCha20.
 */

const rotateLeft = (word: number, bits: number): number => ((word << bits) | (word >>> (32 - bits))) >>> 0

const diagonals: ReadonlyArray<readonly [number, number, number, number]> = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14]
]

/** 16 words of key stream. */
export const chachaBlock = (key: ReadonlyArray<number>, counter: bigint, rounds: number): Array<number> => {
  const input = [
    ...[..."expand 32-byte k".matchAll(/..../g)].map(([four]) => Buffer.from(four).readUInt32LE()),
    ...key,
    Number(counter & 0xffffffffn),
    Number(counter >> 32n),
    0,
    0
  ]
  const state = [...input]
  for (let half = 0; half < rounds; half++) {
    for (const [a, b, c, d] of half % 2 === 0 ? diagonals.slice(0, 4) : diagonals.slice(4)) {
      for (const [first, second, third, bits] of [
        [a, b, d, 16],
        [c, d, b, 12],
        [a, b, d, 8],
        [c, d, b, 7]
      ] as const) {
        state[first] = (state[first]! + state[second]!) >>> 0
        state[third] = rotateLeft((state[third]! ^ state[first]) >>> 0, bits)
      }
    }
  }
  return state.map((word, index) => (word + input[index]!) >>> 0)
}

/** `seed_from_u64`: the key words are eight outputs of a PCG32 generator. */
export const keyOfSeed = (seed: bigint): Array<number> => {
  const key: Array<number> = []
  let state = seed
  for (let word = 0; word < 8; word++) {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 11634580027462260723n)
    const shifted = Number(BigInt.asUintN(32, ((state >> 18n) ^ state) >> 27n))
    const rotation = Number(state >> 59n)
    key.push(rotation === 0 ? shifted : rotateLeft(shifted, 32 - rotation))
  }
  return key
}

/** The stream of 64-bit draws of a seed. */
export function* drawsOfSeed(seed: bigint): Generator<bigint, never> {
  const key = keyOfSeed(BigInt.asUintN(64, seed))
  for (let counter = 0n; ; counter++) {
    const words = chachaBlock(key, counter, 12)
    for (let index = 0; index < 16; index += 2) yield BigInt(words[index]!) | (BigInt(words[index + 1]!) << 32n)
  }
}

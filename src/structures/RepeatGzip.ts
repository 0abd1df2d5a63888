/**
 * Gzip (RFC 1951, RFC 1952) of text that tells where it repeats itself.
 *
 * Looking for repeats is most of what a compressor does: for a timeline zlib takes twice as long as making its text, at its fastest level, and this a third of
 * that for a file as small. All of it is one block, with the same codes for every text: short ones for what numbers consist of, as they are nearly all that is
 * no repeat.
 */
import { grown } from "./Grown.ts"
import { longestRepeat, shortestRepeat, type TextPiece } from "./RepeatingText.ts"

/** Checksum of bytes that follow others, whose checksum is given: that of gzip. */
export type Crc32 = (bytes: Uint8Array, before: number) => number

/** Symbols: bytes, the end of the block, and lengths of repeats as far as {@link longestRepeat}. */
const endOfBlock = 256
const symbols = 280
const distanceSymbols = 30

/** Those for lengths that are frequent. */
const frequent = [263, 264, 265, 266, 268, 269, 271, 272, 274, 275, 276, 277]

/** Bits of their codes. There must be no room for others: 12 of 4 bits, 12 of 6 and 256 of 12 make one, and so do 2 of 4 and 28 of 5. */
const symbolBits = Array.from({ length: symbols }, (_, symbol) =>
  symbol < endOfBlock && "0123456789.}".includes(String.fromCharCode(symbol)) ? 4 : frequent.includes(symbol) ? 6 : 12
)
const distanceBits = Array.from({ length: distanceSymbols }, (_, symbol) => (symbol === 15 || symbol === 16 ? 4 : 5))

/** Those bits are told before all else in codes of this many bits themselves; in this order, of which the first three mean something else. */
const bitsOfBits = 4
const orderOfBits = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** Codes stand with their number of bits in one integer, `code << 5 | bits`, as they are written: the first bit is the lowest. */
const shift = 5
const mask = 2 ** shift - 1

const reversed = (code: number, bits: number): number => {
  let result = 0
  for (let bit = 0; bit < bits; bit++) result |= ((code >> bit) & 1) << (bits - 1 - bit)
  return result
}

/** Shorter codes come first, and those of the same length in the order of their symbols. */
const codesOf = (bitsOf: ReadonlyArray<number>): Int32Array => {
  const codes = new Int32Array(bitsOf.length)
  let code = 0
  for (let bits = 1; bits <= 15; bits++) {
    code *= 2
    for (let symbol = 0; symbol < bitsOf.length; symbol++) {
      if (bitsOf[symbol] === bits) codes[symbol] = (reversed(code++, bits) << shift) | bits
    }
  }
  return codes
}

/** How many of the lowest bits of a length, or distance, its symbol leaves open: all but the highest ones of all that is beyond the least one. */
const openBits = (value: number, highest: number): number => Math.max(0, 32 - Math.clz32(value) - highest)

/** Codes of lengths, with the bits that their symbol leaves open. */
const lengthCodesOf = (codes: Int32Array): Int32Array =>
  Int32Array.from({ length: longestRepeat + 1 }, (_, length) => {
    if (length < shortestRepeat) return 0
    const value = length - shortestRepeat
    const open = openBits(value, 3)
    const code = codes[endOfBlock + 1 + 4 * open + (value >> open)]!
    const bits = code & mask
    return (((code >> shift) | ((value & ((1 << open) - 1)) << bits)) << shift) | (bits + open)
  })

export class RepeatGzip {
  private readonly crc32: Crc32
  private readonly codes = codesOf(symbolBits)
  private readonly lengthCodes = lengthCodesOf(this.codes)
  private readonly distanceCodes = codesOf(distanceBits)
  private bytes = new Uint8Array(2 ** 18)
  private view = new DataView(this.bytes.buffer)
  private length = 0
  /** Bits that make no whole byte yet, the first one the lowest, and how many. */
  private bits = 0
  private bitCount = 0
  private checksum = 0
  private textBytes = 0

  constructor(crc32: Crc32) {
    this.crc32 = crc32
    // Deflate, no name, no time, fastest, of an unknown system.
    this.bytes.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255])
    this.length = 10
    this.begin()
  }

  /** The pieces compressed, in pieces of their own that last until the next one is asked for. */
  *pieces(texts: Iterable<TextPiece>, pieceBytes = 2 ** 17): Generator<Uint8Array<ArrayBuffer>> {
    for (const text of texts) {
      this.add(text)
      if (this.length >= pieceBytes) yield this.lend()
    }
    this.end()
    yield this.lend()
  }

  private lend(): Uint8Array<ArrayBuffer> {
    const lent = this.bytes.subarray(0, this.length)
    this.length = 0
    return lent
  }

  /** The only block, and the last. */
  private begin(): void {
    this.put(1, 1)
    this.put(2, 2)
    this.put(symbols - 257, 5)
    this.put(distanceSymbols - 1, 5)
    this.put(orderOfBits.length - 4, 4)
    for (const symbol of orderOfBits) this.put(symbol > 15 ? 0 : bitsOfBits, 3)
    for (const bits of [...symbolBits, ...distanceBits]) this.put(reversed(bits, bitsOfBits), bitsOfBits)
  }

  /** In calls that are many and short, so that they are compiled early on. */
  private add({ bytes, repeats }: TextPiece): void {
    // With a sign it is an integer of V8's, whatever its highest bit.
    this.checksum = this.crc32(bytes, this.checksum >>> 0) | 0
    this.textBytes += bytes.length
    this.reserve(bytes.length)
    let at = 0
    for (let repeat = 0; repeat < repeats.length; repeat += 2) at = this.addRepeat(bytes, at, repeats, repeat)
    this.addBytes(bytes, at, bytes.length)
  }

  private addBytes(bytes: Uint8Array, from: number, to: number): void {
    const { codes, view } = this
    let { bitCount, bits, length } = this
    for (let at = from; at < to; at++) {
      const code = codes[bytes[at]!]!
      bits |= (code >> shift) << bitCount
      bitCount += code & mask
      if (bitCount > 15) {
        view.setInt16(length, bits, true)
        length += 2
        bits >>>= 16
        bitCount -= 16
      }
    }
    this.length = length
    this.bits = bits
    this.bitCount = bitCount
  }

  /**
   * The bytes from `at` on and before a repeat, and that: as long as is told, and on while it is the same before the next one, as numbers begin alike too.
   * Returns its end.
   */
  private addRepeat(bytes: Uint8Array, at: number, repeats: Int32Array, repeat: number): number {
    const start = repeats[repeat]!
    const told = repeats[repeat + 1]!
    const limit = repeat + 2 < repeats.length ? repeats[repeat + 2]! : bytes.length
    this.addBytes(bytes, at, start)
    const { view } = this
    let { bitCount, bits, length } = this
    const distance = told & 0xffff
    const most = Math.min(limit, start + longestRepeat)
    let end = start + (told >> 16)
    if (distance <= start) while (end < most && bytes[end] === bytes[end - distance]) end += 1
    const lengthCode = this.lengthCodes[end - start]!
    bits |= (lengthCode >> shift) << bitCount
    bitCount += lengthCode & mask
    view.setInt32(length, bits, true)
    length += bitCount >> 3
    bits >>>= bitCount & 24
    bitCount &= 7
    const value = distance - 1
    const open = openBits(value, 2)
    const distanceCode = this.distanceCodes[2 * open + (value >> open)]!
    const openFrom = bitCount + (distanceCode & mask)
    bits |= ((distanceCode >> shift) << bitCount) | ((value & ((1 << open) - 1)) << openFrom)
    bitCount = openFrom + open
    view.setInt32(length, bits, true)
    this.length = length + (bitCount >> 3)
    this.bits = bits >>> (bitCount & 24)
    this.bitCount = bitCount & 7
    return end
  }

  /** The end of the block, filled up to whole bytes, and of the file. */
  private end(): void {
    this.reserve(0)
    this.put(this.codes[endOfBlock]! >> shift, this.codes[endOfBlock]! & mask)
    this.put(0, 7)
    this.view.setInt32(this.length, this.checksum, true)
    this.view.setInt32(this.length + 4, this.textBytes, true)
    this.length += 8
  }

  /** Writes bits, the lowest first; what makes no whole byte waits. */
  private put(value: number, count: number): void {
    this.bits |= value << this.bitCount
    this.bitCount += count
    for (; this.bitCount > 7; this.bitCount -= 8) {
      this.bytes[this.length++] = this.bits
      this.bits >>>= 8
    }
  }

  /** Makes room for text: no code of a byte is as long as two. */
  private reserve(textBytes: number): void {
    while (this.length + 2 * textBytes + 16 > this.bytes.length) this.bytes = grown(this.bytes)
    if (this.view.buffer !== this.bytes.buffer) this.view = new DataView(this.bytes.buffer)
  }
}

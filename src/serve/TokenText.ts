/**
 * Text as tokens and back, by one simple rule: a token is four bytes of UTF-8, and the last one of a piece of text may be shorter.
 *
 * English prose comes out at about the count of common tokenisers. Two texts that share a prefix share their tokens up to the
 * token in which they part, so they share KV blocks as they would on a real engine.
 */

import * as Schema from "effect/Schema"

export const bytesPerToken = 4

/** A token as clients see it: its four bytes as an unsigned integer, the first byte lowest. */
export const TokenNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))

/** Fills the last token of a piece: a byte that UTF-8 never uses. */
const padding = 0xff

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** Gathers the tokens of a prompt, piece by piece; every piece starts a new token, as special tokens make it in chat templates. */
export class TokenBuffer {
  /** Tokens as 32-bit integers. */
  private tokens = new Int32Array(256)
  length = 0

  addText(text: string): void {
    const bytes = encoder.encode(text)
    const count = Math.ceil(bytes.length / bytesPerToken)
    this.reserve(count)
    const whole = Math.floor(bytes.length / bytesPerToken)
    for (let token = 0, at = 0; token < whole; token++, at += bytesPerToken) {
      this.tokens[this.length++] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    }
    if (whole === count) return
    let last = 0
    for (let byte = 0; byte < bytesPerToken; byte++) {
      last |= (bytes[whole * bytesPerToken + byte] ?? padding) << (8 * byte)
    }
    this.tokens[this.length++] = last
  }

  /** Tokens given by number. */
  addTokens(tokens: ReadonlyArray<number>): void {
    this.reserve(tokens.length)
    for (const token of tokens) this.tokens[this.length++] = token
  }

  addToken(token: number): void {
    this.reserve(1)
    this.tokens[this.length++] = token
  }

  /** Forgets all but the first `length` tokens. */
  truncate(length: number): void {
    this.length = length
  }

  /** Tokens as clients see them. */
  numbers(): ReadonlyArray<number> {
    return Array.from(this.tokens.subarray(0, this.length), (token) => token >>> 0)
  }

  /** Text of the tokens `from … to`, all by default; what is no UTF-8 shows as U+FFFD. */
  text(from = 0, to = this.length): string {
    const bytes = new Uint8Array(bytesPerToken * (to - from))
    let length = 0
    for (let index = from; index < to; index++) {
      for (let byte = 0; byte < bytesPerToken; byte++) {
        const value = (this.tokens[index]! >>> (8 * byte)) & 0xff
        if (value !== padding) bytes[length++] = value
      }
    }
    return decoder.decode(bytes.subarray(0, length))
  }

  at(index: number): number {
    return this.tokens[index]!
  }

  private reserve(count: number): void {
    if (this.length + count <= this.tokens.length) return
    const bigger = new Int32Array(Math.max(this.tokens.length * 2, this.length + count))
    bigger.set(this.tokens)
    this.tokens = bigger
  }
}

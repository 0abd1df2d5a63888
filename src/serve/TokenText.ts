/**
 * Text as tokens, by one simple rule: a token is four bytes of UTF-8, and the last one of a piece of text may be shorter.
 *
 * English prose comes out at about the count of common tokenisers. Two texts that share a prefix share their tokens up to the
 * token in which they part, so they share KV blocks as they would on a real engine.
 */

export const bytesPerToken = 4

/** Fills the last token of a piece: a byte that UTF-8 never uses. */
const padding = 0xff

const encoder = new TextEncoder()

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

/**
 * Text on its way to a file, as UTF-8 bytes that grow in place: no string is made of what is a number, or the same every time.
 *
 * Where a run writes millions of small values, strings and their concatenation would cost more than what is simulated.
 */
import { grown } from "./Grown.ts"

const zero = 48
const point = 46
/** Numbers from here on are written by the runtime: it uses exponents then, or the number is not exact any more. */
const largest = 2 ** 53
const group = 1e9

const utf8 = new TextEncoder()

/** Text that is added again and again, for {@link TextBytes.constant}. */
export const encoded = (text: string): Uint8Array => utf8.encode(text)

export class TextBytes {
  length = 0
  private bytes: Uint8Array<ArrayBuffer>

  constructor(capacity = 2 ** 16) {
    this.bytes = new Uint8Array(capacity)
  }

  /** Adds text of any characters. */
  text(text: string): this {
    this.reserve(text.length)
    const { bytes, length } = this
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      if (code > 127) return this.encode(text)
      bytes[length + index] = code
    }
    this.length = length + text.length
    return this
  }

  /** Adds one ASCII character by its code. */
  character(code: number): this {
    if (this.length === this.bytes.length) this.bytes = grown(this.bytes)
    this.bytes[this.length++] = code
    return this
  }

  /** Adds what is {@link encoded} already: for more than a few characters cheaper than {@link TextBytes.text}. */
  constant(text: Uint8Array): this {
    this.reserve(text.length)
    this.bytes.set(text, this.length)
    this.length += text.length
    return this
  }

  /** Adds a number as `String` writes it. */
  number(value: number): this {
    if (!(value >= 0 && value < largest) || Math.floor(value) !== value) return this.text(String(value))
    if (value < 10) return this.character(zero + value)
    this.reserve(16)
    if (value < group) this.digits(value, decimals(value))
    else {
      const high = Math.floor(value / group)
      this.digits(high, decimals(high))
      this.digits(value - high * group, 9)
    }
    return this
  }

  /** Adds a whole number of thousandths or millionths as a decimal number, without zeros at its end; it is not below zero. */
  decimal(value: number, decimals: 3 | 6): this {
    const unit = decimals === 3 ? 1e3 : 1e6
    const whole = Math.floor(value / unit)
    const rest = value - whole * unit
    this.number(whole)
    if (rest === 0) return this
    this.reserve(decimals + 1)
    this.bytes[this.length++] = point
    this.digits(rest, decimals)
    while (this.bytes[this.length - 1] === zero) this.length -= 1
    return this
  }

  /** Hands out what has been added, and starts afresh. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(0, this.length)
    this.length = 0
    return taken
  }

  /** The same, in memory that is overwritten by what is added next. */
  lend(): Uint8Array<ArrayBuffer> {
    const lent = this.bytes.subarray(0, this.length)
    this.length = 0
    return lent
  }

  private digits(value: number, count: number): void {
    const { bytes, length } = this
    let rest = value | 0
    for (let at = length + count - 1; at >= length; at--) {
      const tenth = (rest / 10) | 0
      bytes[at] = zero + rest - tenth * 10
      rest = tenth
    }
    this.length = length + count
  }

  private encode(text: string): this {
    this.reserve(3 * text.length)
    this.length += utf8.encodeInto(text, this.bytes.subarray(this.length)).written
    return this
  }

  private reserve(bytes: number): void {
    while (this.length + bytes > this.bytes.length) this.bytes = grown(this.bytes)
  }
}

/** Digits of a whole number below 2^31. */
const decimals = (value: number): number => {
  if (value < 10) return 1
  if (value < 100) return 2
  if (value < 1000) return 3
  let count = 4
  for (let bound = 1e4; value >= bound; bound *= 10) count += 1
  return count
}

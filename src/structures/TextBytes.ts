/**
 * Text on its way to a file, as UTF-8 bytes that grow in place: no string is made of what is a number, or the same every time.
 *
 * Where a run writes millions of small values, strings and their concatenation would cost more than what is simulated. Numbers are written by
 * three digits, and what repeats by eight bytes, into room that reaches a little beyond the text: what is too much is overwritten by what comes next.
 */
import { leastWithDecimals, writeDecimals } from "./Decimals.ts"
import { billion, point, writeSix, writeThree, writeWhole } from "./Digits.ts"
import type { EncodedText } from "./EncodedText.ts"
import { grown } from "./Grown.ts"
import type { TextTemplate } from "./TextTemplate.ts"

/** Numbers from here on are written by the runtime: it uses exponents then, or the number is not exact any more. */
const largest = 2 ** 53
/** More than the longest number, and than what is written beyond the text. */
const margin = 32

/** From so many bytes on a call of the runtime is cheaper than a loop. */
const longText = 64

const utf8 = new TextEncoder()

export class TextBytes {
  length = 0
  private bytes: Uint8Array<ArrayBuffer>
  /** Of the same memory. */
  private view: DataView<ArrayBuffer>
  private readonly one = new Float64Array(1)

  constructor(capacity = 2 ** 16) {
    this.bytes = new Uint8Array(capacity + margin)
    this.view = new DataView(this.bytes.buffer)
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
    this.reserve(1)
    this.bytes[this.length++] = code
    return this
  }

  /** Adds what is {@link encoded} already: for more than a few characters cheaper than {@link TextBytes.text}. */
  constant({ length, words }: EncodedText): this {
    this.reserve(length)
    const { view } = this
    let at = this.length
    for (let word = 0; word < words.length; word++, at += 8) view.setFloat64(at, words[word]!, true)
    this.length += length
    return this
  }

  /** Adds text with these numbers in its gaps. */
  fill(template: TextTemplate, values: Float64Array): this {
    this.reserve(template.mostBytes)
    this.length = template.write(this.view, this.length, values)
    return this
  }

  /** The same of one number. */
  fillOne(template: TextTemplate, value: number): this {
    this.one[0] = value
    return this.fill(template, this.one)
  }

  /** Adds what stands from `start` to `end` once more. */
  repeat(start: number, end: number): this {
    this.reserve(end - start)
    const { bytes, length, view } = this
    if (end - start >= longText) bytes.copyWithin(length, start, end)
    else
      for (let from = start, to = length; from < end; from += 8, to += 8)
        view.setFloat64(to, view.getFloat64(from, true), true)
    this.length = length + end - start
    return this
  }

  /** Adds a number as `String` writes it. */
  number(value: number): this {
    this.reserve(0)
    if ((value | 0) === value && value >= 0 && value < billion) {
      this.length = writeWhole(this.view, this.length, value | 0)
    } else if (value >= leastWithDecimals && value < billion) {
      const at = writeWhole(this.view, this.length, value | 0)
      this.bytes[at] = point
      this.length = writeDecimals(this.bytes, at + 1, value)
    } else if (value >= 0 && value < largest && Math.floor(value) === value) {
      const billions = Math.floor(value / billion) | 0
      const rest = belowBillion(value)
      const millions = (rest / 1e6) | 0
      const at = writeThree(this.view, writeWhole(this.view, this.length, billions), millions)
      this.length = writeSix(this.view, at, rest - millions * 1e6)
    } else this.text(String(value))
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

  private encode(text: string): this {
    this.reserve(3 * text.length)
    this.length += utf8.encodeInto(text, this.bytes.subarray(this.length)).written
    return this
  }

  private reserve(bytes: number): void {
    if (this.length + bytes + margin > this.bytes.length) this.grow(bytes)
  }

  private grow(bytes: number): void {
    while (this.length + bytes + margin > this.bytes.length) this.bytes = grown(this.bytes)
    this.view = new DataView(this.bytes.buffer)
  }
}

/** The last nine digits. */
const belowBillion = (value: number): number => (value - Math.floor(value / billion) * billion) | 0

/** Text that knows where it repeats itself, as whoever makes it small wants to know (see `RepeatGzip.ts`) and nobody else could tell without looking for it. */
import { billion, writeFraction, writeSix, writeThree, writeWhole } from "./Digits.ts"
import { grown } from "./Grown.ts"
import { TextBytes } from "./TextBytes.ts"
import type { TextTemplate } from "./TextTemplate.ts"

/** Shorter and longer ones, and such as are further away, are not told. */
export const shortestRepeat = 3
export const longestRepeat = 114
export const farthestRepeat = 2 ** 15

/** A piece of text, in memory that is overwritten by what is added next. */
export interface TextPiece {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Two numbers for each repeat, in their order: where it begins, and `length << 16 | distance` in bytes. It may repeat what was in the pieces before. */
  readonly repeats: Int32Array
}

export class RepeatingText extends TextBytes {
  private repeats = new Int32Array(2 ** 15)
  private repeatsEnd = 0
  /** How long the pieces are that have been lent. As a field of its own, which hardly ever changes, V8 would take it for a constant. */
  private readonly lent = new Float64Array(1)
  private readonly farthest: number

  /** `tells`: whether anybody wants to know where it repeats itself. */
  constructor(capacity: number, tells: boolean) {
    super(capacity)
    this.farthest = tells ? farthestRepeat : 0
  }

  /** Adds text with these numbers in its gaps. */
  fill(template: TextTemplate, values: Float64Array): this {
    const { decimals, ends, lengths, starts, words } = template
    this.reserve(template.mostBytes)
    this.reserveRepeats(lengths.length)
    const { farthest, repeats, view } = this
    const lentBytes = this.lent[0]!
    let at = this.length
    let repeatsEnd = this.repeatsEnd
    let word = 0
    for (let part = 0; ; part++) {
      const length = lengths[part]!
      const start = lentBytes + at
      const distance = start - starts[part]!
      starts[part] = start
      if (distance <= farthest && length >= shortestRepeat && length <= longestRepeat) {
        repeats[repeatsEnd] = at
        repeats[repeatsEnd + 1] = (length << 16) | distance
        repeatsEnd += 2
      }
      const end = ends[part]!
      for (let to = at; word < end; word++, to += 8) view.setFloat64(to, words[word]!, true)
      at += length
      if (part === decimals.length) break
      const number = values[part]!
      const isWhole = decimals[part] === 0
      const billions = Math.floor(number / billion)
      const below = (number - billions * billion) | 0
      const thousands = (below / 1000) | 0
      const ones = below - thousands * 1000
      if (billions > 0) {
        at = writeSix(view, writeWhole(view, at, billions), thousands)
        if (isWhole) at = writeThree(view, at, ones)
      } else at = writeWhole(view, at, isWhole ? below : thousands)
      if (ones > 0 && !isWhole) {
        const zeros = ones % 10 > 0 ? 0 : ones % 100 > 0 ? 1 : 2
        at = writeFraction(view, at, ones) - zeros
      }
    }
    this.length = at
    this.repeatsEnd = repeatsEnd
    return this
  }

  /** Adds what stands from `start` to `end` of this piece once more. */
  override repeat(start: number, end: number): this {
    const length = end - start
    const distance = this.length - start
    if (distance <= this.farthest && length >= shortestRepeat && length <= longestRepeat) {
      this.reserveRepeats(1)
      this.repeats[this.repeatsEnd++] = this.length
      this.repeats[this.repeatsEnd++] = (length << 16) | distance
    }
    return super.repeat(start, end)
  }

  /** Hands out what has been added, and starts afresh. */
  lendPiece(): TextPiece {
    const repeats = this.repeats.subarray(0, this.repeatsEnd)
    this.repeatsEnd = 0
    this.lent[0]! += this.length
    return { bytes: this.lend(), repeats }
  }

  private reserveRepeats(count: number): void {
    while (this.repeatsEnd + 2 * count > this.repeats.length) this.repeats = grown(this.repeats)
  }
}

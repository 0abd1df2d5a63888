/**
 * Text that is written again and again with other numbers in it, such as the events of one kind: what is the same every time lies between gaps.
 *
 *     textTemplate`,{"ts":${thousandths},"dur":${thousandths},"ph":"X","args":{"tokens":${whole}}}`
 *
 * It is written in one go, see {@link TextBytes.fill}: a call for every key and number would be most of what that costs.
 */
import { billion, point, threes } from "./Digits.ts"
import { encoded } from "./EncodedText.ts"

/** Where a number stands, which is not below zero: one with so many groups of three decimals, given as a whole number of the smallest of them. */
export interface Gap {
  readonly decimalGroups: 0 | 1 | 2
}

/** For a whole number up to 2⁵³. */
export const whole: Gap = { decimalGroups: 0 }
/** For decimal numbers, given as whole thousandths or millionths up to 2⁵³; zeros at their end are left out. */
export const thousandths: Gap = { decimalGroups: 1 }
export const millionths: Gap = { decimalGroups: 2 }

/** More than the longest number. */
const gapBytes = 24

/** Digits of the number that is written, by threes, the last ones first. */
const groups = new Int32Array(6)

export class TextTemplate {
  /** How long it gets at most. */
  readonly mostBytes: number
  /** For each gap. */
  private readonly decimalGroups: Int32Array
  /** Of the text before each gap and behind the last one: its length, and where it ends in {@link words}. */
  private readonly lengths: Int32Array
  private readonly ends: Int32Array
  /** Eight bytes each. */
  private readonly words: Float64Array

  /** `texts`: one more than there are gaps. */
  constructor(texts: ReadonlyArray<string>, gaps: ReadonlyArray<Gap>) {
    const parts = texts.map(encoded)
    this.decimalGroups = Int32Array.from(gaps, ({ decimalGroups }) => decimalGroups)
    this.lengths = Int32Array.from(parts, ({ length }) => length)
    this.words = Float64Array.from(parts.flatMap(({ words }) => [...words]))
    let end = 0
    this.ends = Int32Array.from(parts, ({ words }) => (end += words.length))
    this.mostBytes = 8 * end + gapBytes * gaps.length
  }

  /**
   * Writes it with a number for each gap, and returns where it ends. All of it is here, and numbers of every kind take the same way: V8 compiles
   * it once and quickly, where it would compile a short function, or one for each kind, within each of those that call it.
   */
  write(view: DataView, start: number, numbers: Float64Array): number {
    const { decimalGroups, ends, lengths, words } = this
    let at = start
    let word = 0
    for (let part = 0; ; part++) {
      const end = ends[part]!
      for (let to = at; word < end; word++, to += 8) view.setFloat64(to, words[word]!, true)
      at += lengths[part]!
      if (part === decimalGroups.length) return at
      const number = numbers[part]!
      const decimals = decimalGroups[part]!
      const billions = Math.floor(number / billion)
      let rest = (number - billions * billion) | 0
      const least = billions > 0 ? 3 : decimals
      let count = 0
      while (rest > 0 || count <= least) {
        const higher = (rest / 1000) | 0
        groups[count] = rest - higher * 1000
        count += 1
        rest = count === 3 ? billions | 0 : higher
      }
      // The first group has no zeros before it, and the last decimals none behind them.
      count -= 1
      const first = groups[count]!
      const digits = first < 10 ? 1 : first < 100 ? 2 : 3
      view.setInt32(at, threes[first]! >> (8 * (3 - digits)), true)
      at += digits
      let last = 0
      while (last < decimals && groups[last] === 0) last += 1
      while (count > last) {
        if (count === decimals) view.setInt8(at++, point)
        count -= 1
        view.setInt32(at, threes[groups[count]!]!, true)
        at += 3
      }
      if (last < decimals) {
        const ending = groups[last]!
        at -= ending % 10 > 0 ? 0 : ending % 100 > 0 ? 1 : 2
      }
    }
  }
}

/** What is given as text or number is part of the text. */
export const textTemplate = (
  texts: TemplateStringsArray,
  ...between: ReadonlyArray<string | number | Gap>
): TextTemplate => {
  const [first = "", ...rest] = texts
  const merged: Array<string> = []
  const gaps: Array<Gap> = []
  let text = first
  between.forEach((each, index) => {
    if (typeof each === "object") {
      gaps.push(each)
      merged.push(text)
      text = ""
    } else text += each
    text += rest[index] ?? ""
  })
  return new TextTemplate([...merged, text], gaps)
}

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
      const textEnd = ends[part]!
      for (let to = at; word < textEnd; word++, to += 8) view.setFloat64(to, words[word]!, true)
      at += lengths[part]!
      if (part === decimalGroups.length) return at
      const number = numbers[part]!
      const decimals = decimalGroups[part]!
      const billions = number < billion ? 0 : (number / billion) | 0
      let rest = (number - billions * billion) | 0
      let count = 0
      for (let left = billions > 0 ? 3 : decimals; rest > 999 || left > 0; left--) {
        const higher = (rest / 1000) | 0
        groups[count++] = rest - higher * 1000
        rest = count === 3 ? billions : higher
      }
      // The first group has no zeros before it, and the last decimals none behind them.
      const digits = rest < 10 ? 1 : rest < 100 ? 2 : 3
      view.setInt32(at, threes[rest]! >> (8 * (3 - digits)), true)
      at += digits
      for (; count > decimals; at += 3) view.setInt32(at, threes[groups[--count]!]!, true)
      // What ends with zeros has been written in vain.
      let end = at
      if (count > 0) view.setInt8(at++, point)
      for (; count > 0; at += 3) {
        const group = groups[--count]!
        view.setInt32(at, threes[group]!, true)
        if (group > 0) end = at + (group % 10 > 0 ? 3 : group % 100 > 0 ? 2 : 1)
      }
      at = end
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

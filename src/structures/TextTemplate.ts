/**
 * Text that is written again and again with other numbers in it, such as the events of one kind: what is the same every time lies between gaps.
 *
 *     textTemplate`,{"ts":${thousandths},"dur":${thousandths},"ph":"X","args":{"tokens":${whole}}}`
 *
 * It is written in one go, see {@link RepeatingText.fill}: a call for every key and number would be most of what that costs. A template is for one text: it
 * knows where that has it.
 */
import { encoded } from "./EncodedText.ts"

/** Where a number stands, which is not below zero. */
export interface Gap {
  readonly decimals: 0 | 3
}

/** For a whole number up to 2⁵³. */
export const whole: Gap = { decimals: 0 }
/** For a decimal number, given as whole thousandths up to 2⁵³; zeros at its end are left out. */
export const thousandths: Gap = { decimals: 3 }

/** More than the longest number. */
const gapBytes = 24

export class TextTemplate {
  /** How long it gets at most. */
  readonly mostBytes: number
  /** For each gap, how many digits of its number are behind the point. */
  readonly decimals: Int32Array
  /** Of the text before each gap and behind the last one: its length, and where it ends in {@link words}. */
  readonly lengths: Int32Array
  readonly ends: Int32Array
  /** Eight bytes each. */
  readonly words: Float64Array
  /** Where each of these parts began when it was written last. */
  readonly starts: Float64Array

  /** `texts`: one more than there are gaps. */
  constructor(texts: ReadonlyArray<string>, gaps: ReadonlyArray<Gap>) {
    const parts = texts.map(encoded)
    this.decimals = Int32Array.from(gaps, ({ decimals }) => decimals)
    this.lengths = Int32Array.from(parts, ({ length }) => length)
    this.words = Float64Array.from(parts.flatMap(({ words }) => [...words]))
    let end = 0
    this.ends = Int32Array.from(parts, ({ words }) => (end += words.length))
    this.mostBytes = 8 * end + gapBytes * gaps.length
    this.starts = new Float64Array(parts.length).fill(Number.NEGATIVE_INFINITY)
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

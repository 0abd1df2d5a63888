/**
 * Text that is written again and again with other numbers in it, such as the events of one kind: what is the same every time lies between gaps.
 *
 *     textTemplate`,{"ts":${thousandths},"dur":${thousandths},"ph":"X","args":{"tokens":${whole}}}`
 *
 * It is written in one go, see {@link TextBytes.fill}: a call for every key and number would be most of what that costs.
 */
import { billion, writeFraction, writeSix, writeThree, writeWhole } from "./Digits.ts"
import { encoded } from "./EncodedText.ts"

/** Where a number stands, which is not below zero. */
export interface Gap {
  readonly isWhole: boolean
}

/** For a whole number up to 2⁵³. */
export const whole: Gap = { isWhole: true }
/** For a decimal number, given as whole thousandths up to 2⁵³; zeros at its end are left out. */
export const thousandths: Gap = { isWhole: false }

/** More than the longest number. */
const gapBytes = 24

export class TextTemplate {
  /** How long it gets at most. */
  readonly mostBytes: number
  /** For each gap, whether it is for whole numbers. */
  private readonly isWhole: ReadonlyArray<boolean>
  /** Of the text before each gap and behind the last one: its length, and where it ends in {@link words}. */
  private readonly lengths: Int32Array
  private readonly ends: Int32Array
  /** Eight bytes each. */
  private readonly words: Float64Array

  /** `texts`: one more than there are gaps. */
  constructor(texts: ReadonlyArray<string>, gaps: ReadonlyArray<Gap>) {
    const parts = texts.map(encoded)
    this.isWhole = gaps.map(({ isWhole }) => isWhole)
    this.lengths = Int32Array.from(parts, ({ length }) => length)
    this.words = Float64Array.from(parts.flatMap(({ words }) => [...words]))
    let end = 0
    this.ends = Int32Array.from(parts, ({ words }) => (end += words.length))
    this.mostBytes = 8 * end + gapBytes * gaps.length
  }

  /** Writes it with a number for each gap, and returns where it ends. */
  write(view: DataView, start: number, numbers: Float64Array): number {
    const { ends, isWhole, lengths, words } = this
    let at = start
    let word = 0
    for (let part = 0; ; part++) {
      const end = ends[part]!
      for (let to = at; word < end; word++, to += 8) view.setFloat64(to, words[word]!, true)
      at += lengths[part]!
      if (part === isWhole.length) return at
      const number = numbers[part]!
      const billions = Math.floor(number / billion)
      const below = (number - billions * billion) | 0
      const thousands = (below / 1000) | 0
      const ones = below - thousands * 1000
      if (billions > 0) {
        at = writeSix(view, writeWhole(view, at, billions), thousands)
        if (isWhole[part]!) at = writeThree(view, at, ones)
      } else at = writeWhole(view, at, isWhole[part]! ? below : thousands)
      if (ones > 0 && !isWhole[part]!) {
        const zeros = ones % 10 > 0 ? 0 : ones % 100 > 0 ? 1 : 2
        at = writeFraction(view, at, ones) - zeros
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

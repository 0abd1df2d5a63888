/** Tables as text: CSV and JSON lines. */
import { encoded } from "../structures/EncodedText.ts"
import { TextBytes } from "../structures/TextBytes.ts"
import type { ColumnHead } from "./Column.ts"
import { emptyCells, isNumber, type TableWriter } from "./TableWriter.ts"

interface TextForm {
  readonly head: string
  /** What stands before the value of a column, by its name and place. */
  readonly lead: (name: string, index: number) => string
  /** What stands after the last value. */
  readonly end: string
  /** Of everything but numbers, which both forms write alike. */
  readonly textOf: (value: string | null) => string
}

/** RFC 4180, with the names of the columns as its first line; what is empty is an empty field. */
export const csvWriter = (columns: ReadonlyArray<ColumnHead>): TableWriter =>
  textWriter(columns, {
    head: `${columns.map(({ name }) => csvText(name)).join(",")}\n`,
    lead: (_, index) => (index === 0 ? "" : ","),
    end: "\n",
    textOf: csvText
  })

const csvText = (value: string | null): string => {
  if (value === null) return ""
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

/** What is empty is `null`. */
export const jsonLinesWriter = (columns: ReadonlyArray<ColumnHead>): TableWriter =>
  textWriter(columns, {
    head: "",
    lead: (name, index) => `${index === 0 ? "{" : ","}${JSON.stringify(name)}:`,
    end: "}\n",
    textOf: JSON.stringify
  })

/** Stands for what no cell is. */
const other = Number.POSITIVE_INFINITY
/** Of a row, which is nowhere. */
const none = -1

/**
 * Most values are what they were in the row before, and most of those stand side by side: they are copied together from there, with all
 * that stands between them and before the next value.
 */
const textWriter = (columns: ReadonlyArray<ColumnHead>, { end, head, lead, textOf }: TextForm): TableWriter => {
  const bytes = new TextBytes().text(head)
  const leads = columns.map(({ name }, index) => encoded(lead(name, index)))
  const leadLengths = Int32Array.from(leads, ({ length }) => length)
  const ending = encoded(end)
  const cells = emptyCells(columns)
  const { numbers, texts } = cells
  const { length } = columns
  const textPlaces = columns.flatMap(({ type }, index) => (type === "text" ? [index] : []))
  /** The row before: its values, how much text each of them is, and where all of that begins, if it is still there. */
  const before = new Float64Array(length)
  const textsBefore = [...texts]
  const lengths = new Int32Array(length)
  let start = none

  const findOtherTexts = (): void => {
    for (let at = 0; at < textPlaces.length; at++) {
      const index = textPlaces[at]!
      const text = texts[index]!
      if (text === textsBefore[index]) continue
      textsBefore[index] = text
      before[index] = other
    }
  }
  const write = (index: number): void => {
    const { length: start } = bytes
    const value = numbers[index]!
    if (isNumber(value)) bytes.number(value)
    else bytes.text(textOf(texts[index]!))
    before[index] = value
    lengths[index] = bytes.length - start
  }
  const addFirst = (): void => {
    for (const index of textPlaces) textsBefore[index] = texts[index]!
    for (let index = 0; index < length; index++) {
      bytes.constant(leads[index]!)
      write(index)
    }
    bytes.constant(ending)
  }
  const addNext = (): void => {
    findOtherTexts()
    /** Of the row before, what is to be copied. */
    let from = start
    let until = start
    for (let index = 0; index < length; index++) {
      until += leadLengths[index]!
      const value = numbers[index]!
      const was = before[index]!
      if (value !== was && (isNumber(value) || isNumber(was))) {
        bytes.repeat(from, until)
        until += lengths[index]!
        from = until
        write(index)
      } else until += lengths[index]!
    }
    bytes.repeat(from, until + ending.length)
  }
  const add = (): void => {
    const { length: nextStart } = bytes
    if (start === none) addFirst()
    else addNext()
    start = nextStart
  }
  const take = (): Uint8Array => {
    start = none
    return bytes.lend()
  }
  return { cells, add, take, end: take }
}

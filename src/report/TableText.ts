/** Tables as text: CSV and JSON lines. */
import { encoded, TextBytes } from "../structures/TextBytes.ts"
import type { ColumnHead } from "./Column.ts"
import { emptyCells, type TableWriter } from "./TableWriter.ts"

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

/**
 * Most values are what they were in the row before, and most of those stand side by side: they are copied together from there, with all
 * that stands between them.
 */
const textWriter = (columns: ReadonlyArray<ColumnHead>, { end, head, lead, textOf }: TextForm): TableWriter => {
  const bytes = new TextBytes().text(head)
  const leads = columns.map(({ name }, index) => encoded(lead(name, index)))
  const ending = encoded(end)
  const cells = emptyCells(columns)
  const { numbers, texts } = cells
  const { length } = columns
  /** The row before, no cell of which is infinite, and where the text of each begins. */
  const before = new Float64Array(length)
  const textsBefore = [...texts]
  const starts = new Int32Array(length + 1)

  const forget = (): void => void before.fill(Number.POSITIVE_INFINITY)
  const isRepeated = (index: number): boolean => {
    const value = numbers[index]!
    const was = before[index]!
    if (value === was) return true
    return Number.isNaN(value) && Number.isNaN(was) && texts[index] === textsBefore[index]
  }
  /** Copies the text of cells from the row before. */
  const repeat = (first: number, next: number): void => {
    const start = starts[first]!
    const distance = bytes.length - start
    bytes.repeat(start, starts[next]!)
    for (let index = first; index < next; index++) starts[index]! += distance
  }
  const write = (index: number): void => {
    starts[index] = bytes.length
    bytes.constant(leads[index]!)
    const value = numbers[index]!
    const text = texts[index]!
    if (Number.isNaN(value)) bytes.text(textOf(text))
    else bytes.number(value)
    before[index] = value
    textsBefore[index] = text
  }
  const add = (): void => {
    let written = 0
    for (let index = 0; index < length; index++) {
      if (isRepeated(index)) continue
      if (written < index) repeat(written, index)
      write(index)
      written = index + 1
    }
    if (written < length) repeat(written, length)
    starts[length] = bytes.length
    bytes.constant(ending)
  }
  const take = (): Uint8Array => {
    forget()
    return bytes.lend()
  }
  forget()
  return { cells, add, take, end: take }
}

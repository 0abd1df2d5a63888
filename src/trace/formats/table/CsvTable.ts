/**
 * CSV as RFC 4180 has it: a header, commas, quotes where needed, line ends inside quotes.
 *
 * Lines without quotes are split by hand; Effect's decoder takes the others. Lines are counted here, because messages name them.
 */
import * as Effect from "effect/Effect"
import * as Csv from "effect/encoding/Csv"
import * as Stream from "effect/Stream"
import type { LineBatch } from "../../LineReader.ts"
import { TraceError } from "../../TraceError.ts"
import { readPieces, type Cells, type Table } from "./Table.ts"
import { counted } from "../../../settings/Counted.ts"

const quotes = (line: string): number => {
  let count = 0
  for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) count++
  return count
}

/** More lines than this in one record are an open quote. */
const maxRecordLines = 1000

/** Cells of the records whose last line has been seen. */
class RecordReader {
  private readonly file: string
  private open: Array<string> = []
  private openLine = 0

  constructor(file: string) {
    this.file = file
  }

  /** The cells that this line completes; nothing for blank lines and inside quotes. */
  read(line: string, number: number): { readonly line: number; readonly cells: ReadonlyArray<string> } | undefined {
    if (this.open.length === 0) {
      if (line.trim() === "") return undefined
      const count = quotes(line)
      if (count === 0) return { line: number, cells: line.split(",") }
      if (count % 2 === 0) return { line: number, cells: this.decode(line, number) }
      this.open = [line]
      this.openLine = number
      return undefined
    }
    this.open.push(line)
    if (this.open.length > maxRecordLines) throw this.error(this.openLine, "a quote is opened and never closed")
    if (quotes(line) % 2 === 0) return undefined
    const text = this.open.join("\n")
    this.open = []
    return { line: this.openLine, cells: this.decode(text, this.openLine) }
  }

  end(): void {
    if (this.open.length > 0) throw this.error(this.openLine, "a quote is opened and never closed")
  }

  private decode(text: string, line: number): ReadonlyArray<string> {
    const rows = Effect.runSyncExit(Stream.runCollect(Stream.pipeThroughChannel(Stream.make(text), Csv.decodeString())))
    const [cells] = rows._tag === "Success" ? rows.value : []
    if (cells === undefined) throw this.error(line, "the quotes of the line are not those of CSV")
    return cells
  }

  error(line: number, problem: string): TraceError {
    return new TraceError({ file: this.file, line, problem })
  }
}

/** Runs a loop that throws {@link TraceError}s. */
const attempt = <A>(run: () => A): Effect.Effect<A, TraceError> =>
  Effect.try({
    try: run,
    catch: (error) => {
      if (error instanceof TraceError) return error
      throw error
    }
  })

/** The header, read on its own; the stream of lines starts anew at every run. */
const headerOf = (lines: Stream.Stream<LineBatch, TraceError>, file: string) =>
  Effect.flatMap(
    Stream.runHead(Stream.filter(lines, ({ texts }) => texts.some((text) => text.trim() !== ""))),
    (head) => {
      const first = head._tag === "Some" ? head.value.texts.findIndex((text) => text.trim() !== "") : -1
      if (head._tag === "None") {
        return Effect.fail(new TraceError({ file, problem: "holds no requests" }))
      }
      const { firstLine, texts } = head.value
      return attempt(() => {
        const cells = new RecordReader(file).read(texts[first]!, firstLine + first)?.cells ?? []
        return { line: firstLine + first, columns: cells.map((name) => name.trim()) }
      })
    }
  )

/** Opens a CSV file by its lines. */
export const csvTable = (lines: Stream.Stream<LineBatch, TraceError>, file: string): Effect.Effect<Table, TraceError> =>
  Effect.map(headerOf(lines, file), ({ columns, line: headerLine }) => ({
    kind: "CSV",
    columns,
    read: (wanted, make) =>
      Stream.suspend(() => {
        const reader = new RecordReader(file)
        const places = wanted.map((name) => columns.indexOf(name))
        const cells: Array<unknown> = new Array(places.length)
        const each = ({ firstLine, texts }: LineBatch, use: (cells: Cells, line: number) => void): void => {
          for (let index = 0; index < texts.length; index++) {
            const record = reader.read(texts[index]!, firstLine + index)
            if (record === undefined || record.line === headerLine) continue
            const found = record.cells
            if (found.length !== columns.length) {
              throw reader.error(
                record.line,
                `the line has ${counted(found.length, "cell")}, the header names ${counted(columns.length, "column")}`
              )
            }
            for (let place = 0; place < places.length; place++) cells[place] = found[places[place]!]
            use(cells, record.line)
          }
        }
        const ending = Stream.drain(Stream.fromEffect(attempt(() => reader.end())))
        return Stream.concat(readPieces(Stream.flattenIterable(Stream.map(lines, inPieces)), each, make), ending)
      })
  }))

/** Lines read at once. */
const linesPerPiece = 1024

function* inPieces({ firstLine, texts }: LineBatch): Generator<LineBatch> {
  for (let start = 0; start < texts.length; start += linesPerPiece) {
    yield { firstLine: firstLine + start, texts: texts.slice(start, start + linesPerPiece) }
  }
}

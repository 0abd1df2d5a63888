/**
 * JSON objects of a file, one after the other, however they are laid out: one per line, over several lines, or in one array.
 *
 * Each object comes as a batch of one text under the line that it starts on, so that readers of lines read it. Memory: one object.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LineBatch } from "../LineReader.ts"
import { TraceError } from "../TraceError.ts"

/** A longer object is taken for something that is not a trace; it has to be held in memory as a whole. */
const maxObjectCharacters = 256 * 1024 * 1024

const interesting = /["{}]/g

/** Finds where top-level objects end: braces outside strings, counted. */
class ObjectSplitter {
  private readonly file: string
  private pieces: Array<string> = []
  private characters = 0
  private startLine = 0
  private depth = 0
  private inString = false

  constructor(file: string) {
    this.file = file
  }

  /** Objects that the line completes go to `found`. */
  push(text: string, line: number, found: Array<LineBatch>): void {
    let start = 0
    interesting.lastIndex = 0
    for (let match = interesting.exec(text); match !== null; match = interesting.exec(text)) {
      const at = match.index
      const character = text.charCodeAt(at)
      if (character === 0x22) {
        if (this.depth > 0 && !(this.inString && isEscaped(text, at))) this.inString = !this.inString
      } else if (!this.inString && character === 0x7b) {
        if (this.depth === 0) {
          start = at
          this.startLine = line
        }
        this.depth += 1
      } else if (!this.inString && this.depth > 0) {
        this.depth -= 1
        if (this.depth === 0) {
          this.keep(text.slice(start, at + 1))
          found.push({ firstLine: this.startLine, texts: [this.pieces.join("\n")] })
          this.pieces = []
          this.characters = 0
        }
      }
    }
    if (this.depth > 0) this.keep(text.slice(start))
    else if (found.length === 0 && /[^\s[\],]/.test(text)) found.push({ firstLine: line, texts: [text] })
  }

  end(): LineBatch | undefined {
    return this.depth === 0 ? undefined : { firstLine: this.startLine, texts: [this.pieces.join("\n")] }
  }

  private keep(piece: string): void {
    this.pieces.push(piece)
    this.characters += piece.length
    if (this.characters > maxObjectCharacters) {
      throw new TraceError({
        file: this.file,
        line: this.startLine,
        problem: `the object that starts on line ${this.startLine} is longer than ${maxObjectCharacters} characters`
      })
    }
  }
}

const isEscaped = (text: string, at: number): boolean => {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++
  return backslashes % 2 === 1
}

/** Objects of the lines; what is no object comes as a text of its own, for its reader to refuse. */
export const jsonDocuments = (
  lines: Stream.Stream<LineBatch, TraceError>,
  file: string
): Stream.Stream<LineBatch, TraceError> =>
  Stream.suspend(() => {
    const splitter = new ObjectSplitter(file)
    const objectsOf = ({ firstLine, texts }: LineBatch): Effect.Effect<ReadonlyArray<LineBatch>, TraceError> =>
      Effect.try({
        try: () => {
          const all: Array<LineBatch> = []
          for (let index = 0; index < texts.length; index++) {
            const found: Array<LineBatch> = []
            splitter.push(texts[index]!, firstLine + index, found)
            all.push(...found)
          }
          return all
        },
        catch: (error) => {
          if (error instanceof TraceError) return error
          throw error
        }
      })
    return Stream.mapEffect(lines, objectsOf).pipe(
      Stream.filter((found) => found.length > 0),
      Stream.flattenIterable,
      Stream.concat(Stream.suspend(() => Stream.fromIterable(Arr.fromNullishOr(splitter.end()))))
    )
  })

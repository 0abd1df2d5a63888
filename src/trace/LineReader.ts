/**
 * Bytes to physical text lines, one batch per chunk of bytes.
 *
 * Only `\n` ends a line (a `\r` before it is dropped), so line numbers agree with those of editors and of `sed -n`.
 * A byte order mark at the start of the file is dropped. Whole chunks are decoded at once, cut at their last newline: a newline byte never lies inside a UTF-8 sequence.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { TraceError } from "./TraceError.ts"

/** Consecutive physical lines of one file. */
export interface LineBatch {
  /** Physical number, from 1, of the first text. */
  readonly firstLine: number
  readonly texts: ReadonlyArray<string>
}

/** A longer line is taken for something that is not a trace; it would have to be held in memory as a whole. */
const maxLineBytes = 256 * 1024 * 1024

const newline = 0x0a

const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const join = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (pieces.length === 1) return pieces[0]!
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let offset = 0
  for (const piece of pieces) {
    joined.set(piece, offset)
    offset += piece.length
  }
  return joined
}

const byteOrderMark = "\ufeff"

const withoutCarriageReturn = (text: string): string => (text.endsWith("\r") ? text.slice(0, -1) : text)

/** Cuts chunks of bytes into lines and counts them. A problem ends it; lines before the problem are still handed out. */
class LineSplitter {
  private readonly file: string
  private pieces: Array<Uint8Array> = []
  private pieceBytes = 0
  private nextLine = 1
  problem: TraceError | undefined

  constructor(file: string) {
    this.file = file
  }

  /** The lines completed by these bytes, if any. */
  push(bytes: Uint8Array): LineBatch | undefined {
    const end = bytes.lastIndexOf(newline) + 1
    if (end === 0) {
      this.keep(bytes)
      return undefined
    }
    this.keep(bytes.subarray(0, end))
    const complete = this.take()
    if (end < bytes.length) this.keep(bytes.subarray(end))
    return this.batchOf(complete)
  }

  /** The last line, when no newline ends it. */
  end(): LineBatch | undefined {
    return this.pieceBytes === 0 ? undefined : this.batchOf(this.take())
  }

  private keep(bytes: Uint8Array): void {
    this.pieces.push(bytes)
    this.pieceBytes += bytes.length
    if (this.pieceBytes > maxLineBytes && this.problem === undefined) {
      this.problem = this.unreadable(this.nextLine, `the line is longer than ${maxLineBytes} bytes`)
    }
  }

  private take(): Uint8Array {
    const joined = join(this.pieces)
    this.pieces = []
    this.pieceBytes = 0
    return joined
  }

  private batchOf(bytes: Uint8Array): LineBatch | undefined {
    const decoded = decodeUtf8(bytes)
    if (decoded === undefined) return this.batchBeforeBadLine(bytes)
    const text = this.nextLine === 1 && decoded.startsWith(byteOrderMark) ? decoded.slice(1) : decoded
    const texts = text.split("\n")
    if (text.endsWith("\n")) texts.pop()
    if (text.includes("\r")) {
      for (let i = 0; i < texts.length; i++) texts[i] = withoutCarriageReturn(texts[i]!)
    }
    return this.numbered(texts)
  }

  private batchBeforeBadLine(bytes: Uint8Array): LineBatch | undefined {
    const texts: Array<string> = []
    for (let start = 0; start < bytes.length;) {
      const found = bytes.indexOf(newline, start)
      const end = found === -1 ? bytes.length : found
      const text = decodeUtf8(bytes.subarray(start, end))
      if (text === undefined) break
      texts.push(withoutCarriageReturn(text))
      start = end + 1
    }
    this.problem = this.unreadable(this.nextLine + texts.length, "the line is not valid UTF-8")
    return this.numbered(texts)
  }

  private numbered(texts: ReadonlyArray<string>): LineBatch | undefined {
    if (texts.length === 0) return undefined
    const batch = { firstLine: this.nextLine, texts }
    this.nextLine += texts.length
    return batch
  }

  private unreadable(line: number, cause: string): TraceError {
    return new TraceError({ file: this.file, line, problem: `cannot be read: ${cause}` })
  }
}

/**
 * Lines of a file, decoded strictly as UTF-8. Blank lines are kept: readers skip them, numbering counts them.
 * Fails with a `TraceError` naming the line that is not UTF-8, after the lines before it.
 */
export const lineBatches = <R>(
  bytes: Stream.Stream<Uint8Array, TraceError, R>,
  file: string
): Stream.Stream<LineBatch, TraceError, R> =>
  Stream.transformPull(bytes, (pull) =>
    Effect.sync(() => {
      const splitter = new LineSplitter(file)
      let ended = false
      const emit = (batches: ReadonlyArray<LineBatch>): Pull.Pull<Arr.NonEmptyReadonlyArray<LineBatch>, TraceError> => {
        if (Arr.isReadonlyArrayNonEmpty(batches)) return Effect.succeed(batches)
        if (splitter.problem !== undefined) return Effect.fail(splitter.problem)
        return ended ? Cause.done() : next
      }
      const onChunk = (chunk: Arr.NonEmptyReadonlyArray<Uint8Array>) => {
        const batches: Array<LineBatch> = []
        for (const part of chunk) {
          const batch = splitter.push(part)
          if (batch !== undefined) batches.push(batch)
          if (splitter.problem !== undefined) break
        }
        return emit(batches)
      }
      const onEnd = () => {
        ended = true
        const batch = splitter.end()
        return emit(batch === undefined ? [] : [batch])
      }
      const read = Pull.matchEffect(pull, { onSuccess: onChunk, onFailure: Effect.failCause, onDone: onEnd })
      const next: Pull.Pull<Arr.NonEmptyReadonlyArray<LineBatch>, TraceError> = Effect.suspend(() => {
        if (splitter.problem !== undefined) return Effect.fail(splitter.problem)
        return ended ? Cause.done() : read
      })
      return next
    })
  )

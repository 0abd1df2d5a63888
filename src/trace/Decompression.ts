/**
 * gzip or Zstandard to plain bytes, as stream stages.
 *
 * Node's zlib rather than the web's `DecompressionStream`, because traces are often several members or frames in a row
 * (`cat a.gz b.gz`, log rotation), which the web interface refuses.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createGunzip, createZstdDecompress } from "../host/Node.ts"
import { TraceError } from "./TraceError.ts"

/** Whether these first bytes of a file are gzip's magic number. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** Whether these first bytes of a file are the magic number of a Zstandard frame, or of one that is to be skipped. */
export const isZstd = (bytes: Uint8Array): boolean => {
  const [first, second, third, fourth] = bytes
  if (first === 0x28) return second === 0xb5 && third === 0x2f && fourth === 0xfd
  return first !== undefined && first >> 4 === 5 && second === 0x2a && third === 0x4d && fourth === 0x18
}

interface Codec {
  readonly name: string
  readonly create: () => ReturnType<typeof createGunzip>
  /** Compressed bytes fed at once: what comes out of one step has to be held in memory. */
  readonly stepBytes: number
  /** What the bytes after the end of a piece are: another piece (the next decompressor judges it), or something else. */
  readonly after: (rest: Uint8Array) => "more" | "padding" | "garbage"
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** At gzip's best ratio, about 1000, a step makes 16 MiB. Zeros after the last member are ignored, as `gzip -t` does. */
const gzipCodec: Codec = {
  name: "gzip",
  create: createGunzip,
  stepBytes: 16 * 1024,
  after: (rest) => (isZero(rest) ? "padding" : "garbage")
}

const zstdCodec: Codec = {
  name: "Zstandard",
  create: createZstdDecompress,
  stepBytes: 4 * 1024,
  after: () => "more"
}

/** One decompression; `write` and `end` resume with what came out. */
class Inflater {
  private readonly codec: Codec
  private readonly file: string
  private inflate: ReturnType<typeof createGunzip>
  private output: Array<Uint8Array> = []
  private failure: TraceError | undefined
  private settle: (() => void) | undefined
  /** The decompressor has seen the end of its data. */
  private ended = false
  /** Bytes given to the decompressor. */
  private fedBytes = 0

  constructor(codec: Codec, file: string) {
    this.codec = codec
    this.file = file
    this.inflate = this.listen()
  }

  write(bytes: Uint8Array): Effect.Effect<ReadonlyArray<Uint8Array>, TraceError> {
    return this.step((done) => this.feed(bytes, done))
  }

  end(): Effect.Effect<ReadonlyArray<Uint8Array>, TraceError> {
    return this.step((done) => {
      if (this.ended) return done()
      this.inflate.once("end", done)
      this.inflate.end()
    })
  }

  close(): void {
    this.inflate.destroy()
  }

  private listen(): ReturnType<typeof createGunzip> {
    const inflate = this.codec.create()
    this.ended = false
    this.fedBytes = 0
    inflate.on("data", (bytes: Uint8Array) => this.output.push(bytes))
    inflate.on("end", () => void (this.ended = true))
    inflate.on("error", (cause) => this.fail(cause.message || "unexpected end"))
    return inflate
  }

  private fail(cause: string): void {
    const { file } = this
    this.failure = new TraceError({
      file,
      problem: `cannot be read: the ${this.codec.name} data is damaged or cut short (${cause})`
    })
    this.settle?.()
  }

  private feed(bytes: Uint8Array, done: () => void): void {
    if (this.ended) return this.goOn(bytes, done)
    this.fedBytes += bytes.length
    this.inflate.write(bytes, () => {
      const unread = this.fedBytes - this.inflate.bytesWritten
      if (this.ended && unread > 0) this.goOn(bytes.subarray(bytes.length - unread), done)
      else done()
    })
  }

  /** The data has ended, but the file has not. */
  private goOn(rest: Uint8Array, done: () => void): void {
    const kind = this.codec.after(rest)
    if (kind === "garbage") return this.fail("other data follows its end")
    if (kind === "padding") return done()
    this.inflate = this.listen()
    this.feed(rest, done)
  }

  private step(start: (done: () => void) => void): Effect.Effect<ReadonlyArray<Uint8Array>, TraceError> {
    return Effect.callback<ReadonlyArray<Uint8Array>, TraceError>((resume) => {
      this.settle = () => {
        this.settle = undefined
        const output = this.output
        this.output = []
        resume(this.failure === undefined ? Effect.succeed(output) : Effect.fail(this.failure))
      }
      if (this.failure === undefined) start(() => this.settle?.())
      else this.settle()
    })
  }
}

const decompress = <R>(
  codec: Codec,
  bytes: Stream.Stream<Uint8Array, TraceError, R>,
  file: string
): Stream.Stream<Uint8Array, TraceError, R> =>
  Stream.transformPull(bytes, (pull, scope) =>
    Effect.gen(function* () {
      const inflater = new Inflater(codec, file)
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => inflater.close())
      )
      const queue: Array<Uint8Array> = []
      let ended = false
      const emit = (output: ReadonlyArray<Uint8Array>): Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, TraceError> =>
        Arr.isReadonlyArrayNonEmpty(output) ? Effect.succeed(output) : next
      const read = Pull.matchEffect(pull, {
        onSuccess: (chunk) => {
          for (const part of chunk) {
            for (let start = 0; start < part.length; start += codec.stepBytes) {
              queue.push(part.subarray(start, start + codec.stepBytes))
            }
          }
          return next
        },
        onFailure: Effect.failCause,
        onDone: () => {
          ended = true
          return Effect.flatMap(inflater.end(), emit)
        }
      })
      const next: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, TraceError> = Effect.suspend(() => {
        const piece = queue.shift()
        if (piece !== undefined) return Effect.flatMap(inflater.write(piece), emit)
        return ended ? Cause.done() : read
      })
      return next
    })
  )

/** Decompresses one or several gzip members. Fails with a `TraceError` naming the file when the data is not whole. */
export const gunzip = <R>(
  bytes: Stream.Stream<Uint8Array, TraceError, R>,
  file: string
): Stream.Stream<Uint8Array, TraceError, R> => decompress(gzipCodec, bytes, file)

/** Decompresses one or several Zstandard frames. Fails with a `TraceError` naming the file when the data is not whole. */
export const unzstd = <R>(
  bytes: Stream.Stream<Uint8Array, TraceError, R>,
  file: string
): Stream.Stream<Uint8Array, TraceError, R> => decompress(zstdCodec, bytes, file)

/**
 * gzip to plain bytes as a stream stage.
 *
 * Node's zlib rather than the web's `DecompressionStream`, because traces are often several gzip members in a row
 * (`cat a.gz b.gz`, log rotation), which the web interface refuses.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createGunzip } from "node:zlib"
import { TraceError } from "./TraceError.ts"

/** Compressed bytes fed at once: even at gzip's best ratio, about 1000, the output of one step stays near 16 MiB. */
const stepBytes = 16 * 1024

/** Whether these first bytes of a file are gzip's magic number. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** One decompression; `write` and `end` resume with what came out. */
class Inflater {
  private readonly gunzip = createGunzip()
  private output: Array<Uint8Array> = []
  private failure: TraceError | undefined
  private settle: (() => void) | undefined

  constructor(file: string) {
    this.gunzip.on("data", (bytes: Uint8Array) => this.output.push(bytes))
    this.gunzip.on("error", (cause) => {
      this.failure = new TraceError({
        file,
        problem: `failed to read ${file}: the gzip data is damaged or cut short (${cause.message || "unexpected end"})`
      })
      this.settle?.()
    })
  }

  write(bytes: Uint8Array): Effect.Effect<ReadonlyArray<Uint8Array>, TraceError> {
    return this.step((done) => this.gunzip.write(bytes, () => done()))
  }

  end(): Effect.Effect<ReadonlyArray<Uint8Array>, TraceError> {
    return this.step((done) => {
      this.gunzip.once("end", done)
      this.gunzip.end()
    })
  }

  close(): void {
    this.gunzip.destroy()
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

/** Decompresses one or several gzip members. Fails with a `TraceError` naming the file when the data is not whole. */
export const gunzip = <R>(
  bytes: Stream.Stream<Uint8Array, TraceError, R>,
  file: string
): Stream.Stream<Uint8Array, TraceError, R> =>
  Stream.transformPull(bytes, (pull, scope) =>
    Effect.gen(function* () {
      const inflater = new Inflater(file)
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
            for (let start = 0; start < part.length; start += stepBytes) {
              queue.push(part.subarray(start, start + stepBytes))
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

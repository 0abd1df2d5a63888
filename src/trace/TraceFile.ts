/**
 * A trace file that can be read more than once.
 *
 * A trace is read twice: once to check it whole, once to replay it. Standard input, pipes and process substitutions can
 * be read only once, so they are copied to a temporary file that lives as long as the surrounding `Scope`.
 */
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { readInOrder } from "../host/Node.ts"
import { reasonOf } from "../settings/FileProblem.ts"
import { gunzip, isGzip, isZstd, unzstd } from "./Decompression.ts"
import { binaryKind } from "./Recognition.ts"
import { TraceError } from "./TraceError.ts"

/** A file as it is read, `-` included. */
export interface TraceFile {
  /** As the user named it, `-` for standard input. */
  readonly name: string
  /** Uncompressed content, from the start at every run. */
  readonly bytes: Stream.Stream<Uint8Array, TraceError>
}

/** Is shown every byte of every trace file once, as stored, while the file is checked. */
export type TraceFileObserver = (file: string, bytes: Uint8Array) => void

/** Who watches trace files being read, for instance to hash them; `undefined` (the default): nobody. */
export const TraceFileObserver = Context.Reference<TraceFileObserver | undefined>("dynosim/trace/TraceFileObserver", {
  defaultValue: () => undefined
})

/**
 * Bytes read at once: few Effects per megabyte, and so few rows that most are forgotten before young objects are collected (with
 * 256 KiB, many requests take a tenth more time).
 */
const chunkBytes = 64 * 1024

const notOpened =
  (name: string) =>
  (cause: PlatformError.PlatformError): TraceError =>
    new TraceError({ file: name, problem: `cannot be opened: ${reasonOf(cause)}` })

const notRead =
  (name: string) =>
  (cause: PlatformError.PlatformError): TraceError =>
    new TraceError({ file: name, problem: `cannot be read: ${reasonOf(cause)}` })

const spool = (fs: FileSystem.FileSystem, name: string, bytes: Stream.Stream<Uint8Array, TraceError>) =>
  Effect.flatMap(Effect.mapError(fs.makeTempFileScoped({ prefix: "dynosim-trace-" }), notRead(name)), (copy) =>
    Effect.as(Stream.run(bytes, Sink.mapError(fs.sink(copy), notRead(name))), copy)
  )

/** Bytes of a pipe. Not by the `FileSystem` service: it reads at positions, which pipes do not have. */
const pipeBytes = (name: string): Stream.Stream<Uint8Array, TraceError> =>
  Stream.suspend(() =>
    Stream.fromAsyncIterable<Uint8Array, TraceError>(
      readInOrder(name, chunkBytes),
      (cause) =>
        new TraceError({
          file: name,
          problem: `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`
        })
    )
  )

/**
 * Content that stays the same while it is used: a pass fails when the file is not the one that was opened any more.
 * What is being appended to or replaced would otherwise give rows that nobody has checked.
 */
const unchanged = (
  fs: FileSystem.FileSystem,
  path: string,
  opened: FileSystem.File.Info,
  bytes: Stream.Stream<Uint8Array, TraceError>
): Stream.Stream<Uint8Array, TraceError> =>
  Stream.unwrap(
    Effect.flatMap(Effect.mapError(fs.stat(path), notRead(path)), (now) => {
      const same = ByteSize.equals(now.size, opened.size) && modifiedMs(now) === modifiedMs(opened)
      return same
        ? Effect.succeed(bytes)
        : Effect.fail(new TraceError({ file: path, problem: "was changed after it had been checked" }))
    })
  )

const modifiedMs = ({ mtime }: FileSystem.File.Info): number | undefined => Option.getOrUndefined(mtime)?.getTime()

/** Enough for every magic number. */
const magicBytes = 8

const firstBytes = (fs: FileSystem.FileSystem, path: string) =>
  Effect.map(Stream.runCollect(fs.stream(path, { bytesToRead: magicBytes })), (parts) =>
    Uint8Array.from(parts.flatMap((part) => Array.from(part)))
  )

/** A path that can be read from the start any number of times, and what is known of a file that is not a copy. */
const rereadable = Effect.fnUntraced(function* (fs: FileSystem.FileSystem, name: string) {
  if (name === "-") {
    const stdio = yield* Stdio.Stdio
    return { path: yield* spool(fs, name, Stream.mapError(stdio.stdin, notRead(name))), info: undefined }
  }
  const info = yield* Effect.mapError(fs.stat(name), notOpened(name))
  if (info.type === "Directory") {
    return yield* new TraceError({ file: name, problem: "is a folder, not a trace file" })
  }
  if (info.type === "File") return { path: name, info }
  return { path: yield* spool(fs, name, pipeBytes(name)), info: undefined }
})

/** The same bytes; those of the first pass are shown to an observer. */
const observedOnce = (
  bytes: Stream.Stream<Uint8Array, TraceError>,
  observe: (bytes: Uint8Array) => void
): Stream.Stream<Uint8Array, TraceError> => {
  let started = false
  return Stream.suspend(() => {
    if (started) return bytes
    started = true
    return Stream.map(bytes, (part) => {
      observe(part)
      return part
    })
  })
}

/** A file as it is stored. */
export interface StoredFile extends TraceFile {
  /** Where its content can be read at positions: the file itself, or a copy. */
  readonly path: string
  /** Its first bytes. */
  readonly start: Uint8Array
  /** Somebody wants to see its bytes once. */
  readonly isObserved: boolean
}

/** Opens a file for reading from the start any number of times; `-` is standard input. */
export const openStoredFile = Effect.fnUntraced(function* (
  name: string
): Effect.fn.Return<StoredFile, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem
  const source = yield* rereadable(fs, name)
  const start = yield* Effect.mapError(firstBytes(fs, source.path), notOpened(name))
  const raw = Stream.mapError(fs.stream(source.path, { chunkSize: chunkBytes }), notRead(name))
  const stored = source.info === undefined ? raw : unchanged(fs, name, source.info, raw)
  const observe = yield* TraceFileObserver
  const bytes = observe === undefined ? stored : observedOnce(stored, (part) => observe(name, part))
  return { name, path: source.path, start, isObserved: observe !== undefined, bytes }
})

/** Content that is gzip or Zstandard by its first bytes, whatever the name, decompressed; what is no text is refused. */
export const decodedContent = ({
  bytes,
  name,
  start
}: StoredFile): Effect.Effect<Stream.Stream<Uint8Array, TraceError>, TraceError> => {
  const binary = binaryKind(start)
  if (binary !== undefined) {
    return Effect.fail(new TraceError({ file: name, problem: `cannot be read: ${binary}` }))
  }
  if (isGzip(start)) return Effect.succeed(gunzip(bytes, name))
  return Effect.succeed(isZstd(start) ? unzstd(bytes, name) : bytes)
}

/** Opens the text of a file. */
export const openTraceFile = (
  name: string
): Effect.Effect<TraceFile, TraceError, FileSystem.FileSystem | Stdio.Stdio | Scope.Scope> =>
  Effect.flatMap(openStoredFile(name), (stored) => Effect.map(decodedContent(stored), (bytes) => ({ name, bytes })))

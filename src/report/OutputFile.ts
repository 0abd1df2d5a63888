/**
 * Output files that are either there in full or not at all.
 *
 * Text goes to `NAME.partial` beside the file and takes the file's name once it is complete and on disk. Missing
 * parent folders are made. Devices and pipes have no such moment and are written directly.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { OutputError } from "./OutputError.ts"

/** A file being written. */
export interface OutputFile {
  readonly append: (content: string | Uint8Array) => Effect.Effect<void, OutputError>
  /** Completes the file: afterwards it stands under its own name. Nothing may be appended any more. */
  readonly commit: Effect.Effect<void, OutputError>
}

/** What becomes of a file whose scope is closed before it was completed. */
type Abandon = "publish" | "leave-partial" | "remove"

/**
 * Opens a file for text that comes piece by piece. When the scope closes without a `commit`, an interruption still gives the
 * file its name, so that nothing is lost; a failure leaves it as `NAME.partial`, so that it does not pass for complete.
 */
export const open = (
  path: string
): Effect.Effect<OutputFile, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  openAs(path, (exit) => (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) ? "leave-partial" : "publish"))

/** Writes a whole file; a failure or interruption leaves no trace, also not on a file of that name that was there before. */
export const write = (
  path: string,
  text: string
): Effect.Effect<void, OutputError, FileSystem.FileSystem | Path.Path> => writeStream(path, Stream.make(text))

/** The same for content that comes piece by piece. */
export const writeStream = <E, R>(
  path: string,
  pieces: Stream.Stream<string | Uint8Array, E, R>
): Effect.Effect<void, OutputError | E, FileSystem.FileSystem | Path.Path | R> =>
  Effect.scoped(
    Effect.flatMap(
      openAs(path, () => "remove"),
      (file) => Effect.andThen(Stream.runForEach(pieces, file.append), file.commit)
    )
  )

interface Target {
  readonly path: string
  readonly writtenPath: string
  /** Written in place: there is nothing to rename onto. */
  readonly direct: boolean
}

const beside = (path: string): Target => ({ path, writtenPath: `${path}.partial`, direct: false })
const inPlace = (path: string): Target => ({ path, writtenPath: path, direct: true })

/** Finds where the text really goes, through symbolic links, and makes sure that the folder exists. */
const locate = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const { dirname } = yield* Path.Path
  const info = yield* Effect.option(files.stat(path))
  if (Option.isNone(info)) {
    const folder = dirname(path)
    yield* files
      .makeDirectory(folder, { recursive: true })
      .pipe(
        Effect.mapError(
          problemWith(path, `cannot create the folder ${folder}`, "choose a path below a folder you may write to")
        )
      )
    return beside(path)
  }
  if (info.value.type === "Directory") {
    return yield* new OutputError({ path, problem: "this is a folder; give the name of a file in it" })
  }
  // Redirected, /dev/stdout is a regular file that somebody else holds open: a rename would take it away from them.
  if (info.value.type !== "File" || path.startsWith("/dev/")) return inPlace(path)
  return beside(
    yield* files.realPath(path).pipe(Effect.mapError(problemWith(path, "cannot be resolved", "choose another path")))
  )
})

const openAs = Effect.fnUntraced(function* (path: string, abandon: (exit: Exit.Exit<unknown, unknown>) => Abandon) {
  const files = yield* FileSystem.FileSystem
  const target = yield* locate(path)
  const handleScope = yield* Scope.make()
  const open = files.open(target.writtenPath, { flag: target.direct ? "a" : "w" }).pipe(
    Scope.provide(handleScope),
    Effect.mapError(problemWith(path, "cannot be opened for writing", "choose a path you may write to")),
    Effect.map((handle) => new OpenFile(files, target, handle, handleScope))
  )
  const file = yield* Effect.acquireRelease(open, (file, exit) => Effect.ignore(file.end(abandon(exit))))
  const encoder = new TextEncoder()
  return {
    append: (content) =>
      file.handle
        .writeAll(typeof content === "string" ? encoder.encode(content) : content)
        .pipe(
          Effect.uninterruptible,
          Effect.mapError(problemWith(path, "cannot be written", "free some space or choose another path"))
        ),
    commit: file
      .end("publish")
      .pipe(Effect.mapError(problemWith(path, `${target.writtenPath} cannot be renamed`, "rename it yourself")))
  } satisfies OutputFile
})

/** An open handle and what is to become of the file behind it. */
class OpenFile {
  readonly handle: FileSystem.File
  private readonly files: FileSystem.FileSystem
  private readonly target: Target
  private readonly handleScope: Scope.Closeable
  private ended = false

  constructor(files: FileSystem.FileSystem, target: Target, handle: FileSystem.File, handleScope: Scope.Closeable) {
    this.files = files
    this.target = target
    this.handle = handle
    this.handleScope = handleScope
  }

  /** Closes the file and settles its name; a second time does nothing. */
  end(as: Abandon): Effect.Effect<void, PlatformError> {
    return Effect.uninterruptible(
      Effect.suspend(() => {
        if (this.ended) return Effect.void
        this.ended = true
        // What cannot be synced, a device or some network file systems, needs no sync.
        return Effect.ignore(this.handle.sync).pipe(
          Effect.andThen(Scope.close(this.handleScope, Exit.void)),
          Effect.andThen(this.settle(as))
        )
      })
    )
  }

  private settle(as: Abandon): Effect.Effect<void, PlatformError> {
    const { direct, path, writtenPath } = this.target
    if (direct || as === "leave-partial") return Effect.void
    return as === "publish" ? this.files.rename(writtenPath, path) : this.files.remove(writtenPath)
  }
}

const problemWith =
  (path: string, what: string, advice: string) =>
  (error: PlatformError): OutputError => {
    const detail = error.cause instanceof Error ? error.cause.message : error.message
    return new OutputError({ path, problem: `${what} (${detail}); ${advice}` })
  }

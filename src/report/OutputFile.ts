/**
 * Output files that are either there in full or not at all.
 *
 * Text goes to a new file beside the target, under a name nobody can foresee or has taken, and takes the target's name once it is
 * complete and on disk. Missing parent folders are made. Devices, pipes and the standard streams have no such moment and are
 * written directly.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { randomBytes } from "../host/Node.ts"
import { OutputError } from "./ReportError.ts"
import { locate, type OutputTarget, problemWith } from "./OutputTarget.ts"
import { awaitReader } from "./PipeReader.ts"
import { printable } from "./Printable.ts"

/** What writing needs of its surroundings. */
export type OutputServices = FileSystem.FileSystem | Path.Path | Stdio.Stdio

/** A file being written. */
export interface OutputFile {
  /** Content may be overwritten once it is appended. */
  readonly append: (content: string | Uint8Array) => Effect.Effect<void, OutputError>
  /** Completes the file: afterwards it stands under its own name. Nothing may be appended any more. */
  readonly commit: Effect.Effect<void, OutputError>
}

/** What becomes of content whose scope is closed before it was completed. */
type Abandon = "publish" | "leave-partial" | "remove"

/**
 * Opens a file for text that comes piece by piece. When the scope closes without a `commit`, an interruption still gives the
 * file its name, so that nothing is lost; a failure leaves what there is under another name, which it tells, so that it does not
 * pass for complete. Where nothing was written, nothing is left. Waits for the reader of a pipe, until it is interrupted.
 */
export const open = (path: string): Effect.Effect<OutputFile, OutputError, OutputServices | Scope.Scope> =>
  openAs(path, (exit) => (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) ? "leave-partial" : "publish"))

/** Writes a whole file; a failure or interruption leaves no trace, also not on a file of that name that was there before. */
export const write = (path: string, text: string): Effect.Effect<void, OutputError, OutputServices> =>
  writeStream(path, Stream.make(text))

/** The same for content that comes piece by piece. */
export const writeStream = <E, R>(
  path: string,
  pieces: Stream.Stream<string | Uint8Array, E, R>
): Effect.Effect<void, OutputError | E, OutputServices | R> =>
  Effect.scoped(
    Effect.flatMap(
      openAs(path, () => "remove"),
      (file) => Effect.andThen(Stream.runForEach(pieces, file.append), file.commit)
    )
  )

/**
 * One output after the other, and the verdict on what is in them, whatever becomes of those before: what is wrong with one costs no other.
 * Fails with all that failed.
 */
export const each = <E, R, E2 = never, R2 = never>(
  writes: ReadonlyArray<Effect.Effect<unknown, E, R>>,
  verdict: Effect.Effect<void, E2, R2> = Effect.void
): Effect.Effect<void, E | E2, R | R2> =>
  Effect.gen(function* () {
    const exits: ReadonlyArray<Exit.Exit<unknown, E | E2>> = [
      ...(yield* Effect.forEach(writes, Effect.exit)),
      yield* Effect.exit(verdict)
    ]
    const reasons = exits.filter(Exit.isFailure).flatMap(({ cause }) => cause.reasons)
    if (reasons.length > 0) yield* Effect.failCause(Cause.fromReasons(reasons))
  })

/** The file for who goes on without it: once it cannot be written nothing more of it is, and `verdict` fails with what was wrong. */
export const dispensable = (
  file: OutputFile
): { readonly file: OutputFile; readonly verdict: Effect.Effect<void, OutputError> } => {
  let verdict: Effect.Effect<void, OutputError> = Effect.void
  const attempt = (write: () => Effect.Effect<void, OutputError>): Effect.Effect<void> =>
    Effect.suspend(() =>
      verdict === Effect.void
        ? Effect.catch(write(), (error) => Effect.sync(() => void (verdict = Effect.fail(error))))
        : Effect.void
    )
  return {
    file: { append: (content) => attempt(() => file.append(content)), commit: attempt(() => file.commit) },
    verdict: Effect.suspend(() => verdict)
  }
}

/**
 * The same in a folder of this program's own, where names stand for content, and what a lost machine has left damaged is made anew: whatever has
 * the name is replaced, no questions are asked about it first, and nobody waits until it is on disk, which would all take longer than the writing.
 */
export const replace: (
  path: string,
  text: string
) => Effect.Effect<void, OutputError, FileSystem.FileSystem | Path.Path> = Effect.fnUntraced(function* (path, text) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = paths.dirname(path)
  const writtenPath = paths.join(folder, partialName(paths.basename(path)))
  const write = files.writeFileString(writtenPath, text, { flag: "wx" })
  yield* write.pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound",
      () => Effect.andThen(makeFolder(path, folder), write)
    ),
    Effect.andThen(files.rename(writtenPath, path)),
    Effect.onError(() => Effect.ignore(files.remove(writtenPath))),
    Effect.uninterruptible,
    Effect.mapError((error) => (error instanceof OutputError ? error : cannotWrite(path)(error)))
  )
})

const makeFolder = (path: string, folder: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    files
      .makeDirectory(folder, { recursive: true })
      .pipe(
        Effect.mapError(
          problemWith(path, `cannot create the folder ${folder}`, "choose a path below a folder you may write to")
        )
      )
  )

const openAs = Effect.fnUntraced(function* (path: string, abandon: (exit: Exit.Exit<unknown, unknown>) => Abandon) {
  const target = yield* locate(path)
  switch (target._tag) {
    case "Standard":
      return standardStream(yield* Stdio.Stdio, target.stream)
    case "InPlace":
      return yield* openInPlace(path, target)
    case "File":
      return yield* openBeside(path, target, abandon)
  }
})

const standardStream = (stdio: Stdio.Stdio, stream: "stdout" | "stderr"): OutputFile => ({
  append: (content) =>
    Stream.run(
      // Whoever reads a pipe may do so later.
      Stream.make(typeof content === "string" ? content : content.slice()),
      Sink.mapError(
        stdio[stream]({ endOnDone: false }),
        cannotWrite(stream === "stdout" ? "standard output" : "standard error")
      )
    ),
  commit: Effect.void
})

const cannotWrite =
  (path: string) =>
  (error: PlatformError): OutputError =>
    codeOf(error.cause) === "EPIPE"
      ? new OutputError({
          path,
          problem: "not written to its end, because nobody reads this pipe any more",
          unread: true
        })
      : problemWith(path, "cannot be written", "free some space or choose another path")(error)

const codeOf = (cause: unknown): unknown => (Predicate.hasProperty(cause, "code") ? cause.code : undefined)

const openInPlace = Effect.fnUntraced(function* (path: string, target: OutputTarget & { readonly _tag: "InPlace" }) {
  const files = yield* FileSystem.FileSystem
  const handleScope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const handle = yield* Effect.scoped(
    Effect.gen(function* () {
      if (target.pipe) yield* Effect.onInterrupt(awaitReader(target.path), () => nobodyReads(path))
      return yield* openHandle(files, path, target.path, "a", handleScope)
    })
  )
  return { append: appendTo(path, handle), commit: Scope.close(handleScope, Exit.void) } satisfies OutputFile
})

const nobodyReads = (path: string): Effect.Effect<void> =>
  Console.error(`error: ${printable(path)}: not written, because nobody reads this pipe`)

const openBeside = Effect.fnUntraced(function* (
  path: string,
  target: OutputTarget & { readonly _tag: "File" },
  abandon: (exit: Exit.Exit<unknown, unknown>) => Abandon
) {
  const files = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = paths.dirname(target.path)
  yield* makeFolder(path, folder)
  const writtenPath = paths.join(folder, partialName(paths.basename(target.path)))
  const open = Effect.gen(function* () {
    const handleScope = yield* Scope.make()
    const handle = yield* openHandle(files, path, writtenPath, "wx", handleScope)
    return new PartialFile({ files, path, target, writtenPath, handle, handleScope })
  })
  const file = yield* Effect.acquireRelease(open, (file, exit) => Effect.ignore(file.end(abandon(exit))))
  return file satisfies OutputFile
})

/** Hexadecimal digits of so many bytes that nobody can foresee. */
const randomHex = (bytes: number): string =>
  Array.from(randomBytes(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("")

/** Names may have 255 bytes; where the target's name leaves no room, the partial file goes without it. */
const partialName = (name: string): string => {
  const unforeseeable = `${randomHex(8)}.partial`
  return new TextEncoder().encode(name).length > 220 ? unforeseeable : `${name}.${unforeseeable}`
}

/** `wx` makes a new file and follows no link; `a` writes on in what is there. */
const openHandle = (
  files: FileSystem.FileSystem,
  path: string,
  writtenPath: string,
  flag: "wx" | "a",
  scope: Scope.Scope
): Effect.Effect<FileSystem.File, OutputError> =>
  files
    .open(writtenPath, { flag })
    .pipe(
      Scope.provide(scope),
      Effect.mapError(problemWith(path, "cannot be opened for writing", "choose a path you may write to"))
    )

const encoder = new TextEncoder()

const appendTo =
  (path: string, handle: FileSystem.File): OutputFile["append"] =>
  (content) =>
    handle
      .writeAll(typeof content === "string" ? encoder.encode(content) : content)
      .pipe(Effect.uninterruptible, Effect.mapError(cannotWrite(path)))

interface PartialFileOptions {
  readonly files: FileSystem.FileSystem
  /** As the user named it. */
  readonly path: string
  readonly target: OutputTarget & { readonly _tag: "File" }
  readonly writtenPath: string
  readonly handle: FileSystem.File
  readonly handleScope: Scope.Closeable
}

/** An open handle and what is to become of the file behind it. */
class PartialFile implements OutputFile {
  private readonly options: PartialFileOptions
  private ended = false
  private empty = true

  constructor(options: PartialFileOptions) {
    this.options = options
  }

  readonly append = (content: string | Uint8Array): Effect.Effect<void, OutputError> => {
    this.empty = this.empty && content.length === 0
    return appendTo(this.options.path, this.options.handle)(content)
  }

  get commit(): Effect.Effect<void, OutputError> {
    const { path, writtenPath } = this.options
    return Effect.mapError(
      this.settleAs("publish"),
      problemWith(path, `${writtenPath} cannot be renamed`, "rename it yourself")
    )
  }

  /** The scope closes. */
  end(as: Abandon): Effect.Effect<void, PlatformError> {
    return Effect.suspend(() => this.settleAs(this.empty ? "remove" : as))
  }

  /** Closes the file and settles its name; a second time does nothing. */
  private settleAs(as: Abandon): Effect.Effect<void, PlatformError> {
    return Effect.uninterruptible(
      Effect.suspend(() => {
        if (this.ended) return Effect.void
        this.ended = true
        const { handle, handleScope } = this.options
        // What cannot be synced, as on some network file systems, needs no sync.
        return Effect.ignore(handle.sync).pipe(
          Effect.andThen(Scope.close(handleScope, Exit.void)),
          Effect.andThen(this.settle(as))
        )
      })
    )
  }

  private settle(as: Abandon): Effect.Effect<void, PlatformError> {
    const { files, path, target, writtenPath } = this.options
    switch (as) {
      case "remove":
        return files.remove(writtenPath)
      case "leave-partial":
        return Console.error(
          `note: ${printable(path)}: incomplete; what there is of it is in ${printable(writtenPath)}`
        )
      case "publish":
        return Effect.andThen(
          target.mode === undefined ? Effect.void : Effect.ignore(files.chmod(writtenPath, target.mode)),
          files.rename(writtenPath, target.path)
        )
    }
  }
}

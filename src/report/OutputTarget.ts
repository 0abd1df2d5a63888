/** Where an output really goes, behind links and the names of devices. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { OutputError } from "./ReportError.ts"

export type OutputTarget =
  /** What the process already has open. Opened anew it would be written from its start, over what was printed there. */
  | { readonly _tag: "Standard"; readonly stream: "stdout" | "stderr" }
  /** A device, a pipe, or a file that another process holds open: there is nothing to rename onto. */
  | { readonly _tag: "InPlace"; readonly path: string; readonly pipe: boolean }
  /** A regular file, at the end of any links, with the permissions it has if it exists. */
  | { readonly _tag: "File"; readonly path: string; readonly mode: number | undefined }

const standardNames: ReadonlyMap<string, "stdout" | "stderr"> = new Map([
  ["-", "stdout"],
  ["/dev/stdout", "stdout"],
  ["/dev/fd/1", "stdout"],
  ["/proc/self/fd/1", "stdout"],
  ["/dev/stderr", "stderr"],
  ["/dev/fd/2", "stderr"],
  ["/proc/self/fd/2", "stderr"]
])

/** As many as operating systems follow. */
const mostLinks = 40

/** Follows symbolic links, also to what does not exist yet, up to one of the standard names if there is one. */
export const followLinks = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const { dirname, resolve } = yield* Path.Path
  let at = path
  for (let links = 0; links < mostLinks && !standardNames.has(at); links++) {
    const next = yield* Effect.option(files.readLink(at))
    if (Option.isNone(next)) break
    at = resolve(dirname(at), next.value)
  }
  return at
})

/** The stream that a path is a name of, if it is one. */
export const standardStreamOf = (
  path: string
): Effect.Effect<"stdout" | "stderr" | undefined, never, FileSystem.FileSystem | Path.Path> =>
  Effect.map(followLinks(path), (real) => standardNames.get(real))

export const isStandardOutput = (path: string): Effect.Effect<boolean, never, FileSystem.FileSystem | Path.Path> =>
  Effect.map(standardStreamOf(path), (stream) => stream === "stdout")

/** Fails where nothing can be written: a folder, a file that may not be changed, a path through a file. Makes nothing. */
export const locate = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<OutputTarget, OutputError, FileSystem.FileSystem | Path.Path> {
  const files = yield* FileSystem.FileSystem
  const real = yield* followLinks(path)
  const stream = standardNames.get(real)
  if (stream !== undefined) return { _tag: "Standard", stream }
  const info = yield* Effect.option(files.stat(real))
  if (Option.isNone(info)) {
    yield* checkFolder(path, real)
    return { _tag: "File", path: real, mode: undefined }
  }
  const { mode, type } = info.value
  if (type === "Directory") {
    return yield* new OutputError({ path, problem: "this is a folder; give the name of a file in it" })
  }
  // Under /dev and /proc a regular file is one that somebody else holds open: a rename would take it away from them.
  if (type !== "File" || /^\/(dev|proc)\//.test(real)) return { _tag: "InPlace", path: real, pipe: type === "FIFO" }
  yield* files
    .access(real, { writable: true })
    .pipe(Effect.mapError(problemWith(path, "cannot be opened for writing", "choose a path you may write to")))
  return { _tag: "File", path: real, mode: mode & 0o777 }
})

/** The nearest folder that exists must take new entries; those between are made when the output is. */
const checkFolder = Effect.fnUntraced(function* (path: string, real: string) {
  const files = yield* FileSystem.FileSystem
  const { dirname, resolve } = yield* Path.Path
  const cannot = `cannot create ${resolve(real)}`
  const advice = "choose a path below a folder you may write to"
  let folder = dirname(resolve(real))
  let info = yield* Effect.result(files.stat(folder))
  while (info._tag === "Failure" && info.failure.reason._tag === "NotFound" && folder !== dirname(folder)) {
    folder = dirname(folder)
    info = yield* Effect.result(files.stat(folder))
  }
  if (info._tag === "Failure") return yield* problemWith(path, cannot, advice)(info.failure)
  if (info.success.type !== "Directory") {
    return yield* new OutputError({ path, problem: `${cannot} (${folder} is a file); ${advice}` })
  }
  yield* files.access(folder, { writable: true }).pipe(Effect.mapError(problemWith(path, cannot, advice)))
})

export const problemWith =
  (path: string, what: string, advice: string) =>
  (error: PlatformError): OutputError => {
    const detail = error.cause instanceof Error ? error.cause.message : error.message
    return new OutputError({ path, problem: `${what} (${detail}); ${advice}` })
  }

/**
 * Where the outputs of a run go, known and checked before anything is read: no output may replace an input or another
 * output, under whatever name or link.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { followLinks, isStandardOutput, locate, standardStreamOf } from "../report/OutputTarget.ts"
import type { OutputError } from "../report/ReportError.ts"
import type { InputFile } from "../run/InputFiles.ts"
import type { Outputs } from "../run/ReplayOptions.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { resolveReportPath } from "../report/ReportPath.ts"
import { endingProblem, type OutputForm } from "./OutputForm.ts"

export interface OutputPaths {
  readonly report: string
  /** The report's figures as CSV. */
  readonly csv: string | undefined
  /** Per-request lines; `undefined` when nobody asked for them. */
  readonly lines: string | undefined
  readonly series: string | undefined
  readonly timeline: string | undefined
  readonly html: string | undefined
  /** Whether one of them goes to standard output, which nothing else may then be printed to. */
  readonly standardOutputTaken: boolean
}

/** `inputs` are all files that the run reads; `-` is none. */
export const resolveOutputPaths = Effect.fnUntraced(function* (
  outputs: Outputs,
  inputs: ReadonlyArray<InputFile>
): Effect.fn.Return<OutputPaths, OutputError | UsageError, FileSystem.FileSystem | Path.Path> {
  const report = yield* resolveReportPath(outputs.reportJson)
  const { csv, html, reportJsonl: lines, series, timeline } = outputs
  const written = namedOutputs([
    ["--report-json", report, "json"],
    ["--csv", csv, "csv"],
    ["--report-jsonl", lines, "table"],
    ["--series", series?.path, "table"],
    ["--timeline", timeline?.path, undefined],
    ["--html", html, "html"]
  ])
  yield* checkOutputs(written, inputs)
  const standard = written.map(([, path]) => path)
  const standardOutputTaken = (yield* Effect.forEach(standard, isStandardOutput)).includes(true)
  return { report, csv, lines, series: series?.path, timeline: timeline?.path, html, standardOutputTaken }
})

/**
 * An output, the flag that names it, and what is written there, unless its name says that and was asked before; a folder takes files in it,
 * and may be there already.
 */
export type NamedOutput = readonly [flag: string, path: string, form: OutputForm | "folder" | undefined]

/** Those outputs that are wanted, of all that there are. */
export const namedOutputs = (
  outputs: ReadonlyArray<readonly [flag: string, path: string | undefined, form: NamedOutput[2]]>
): ReadonlyArray<NamedOutput> =>
  outputs.flatMap(([flag, path, form]): ReadonlyArray<NamedOutput> => (path === undefined ? [] : [[flag, path, form]]))

/** An output that has no default name must name a file, or a folder where it is one. */
export const checkName = Effect.fnUntraced(function* ([flag, path, form]: NamedOutput): Effect.fn.Return<
  void,
  UsageError,
  FileSystem.FileSystem | Path.Path
> {
  if (path === "") return yield* usageError(flag, `needs the name of a ${form === "folder" ? "folder" : "file"}`)
  if (form === "folder") {
    if ((yield* standardStreamOf(path)) !== undefined || (yield* isOtherThanFolder(path))) {
      return yield* usageError(flag, `${path} is no folder`, "give the name of a folder, or of one to make")
    }
    return
  }
  if (path.endsWith("/") || (yield* isFolder(path))) {
    return yield* usageError(flag, `${path} is a folder`, "give the name of a file in it")
  }
})

/** A file must not be named like something else than it is. */
const checkEnding = ([flag, path, form]: NamedOutput): Effect.Effect<void, UsageError> => {
  const wrong = form === undefined || form === "folder" ? undefined : endingProblem(path, form)
  return wrong === undefined ? Effect.void : usageError(flag, wrong.problem, wrong.hint)
}

/** What stands under a name, if anything does. */
const kindOf = (path: string): Effect.Effect<FileSystem.File.Type | undefined, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) =>
    Effect.match(files.stat(path), { onFailure: () => undefined, onSuccess: ({ type }) => type })
  )

const isFolder = (path: string) => Effect.map(kindOf(path), (kind) => kind === "Directory")

const isOtherThanFolder = (path: string) =>
  Effect.map(kindOf(path), (kind) => kind !== undefined && kind !== "Directory")

/** What cannot be written is better known before the work than after it. */
export const checkOutputs = Effect.fnUntraced(function* (
  written: ReadonlyArray<NamedOutput>,
  inputs: ReadonlyArray<InputFile>
): Effect.fn.Return<void, OutputError | UsageError, FileSystem.FileSystem | Path.Path> {
  const taken = new Map<string, string>()
  for (const { path, what } of inputs) {
    taken.set(yield* identityOf(path === "-" ? "/dev/stdin" : path), `${what} ${path}`)
  }
  const printed = yield* redirection
  if (printed !== undefined) {
    const read = taken.get(printed)
    if (read !== undefined) {
      return yield* usageError("standard output", `goes to ${read}, which it would overwrite`, "redirect it elsewhere")
    }
    taken.set(printed, "where standard output goes")
  }
  for (const output of written) {
    const [flag, path] = output
    yield* checkName(output)
    const identity = yield* outputIdentityOf(path)
    const other = taken.get(identity)
    if (other !== undefined) {
      return yield* usageError(flag, `${path} is ${other}, which it would overwrite`, "choose another path")
    }
    if (!identity.startsWith(shared)) taken.set(identity, `also the ${flag} output`)
  }
  for (const output of written) {
    const [, path, form] = output
    yield* checkEnding(output)
    if (form !== "folder" || !(yield* isFolder(path))) yield* locate(path)
  }
})

/** Prints what is no output: to standard error where one of the outputs goes to standard output. */
export const printerBeside = Effect.fnUntraced(function* (outputs: ReadonlyArray<string | undefined>) {
  const taken = yield* Effect.forEach(
    outputs.filter((path) => path !== undefined),
    isStandardOutput
  )
  return taken.includes(true) ? Console.error : Console.log
})

/** Prefix of what any number of outputs may go to: devices and pipes. */
const shared = "device:"

/** The file that standard output was redirected to, if it was to a file. */
const redirection = Effect.map(
  Effect.suspend(() => identityOf("/dev/stdout")),
  (identity) => (identity.startsWith("file:") ? identity : undefined)
)

/** Under a standard name an output goes where everything printed goes, one after the other. */
const outputIdentityOf = (path: string) =>
  Effect.flatMap(standardStreamOf(path), (stream) =>
    stream === undefined ? identityOf(path) : Effect.succeed(`standard:${stream}`)
  )

/** Equal for two names of one file, also of one that does not exist yet. */
const identityOf = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const real = yield* followLinks(path)
  const info = yield* Effect.option(files.stat(path))
  if (Option.isNone(info)) return `path:${yield* canonicalPath(real)}`
  const { dev, ino, type } = info.value
  if (type !== "File" && type !== "Directory") return `${shared}${path}`
  return Option.match(ino, { onNone: () => `path:${path}`, onSome: (inode) => `file:${dev}:${inode}` })
})

/** The path with everything resolved that exists of it. */
const canonicalPath = (path: string): Effect.Effect<string, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const { basename, dirname, join, resolve } = yield* Path.Path
    const absolute = resolve(path)
    const real = yield* Effect.option(files.realPath(absolute))
    if (Option.isSome(real)) return real.value
    const parent = dirname(absolute)
    return parent === absolute ? absolute : join(yield* canonicalPath(parent), basename(absolute))
  })

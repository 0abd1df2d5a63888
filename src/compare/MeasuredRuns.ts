/** The runs that a comparison names: files, several files of one run, or the folder that AIPerf writes. */
import { firstRepeat } from "../settings/FirstRepeat.ts"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { joined, type Measurement } from "./Measurement.ts"
import { measurementsOf } from "./MeasurementText.ts"
import { type UsageError, usageError } from "../settings/SettingsError.ts"
import { readTextFile } from "../settings/TextFile.ts"

type Files = FileSystem.FileSystem | Path.Path

const aiperfFiles = ["profile_export_aiperf.json", "profile_export.jsonl"]

/**
 * The measurements of a run, named as on the command line: a file, files of one run with commas between them, or AIPerf's folder. Usually one; as
 * many as a file has benchmarks.
 */
export const readMeasurements = Effect.fnUntraced(function* (
  run: string
): Effect.fn.Return<ReadonlyArray<Measurement>, UsageError, Files> {
  const files = yield* filesOf(run)
  if (firstRepeat(files) >= 0) return yield* usageError(run, "names a file twice")
  const measured = yield* Effect.forEach(files, readFile)
  const [first = [], ...others] = measured
  if (others.length === 0) return first
  const singles = measured.flat()
  const [head, ...tail] = singles
  return head === undefined || singles.length !== measured.length
    ? yield* usageError(run, "joins a file with several benchmarks to others", "compare it by itself")
    : [joined(run, [head, ...tail])]
})

/** The files of a run by its name. A comma is part of a name where a file has that name. */
export const filesOf = Effect.fnUntraced(function* (
  run: string
): Effect.fn.Return<ReadonlyArray<string>, UsageError, Files> {
  if (run === "") return yield* usageError("RUN", "the name of a file is empty")
  if (run === "-") return yield* usageError("-", "a run is read from files, not from standard input")
  const files = yield* FileSystem.FileSystem
  if (!run.includes(",") || (yield* exists(run))) return yield* isFolder(files, run, yield* Path.Path)
  const parts = run.split(",").filter((part) => part !== "")
  return (yield* Effect.forEach(parts, filesOf)).flat()
})

const exists = (path: string): Effect.Effect<boolean, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => Effect.orElseSucceed(files.exists(path), () => false))

const isFolder = Effect.fnUntraced(function* (
  files: FileSystem.FileSystem,
  run: string,
  path: Path.Path
): Effect.fn.Return<ReadonlyArray<string>, UsageError, Files> {
  const folder = yield* Effect.match(files.stat(run), {
    onFailure: () => false,
    onSuccess: ({ type }) => type === "Directory"
  })
  if (!folder) return [run]
  const found = yield* Effect.filter(
    aiperfFiles.map((name) => path.join(run, name)),
    exists
  )
  return found.length > 0
    ? found
    : yield* usageError(run, `is a folder without ${aiperfFiles.join(" or ")}`, "name the files themselves")
})

const readFile = Effect.fnUntraced(function* (file: string) {
  const text = yield* readTextFile(file, (reason) => usageError(file, `cannot be read: ${reason}`))
  return yield* Effect.fromResult(measurementsOf(file, text))
})

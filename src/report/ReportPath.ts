/**
 * Where a report goes when the user names a file, a folder, or nothing.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"

/** `dynamo_replay_report_YYYYMMDD_HHMMSS.json`, in local time by Effect's Clock. */
export const defaultReportName: Effect.Effect<string> = Effect.map(DateTime.now, (now) => {
  const { day, hour, minute, month, second, year } = DateTime.toParts(DateTime.setZone(now, DateTime.zoneMakeLocal()))
  const date = [year, month, day].map(twoDigits).join("")
  const time = [hour, minute, second].map(twoDigits).join("")
  return `dynamo_replay_report_${date}_${time}.json`
})

const twoDigits = (part: number): string => String(part).padStart(2, "0")

/**
 * The file a report is written to: the default name in the current folder, absolute, for no path; the bare default name
 * for an empty one; `-` as it is, for standard output; the default name inside a path that is a folder; else the path,
 * without trailing slashes.
 */
export const resolveReportPath = Effect.fnUntraced(function* (path: string | undefined) {
  const files = yield* FileSystem.FileSystem
  const { join, resolve } = yield* Path.Path
  if (path === undefined) return resolve(yield* defaultReportName)
  if (path === "") return yield* defaultReportName
  if (path === "-") return path
  const info = yield* Effect.option(files.stat(path))
  if (Option.isSome(info) && info.value.type === "Directory") return join(path, yield* defaultReportName)
  return path.replace(/(?!^)\/+$/, "")
})

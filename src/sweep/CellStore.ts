/**
 * Where results last: a folder with the report of each finished run under its id. Files appear whole or not at all, so that a sweep that
 * was killed goes on where it was, and folders of several machines are merged by copying.
 *
 * Reports are kept without the real time that their run took, which says something about a machine, not about the run; so a run leaves
 * the same bytes wherever it was made.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import type { OutputError } from "../report/ReportError.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { Report, wallClockKeys } from "../report/Report.ts"
import { reportJson } from "../report/ReportJson.ts"

const StoredReport = Schema.fromJsonString(Report)
const decodeReport = Schema.decodeUnknownOption(StoredReport)

const StoppedRun = Schema.fromJsonString(Schema.Struct({ stopped: Schema.String }))
const decodeStopped = Schema.decodeUnknownOption(StoppedRun)

/** The report without what depends on the machine. */
export const timeless = (report: Report): Report => ({
  ...report,
  ...Object.fromEntries(wallClockKeys.map((key) => [key, 0]))
})

/** Where reports last, by the hash of all that decides a run. */
export class CellStore extends Context.Service<
  CellStore,
  {
    /** The report of a run that was finished before; none for a file that is damaged, which is then made anew. */
    readonly get: (id: string) => Effect.Effect<Option.Option<Report>>
    readonly put: (id: string, report: Report) => Effect.Effect<void, OutputError>
    /** Why a run was stopped before its end. */
    readonly getStopped: (id: string) => Effect.Effect<Option.Option<string>>
    readonly putStopped: (id: string, reason: string) => Effect.Effect<void, OutputError>
  }
>()("dynosim/sweep/CellStore") {
  /** Keeps nothing beyond the process. */
  static readonly layerMemory: Layer.Layer<CellStore> = Layer.sync(CellStore, () => {
    const reports = new Map<string, Report>()
    const stopped = new Map<string, string>()
    return {
      get: (id) => Effect.sync(() => Option.fromNullishOr(reports.get(id))),
      put: (id, report) => Effect.sync(() => void reports.set(id, report)),
      getStopped: (id) => Effect.sync(() => Option.fromNullishOr(stopped.get(id))),
      putStopped: (id, reason) => Effect.sync(() => void stopped.set(id, reason))
    }
  })

  /** Keeps reports in `folder`, which is made when the first is put there. */
  static readonly layerFolder = (folder: string): Layer.Layer<CellStore, never, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(
      CellStore,
      Effect.gen(function* () {
        const files = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const context = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
        const fileOf = (id: string): string => path.join(folder, cellsFolder, `${id}.json`)
        const textOf = (id: string) => Effect.option(files.readFileString(fileOf(id)))
        const write = (id: string, text: string) => Effect.provideContext(OutputFile.replace(fileOf(id), text), context)
        return {
          get: (id) => Effect.map(textOf(id), (text) => Option.flatMap(text, decodeReport)),
          put: (id, report) => write(id, reportJson(report)),
          getStopped: (id) =>
            Effect.map(textOf(id), (text) => Option.map(Option.flatMap(text, decodeStopped), ({ stopped }) => stopped)),
          putStopped: (id, reason) => write(id, `${JSON.stringify({ stopped: reason })}\n`)
        }
      })
    )
}

/** Folder of the reports inside a results folder. */
export const cellsFolder = "cells"

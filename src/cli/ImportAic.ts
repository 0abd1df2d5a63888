/** `dynosim aic import`: published measurements into table files of the user's data folder, one at a time. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { usageError } from "../settings/SettingsError.ts"
import * as OutputFile from "../report/OutputFile.ts"
import { userFolder } from "../timing/aic/DataFolders.ts"
import { chooseSlices } from "../timing/aic/import/ChooseSlices.ts"
import { openPublishedData, type PublishedData } from "../timing/aic/import/PublishedData.ts"
import { packSlice, publishedSlices } from "../timing/aic/import/PublishedSlices.ts"
import { sliceContent } from "../timing/aic/SliceContent.ts"
import { openTableFile } from "../timing/aic/TableFile.ts"
import { shortHash } from "../timing/aic/TableHeader.ts"
import { type SliceName, sliceName } from "../timing/aic/TableSlices.ts"
import { counted } from "../settings/Counted.ts"

interface ImportSettings {
  readonly source: string
  readonly system: Option.Option<string>
  readonly backend: Option.Option<string>
  readonly version: Option.Option<string>
  readonly to: Option.Option<string>
  readonly force: boolean
  readonly dryRun: boolean
}

/** Brotli's quality: much smaller than without, and still fast. */
const quality = 5

const targetFolder = Effect.fnUntraced(function* (to: Option.Option<string>) {
  const path = yield* Path.Path
  if (Option.isSome(to)) return path.join(to.value, "aic")
  return (yield* userFolder) ?? (yield* usageError("--to", "no data folder is known", "name one, or set DYNOSIM_DATA"))
})

/** Writes one slice's file and says what it holds. */
const importSlice = Effect.fnUntraced(function* (data: PublishedData, slice: SliceName, folder: string) {
  const path = yield* Path.Path
  const name = sliceName(slice)
  const file = path.join(folder, `${name}.bin`)
  const bytes = yield* packSlice(data, slice, { origin: data.origin, quality })
  const { header, tables } = yield* openTableFile(bytes, name)
  yield* OutputFile.writeStream(file, Stream.make(bytes))
  const rows = header.sections.reduce((sum, section) => sum + section.rows, 0)
  const { families } = sliceContent(slice.backend, tables.sectionNames)
  const size = `${counted(rows, "row")}, ${(bytes.length / 1e6).toFixed(2)} MB`
  yield* Console.log(`${name}: ${families.join(", ")}; ${size}, tables ${shortHash(header.sha256)}`)
})

export const importAic = Effect.fnUntraced(function* (settings: ImportSettings) {
  const folder = yield* targetFolder(settings.to)
  const data = yield* openPublishedData(settings.source)
  const { refused, taken } = yield* chooseSlices(data.where, publishedSlices(data), {
    system: Option.getOrUndefined(settings.system),
    backend: Option.getOrUndefined(settings.backend),
    version: Option.getOrUndefined(settings.version),
    force: settings.force
  })
  yield* Effect.forEach(refused, (reason) => Console.error(`note: ${reason}`), { discard: true })
  if (settings.dryRun) {
    return yield* Console.log([`${data.origin} has:`, ...taken.map(sliceName)].join("\n"))
  }
  if (taken.length === 0) return yield* usageError(settings.source, "nothing can be imported", "see the notes above")
  yield* Effect.forEach(taken, (slice) => importSlice(data, slice, folder), { discard: true })
  yield* Console.log(`${taken.length} imported from ${data.origin} into ${folder}`)
})

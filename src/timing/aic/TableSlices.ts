/**
 * The slices at hand: measurements of one system under one version of one backend, a file each. What the user has
 * imported wins over what came with the package.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { didYouMean } from "../../settings/ClosestName.ts"
import { AicError } from "./AicError.ts"
import { shippedFolder, unreadable, userFolder } from "./DataFolders.ts"
import { SystemConstants } from "./SystemConstants.ts"
import { openTableFile, type TableFile } from "./TableFile.ts"

export interface Slice {
  readonly system: string
  readonly backend: string
  readonly version: string
  /** Path of its table file. */
  readonly file: string
  /** Whether the user brought it, or the package. */
  readonly imported: boolean
}

/** What tells a slice from others. */
export type SliceName = Pick<Slice, "system" | "backend" | "version">

/** Name of a slice, and of its file without the ending. */
export const sliceName = ({ backend, system, version }: SliceName): string => `${system}-${backend}-${version}`

const filePattern = /^(?<system>[^-]+)-(?<backend>[^-]+)-(?<version>.+)\.bin$/

const slicesIn = Effect.fnUntraced(function* (folder: string, imported: boolean) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const names = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  return names.toSorted().flatMap((name): ReadonlyArray<Slice> => {
    const { backend, system, version } = filePattern.exec(name)?.groups ?? {}
    return backend === undefined || system === undefined || version === undefined
      ? []
      : [{ system, backend, version, file: path.join(folder, name), imported }]
  })
})

/** Every slice at hand, in the order of their names. */
export const slices = Effect.gen(function* () {
  const path = yield* Path.Path
  const shipped = yield* slicesIn(path.join(yield* shippedFolder, "tables"), false)
  const user = yield* userFolder
  const imported = user === undefined ? [] : yield* slicesIn(user, true)
  const byName = new Map([...shipped, ...imported].map((slice) => [sliceName(slice), slice]))
  return [...byName.values()].toSorted((a, b) => (sliceName(a) < sliceName(b) ? -1 : 1))
})

/** Table files that stay open, by path, for those who run more than once; without it each run opens its own. */
export const OpenTables = Context.Reference<Map<string, TableFile> | undefined>("dynosim/timing/aic/OpenTables", {
  defaultValue: () => undefined
})

/** Reads and opens a slice's file, unless it is open. */
export const openSlice = Effect.fnUntraced(function* (
  slice: Slice
): Effect.fn.Return<TableFile, AicError, FileSystem.FileSystem | Path.Path> {
  const open = yield* OpenTables
  const known = open?.get(slice.file)
  if (known !== undefined) return known
  const file = yield* readSlice(slice)
  open?.set(slice.file, file)
  return file
})

const readSlice = Effect.fnUntraced(function* (
  slice: Slice
): Effect.fn.Return<TableFile, AicError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const bytes = yield* Effect.mapError(fs.readFile(slice.file), unreadable(slice.file))
  return yield* openTableFile(bytes, slice.imported ? slice.file : path.basename(slice.file))
})

const Systems = Schema.fromJsonString(Schema.Struct({ systems: Schema.Record(Schema.String, SystemConstants) }))
const decodeSystems = Schema.decodeUnknownEffect(Systems)

/** Hardware constants of the systems that the package knows, whether or not it has measurements of them. */
const shippedSystems = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(yield* shippedFolder, "systems.json")
  const text = yield* Effect.mapError(fs.readFileString(file), unreadable(file))
  return (yield* Effect.mapError(decodeSystems(text), unreadable(file))).systems
})

const howToGet = "others can be imported (dynosim aic import) or come in a bundle (--aic-bundle)"

/** Hardware constants of a system without measurements under the backend asked for. */
export const systemConstants = Effect.fnUntraced(function* (system: string) {
  const known = yield* shippedSystems
  const found = known[system]
  if (found !== undefined) return found
  return yield* new AicError({
    where: "aic_system",
    problem: `unsupported system '${system}'`,
    advice: `${didYouMean(system, Object.keys(known))}available: ${Object.keys(known).join(", ")}; ${howToGet}`
  })
})

/** The error for a slice that is not at hand; names those that are. */
export const missingSlice = (wanted: SliceName, at: ReadonlyArray<Slice>): AicError =>
  new AicError({
    where: "aic_system, aic_backend, aic_backend_version",
    problem: `no performance tables for ${sliceName(wanted)}`,
    advice: `available: ${at.map(sliceName).join(", ")}; ${howToGet}`
  })

/**
 * AIConfigurator's data as it is published: in a wheel (a zip file), or in a folder such as a checkout.
 *
 * Either way files are named relative to the folder `systems`: `<system>.yaml`,
 * `<system>/<backend>/<version>/<table>.parquet`, `<system>/nccl/<version>/nccl_perf.parquet`.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { AicError } from "../AicError.ts"
import { unreadable } from "../DataFolders.ts"

export interface PublishedData {
  /** Package and version, or the folder's name: for the report. */
  readonly origin: string
  /** Where it lies, for errors. */
  readonly where: string
  readonly names: ReadonlySet<string>
  /** One of `names`. */
  readonly read: (name: string) => Effect.Effect<Uint8Array, AicError>
}

/** Files in no `systems` folder, by the path they have in a wheel or checkout. */
type Entries = ReadonlyMap<string, string>

const systemsFile = /^(?<prefix>(?:.*\/)?)[^/]+\.yaml$/

/** Tables lie in `data` in a `systems` folder, or beside the YAML files. */
const withoutData = (name: string): string => (name.startsWith("data/") ? name.slice("data/".length) : name)

/** Entries by their name in the `systems` folder; `undefined` where the paths hold no such folder. */
const inSystems = (paths: ReadonlyArray<string>): Entries | undefined => {
  const prefixes = paths.flatMap((path) => {
    const prefix = systemsFile.exec(path)?.groups?.["prefix"]
    return prefix !== undefined && /(?:^|\/)systems\/$/.test(prefix) ? [prefix] : []
  })
  const prefix = prefixes.toSorted((a, b) => a.length - b.length)[0]
  if (prefix === undefined) return undefined
  const inside = paths.filter((path) => path.startsWith(prefix) && !path.endsWith("/"))
  return new Map(inside.map((path) => [withoutData(path.slice(prefix.length)), path]))
}

const noData = (where: string): AicError =>
  new AicError({
    where,
    problem: "holds no AIConfigurator data",
    advice:
      "give a wheel of aiconfigurator up to 0.10.0 (pip download --no-deps aiconfigurator==0.10.0) or a folder with systems/*.yaml"
  })

/** No table of the published data is a tenth of this; far above it the archive is something else. */
const maxEntryBytes = 2 ** 28

const metadataFile = /^[^/]+\.dist-info\/METADATA$/

const packageOf = (metadata: string): string | undefined => {
  const field = (name: string) => new RegExp(`^${name}: *(.+)$`, "m").exec(metadata)?.[1]?.trim()
  const [name, version] = [field("Name"), field("Version")]
  return name === undefined || version === undefined ? undefined : `${name} ${version}`
}

const openWheel = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { unzipSync } = yield* Effect.promise(() => import("fflate"))
  const bytes = yield* Effect.mapError(fs.readFile(file), unreadable(file))
  const unzip = (wanted: (name: string) => boolean) =>
    Effect.try({
      try: () =>
        unzipSync(bytes, {
          filter: ({ name, originalSize }) => wanted(name) && originalSize <= maxEntryBytes
        }),
      catch: (cause) =>
        new AicError({
          where: file,
          problem: `cannot be read as a wheel: ${cause instanceof Error ? cause.message : String(cause)}`
        })
    })
  const readEntry = Effect.fnUntraced(function* (entry: string) {
    const found = (yield* unzip((name) => name === entry))[entry]
    return found ?? (yield* new AicError({ where: `${file}: ${entry}`, problem: "is too large for a table" }))
  })
  const paths: Array<string> = []
  yield* unzip((name) => {
    paths.push(name)
    return false
  })
  const entries = inSystems(paths)
  if (entries === undefined) return yield* noData(file)
  const metadata = paths.find((name) => metadataFile.test(name))
  const named = metadata === undefined ? undefined : packageOf(new TextDecoder().decode(yield* readEntry(metadata)))
  const data: PublishedData = {
    origin: named ?? path.basename(file),
    where: file,
    names: new Set(entries.keys()),
    read: (name) => readEntry(entries.get(name) ?? name)
  }
  return data
})

/** Where the `systems` folder may be, from the folder that the user named. */
const systemsFolders = ["systems", "aiconfigurator/systems", "src/aiconfigurator/systems", "."]

const openFolder = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  for (const candidate of systemsFolders) {
    const systems = path.join(folder, candidate)
    const names = yield* Effect.orElseSucceed(fs.readDirectory(systems), () => [])
    if (!names.some((name) => name.endsWith(".yaml"))) continue
    const all = yield* Effect.mapError(fs.readDirectory(systems, { recursive: true }), unreadable(systems))
    const entries = new Map(all.map((name) => [withoutData(name.replaceAll(path.sep, "/")), name]))
    const data: PublishedData = {
      origin: `folder ${path.basename(path.resolve(folder))}`,
      where: systems,
      names: new Set(entries.keys()),
      read: (name) => {
        const file = path.join(systems, entries.get(name) ?? name)
        return Effect.mapError(fs.readFile(file), unreadable(file))
      }
    }
    return data
  }
  return yield* noData(folder)
})

/** Opens a wheel or a folder. */
export const openPublishedData = Effect.fnUntraced(function* (
  source: string
): Effect.fn.Return<PublishedData, AicError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const info = yield* Effect.mapError(fs.stat(source), unreadable(source))
  return yield* info.type === "Directory" ? openFolder(source) : openWheel(source)
})

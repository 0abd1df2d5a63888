/** Which slices some published data holds, and one of them as a table file. */
import * as Effect from "effect/Effect"
import { AicError } from "../AicError.ts"
import { backends } from "../BackendVersions.ts"
import { type SliceName, sliceName } from "../TableSlices.ts"
import { packTables } from "./PackTables.ts"
import { readParquet } from "./ParquetColumns.ts"
import type { PublishedData } from "./PublishedData.ts"
import { sliceSections } from "./SliceSections.ts"
import { readSystem } from "./SystemYaml.ts"

export interface PublishedSlice extends SliceName {
  /** Why it cannot be used as it is; `undefined` where it can. */
  readonly flaw: Flaw | undefined
}

/**
 * `incomplete`: marked as such by its publishers, or as one that takes what it lacks from other versions. `empty`: it takes
 * all from other versions and has no tables of its own.
 */
export type Flaw = "incomplete" | "empty"

const inSlice = /^(?<system>[^/]+)\/(?<backend>[^/]+)\/(?<version>[^/]+)\/(?<file>[^/]+)$/

const flawOf = (files: ReadonlySet<string>): Flaw | undefined => {
  if (!files.has("gemm_perf.parquet")) return "empty"
  return files.has("INCOMPLETE.txt") || files.has("SHARED_LAYER_REUSE.txt") ? "incomplete" : undefined
}

/** The slices of systems and backends that look-ups are known for, in the order of their names. */
export const publishedSlices = ({ names }: PublishedData): ReadonlyArray<PublishedSlice> => {
  const files = new Map<string, { readonly name: SliceName; readonly files: Set<string> }>()
  for (const path of names) {
    const { backend = "", file = "", system = "", version = "" } = inSlice.exec(path)?.groups ?? {}
    if (!backends.includes(backend) || !names.has(`${system}.yaml`)) continue
    const name = { system, backend, version }
    const slice = files.get(sliceName(name)) ?? { name, files: new Set() }
    files.set(sliceName(name), slice)
    slice.files.add(file)
  }
  return [...files.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, slice]) => ({ ...slice.name, flaw: flawOf(slice.files) }))
}

const tableOf = (data: PublishedData, name: string) =>
  data.names.has(name)
    ? Effect.flatMap(data.read(name), (bytes) => readParquet(`${data.where}: ${name}`, bytes))
    : Effect.succeed(undefined)

/** The table file of one slice; `quality` is Brotli's, `origin` what reports call the data. */
export const packSlice = Effect.fnUntraced(function* (
  data: PublishedData,
  slice: SliceName,
  { origin, quality }: { readonly origin: string; readonly quality: number }
) {
  const yaml = `${slice.system}.yaml`
  const text = new TextDecoder().decode(yield* data.read(yaml))
  const system = yield* readSystem(`${data.where}: ${yaml}`, text)
  const exchanged = system.collectives
    .map(([library, version]) => `${slice.system}/${library}/${version}/${library}_perf.parquet`)
    .find((name) => data.names.has(name))
  const sections = yield* sliceSections({
    system: slice.system,
    own: (name) => tableOf(data, `${slice.system}/${slice.backend}/${slice.version}/${name}.parquet`),
    collectives: exchanged === undefined ? Effect.succeed(undefined) : tableOf(data, exchanged)
  })
  if (sections.length === 0) {
    return yield* new AicError({ where: data.where, problem: `${sliceName(slice)} has no tables` })
  }
  const source = { system: slice.system, backend: slice.backend, backendVersion: slice.version, origin }
  return packTables(source, system.constants, sections, quality)
})

/**
 * The data shipped with the package: hardware constants, model configs and performance tables under data/aic.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import { reasonOf } from "../../config/FileProblem.ts"
import { AicError } from "./AicError.ts"
import { ModelConfig } from "./ModelConfig.ts"
import type { PerfTables } from "./PerfTables.ts"
import { SystemConstants } from "./SystemConstants.ts"
import { openTableFile } from "./TableFile.ts"

/** From the bundled command (`bundle/`), then from a module of `src/timing/aic/` or `dist/timing/aic/`. */
const dataFolders = ["../data/aic/", "../../../data/aic/"]
const systemsFile = "systems.json"

const unreadable =
  (where: string) =>
  (cause: PlatformError.PlatformError | Schema.SchemaError): AicError =>
    new AicError({ where, problem: Schema.isSchemaError(cause) ? cause.message : `cannot be read: ${reasonOf(cause)}` })

/** Folder of the shipped data, wherever the package's code runs from. */
const dataFolder = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  for (const relative of dataFolders) {
    const folder = yield* Effect.orDie(path.fromFileUrl(new URL(relative, import.meta.url)))
    if (yield* Effect.orElseSucceed(fs.exists(path.join(folder, systemsFile)), () => false)) return folder
  }
  return yield* new AicError({
    where: "data/aic",
    problem: "the AIC data of this package is missing",
    advice: "reinstall the package"
  })
})

const inData = (name: string) =>
  Effect.flatMap(dataFolder, (folder) => Effect.map(Path.Path, (path) => path.join(folder, name)))

const readJson = <S extends Schema.Top & { readonly DecodingServices: never }>(schema: S) => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return Effect.fnUntraced(function* (file: string) {
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(fs.readFileString(file), unreadable(file))
    return yield* Effect.mapError(decode(text), unreadable(file))
  })
}

const readSystems = readJson(Schema.Struct({ systems: Schema.Record(Schema.String, SystemConstants) }))
const readModels = readJson(
  Schema.Struct({
    models: Schema.Record(Schema.String, Schema.Unknown),
    aliases: Schema.Record(Schema.String, Schema.String),
    unsupported: Schema.Record(Schema.String, Schema.String)
  })
)
const readConfig = readJson(ModelConfig)
const readHfQuantConfig = readJson(Schema.Unknown)
const decodeConfig = Schema.decodeUnknownEffect(ModelConfig)

/** Hardware constants of a shipped system. */
export const systemConstants = Effect.fnUntraced(function* (system: string) {
  const { systems } = yield* Effect.flatMap(inData(systemsFile), readSystems)
  return (
    systems[system]
    ?? (yield* new AicError({
      where: "aic_system",
      problem: `unsupported system '${system}'`,
      advice: `available: ${Object.keys(systems).join(", ")}; others need a bundle (--aic-bundle)`
    }))
  )
})

const tableName = (system: string, backend: string, version: string): string => `${system}-${backend}-${version}.bin`

const missingTables = Effect.fnUntraced(function* (wanted: string) {
  const fs = yield* FileSystem.FileSystem
  const names = yield* Effect.orElseSucceed(
    Effect.flatMap(inData("tables"), (folder) => fs.readDirectory(folder)),
    () => []
  )
  const slices = names.map((name) => name.replace(/\.bin$/, "")).toSorted()
  return yield* new AicError({
    where: "aic_system, aic_backend, aic_backend_version",
    problem: `no performance tables for ${wanted}`,
    advice: `available: ${slices.join(", ")}; others need a bundle (--aic-bundle)`
  })
})

/** Performance tables of a shipped slice. */
export const shippedTables = Effect.fnUntraced(function* (
  system: string,
  backend: string,
  version: string
): Effect.fn.Return<PerfTables, AicError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const name = tableName(system, backend, version)
  const file = yield* inData(path.join("tables", path.basename(name)))
  if (!(yield* Effect.mapError(fs.exists(file), unreadable(file))))
    return yield* missingTables(name.replace(/\.bin$/, ""))
  const bytes = yield* Effect.mapError(fs.readFile(file), unreadable(file))
  return yield* openTableFile(bytes, name)
})

/** A model's config under the name that stands for it. */
export interface NamedConfig {
  readonly id: string
  readonly config: ModelConfig
}

/** `config.json` of a folder, with its `hf_quant_config.json` where there is one. */
const localConfig = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const config = yield* readConfig(path.join(folder, "config.json"))
  const quantFile = path.join(folder, "hf_quant_config.json")
  if (!(yield* Effect.mapError(fs.exists(quantFile), unreadable(quantFile)))) return { id: folder, config }
  const quant = yield* readHfQuantConfig(quantFile)
  const merged = yield* Effect.mapError(decodeConfig({ ...config, hf_quant_config: quant }), unreadable(quantFile))
  return { id: folder, config: merged }
})

/** A config by shipped id, by another name of a shipped id (case does not count), or from a folder with `config.json`. */
export const modelConfig = Effect.fnUntraced(function* (
  modelPath: string
): Effect.fn.Return<NamedConfig, AicError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { aliases, models, unsupported } = yield* Effect.flatMap(inData("models.json"), readModels)
  const same = (name: string) => name.toLowerCase() === modelPath.toLowerCase()
  const alias = Object.keys(aliases).find(same)
  const id = Object.keys(models).find(same) ?? (alias === undefined ? undefined : aliases[alias])
  if (id !== undefined) {
    return { id, config: yield* Effect.mapError(decodeConfig(models[id]), unreadable(`models.json: ${id}`)) }
  }
  const folderHasConfig = yield* Effect.orElseSucceed(fs.exists(path.join(modelPath, "config.json")), () => false)
  if (folderHasConfig) return yield* localConfig(modelPath)
  const architecture = Object.entries(unsupported).find(([name]) => same(name))?.[1]
  return yield* new AicError({
    where: "aic_model_path",
    problem:
      architecture === undefined
        ? `'${modelPath}' is neither a shipped model nor a folder with a config.json`
        : `the operations of '${modelPath}' (${architecture}) are not known`,
    advice:
      architecture === undefined
        ? `shipped: ${Object.keys(models).join(", ")}; give a local folder for others`
        : "it needs a bundle (--aic-bundle)"
  })
})

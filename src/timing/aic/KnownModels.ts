/** Model configs: those that came with the package, by id or another name, and those in folders of the user's. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { didYouMean } from "../../settings/ClosestName.ts"
import { AicError } from "./AicError.ts"
import { shippedFolder, unreadable } from "./DataFolders.ts"
import { ModelConfig } from "./ModelConfig.ts"

const readJson = <S extends Schema.Top & { readonly DecodingServices: never }>(schema: S) => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return Effect.fnUntraced(function* (file: string) {
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(fs.readFileString(file), unreadable(file))
    return yield* Effect.mapError(decode(text), unreadable(file))
  })
}

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
  const { aliases, models, unsupported } = yield* readModels(path.join(yield* shippedFolder, "models.json"))
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
        ? `${didYouMean(modelPath, Object.keys(models))}shipped: ${Object.keys(models).join(", ")}; give a local folder for others`
        : "it needs a bundle (--aic-bundle)"
  })
})

/** The parts of published model configs that op lists, sizing and the quantisation rules read. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { supportedArchitectures } from "../../src/timing/aic/ModelConfig.ts"

type Json = Readonly<Record<string, unknown>>

/** Models and other names that the published configs do not list. */
interface Extra {
  readonly models: Json
  readonly aliases: Readonly<Record<string, string>>
}

const decoderKeys = [
  "architectures",
  "num_hidden_layers",
  "hidden_size",
  "num_attention_heads",
  "num_key_value_heads",
  "head_dim",
  "attention_head_dim",
  "v_head_dim",
  "kv_lora_rank",
  "qk_rope_head_dim",
  "intermediate_size",
  "moe_intermediate_size",
  "vocab_size",
  "num_experts_per_tok",
  "top_k_experts",
  "num_local_experts",
  "n_routed_experts",
  "num_experts"
]
const quantisationKeys = [
  "quant_algo",
  "quant_method",
  "quantization_method",
  "activation_scheme",
  "weight_block_size",
  "kv_cache_quant_algo",
  "kv_cache_quant_method",
  "kv_cache_dtype",
  "kv_cache_scheme",
  "config_groups"
]

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null

const pick = (value: Json, keys: ReadonlyArray<string>): Json =>
  Object.fromEntries(
    keys.flatMap((key) => (value[key] === undefined || value[key] === null ? [] : [[key, value[key]]]))
  )

/** `ignore` names layers by the thousand in some checkpoints, and counts for one kind of them. */
const quantisationOf = (value: Json): Json =>
  pick(value, value["quant_method"] === "compressed-tensors" ? [...quantisationKeys, "ignore"] : quantisationKeys)

const decoder = (config: Json): Json => {
  const quantisation = config["quantization_config"]
  return {
    ...pick(config, decoderKeys),
    ...(isJson(quantisation) ? { quantization_config: quantisationOf(quantisation) } : {})
  }
}

const kept = (config: Json, hfQuant: Json | undefined): Json => {
  const text = config["text_config"]
  const quantisation = hfQuant?.["quantization"]
  return {
    ...decoder(config),
    ...(isJson(text) ? { text_config: decoder(text) } : {}),
    ...(isJson(quantisation)
      ? { hf_quant_config: { quantization: pick(quantisation, ["quant_algo", "kv_cache_quant_algo"]) } }
      : {})
  }
}

const suffix = "_config.json"

const sorted = <A>(values: Readonly<Record<string, A>>): Record<string, A> =>
  Object.fromEntries(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** `models.json`: models by id, other names of them, and models whose operations are not known. */
export const modelTable = Effect.fnUntraced(function* (folder: string, extra: Extra) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  // Python writes numbers that JSON does not have.
  const read = (name: string) =>
    Effect.map(fs.readFileString(path.join(folder, name)), (text): Json =>
      JSON.parse(text.replaceAll(/-?\bInfinity\b|\bNaN\b/g, "null"))
    )
  const names = (yield* fs.readDirectory(folder)).toSorted()
  const models: Record<string, unknown> = {}
  const unsupported: Record<string, string> = {}
  for (const name of names.filter((each) => each.endsWith(suffix) && !each.endsWith(`_hf_quant${suffix}`))) {
    const stem = name.slice(0, -suffix.length)
    const config = yield* read(name)
    const architecture = String(Object.values(config["architectures"] ?? [])[0])
    const id = stem.replace("--", "/")
    const quantName = `${stem}_hf_quant${suffix}`
    if (!supportedArchitectures.includes(architecture)) unsupported[id] = architecture
    else models[id] = kept(config, names.includes(quantName) ? yield* read(quantName) : undefined)
  }
  Object.assign(models, extra.models)
  for (const [alias, id] of Object.entries(extra.aliases)) {
    if (!(id in models) || alias in models) throw new Error(`extra_models.json: bad alias ${alias} -> ${id}`)
  }
  return { models: sorted(models), aliases: sorted(extra.aliases), unsupported }
})

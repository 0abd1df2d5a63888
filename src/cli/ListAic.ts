/** `dynosim aic list`: the slices at hand and what they can time; with a model, where it can be timed and how small. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { modelConfig } from "../timing/aic/KnownModels.ts"
import { modelShape } from "../timing/aic/ModelConfig.ts"
import { type SliceContent, sliceContent } from "../timing/aic/SliceContent.ts"
import { type Layout, smallestLayout } from "../timing/aic/SmallestLayout.ts"
import { spreadText } from "../timing/aic/Spreads.ts"
import { shortHash } from "../timing/aic/TableHeader.ts"
import { openSlice, type Slice, slices } from "../timing/aic/TableSlices.ts"
import { textTable } from "./TextTable.ts"
import { englishNumber } from "../settings/EnglishNumber.ts"

interface ListSettings {
  readonly model: Option.Option<string>
  readonly json: boolean
}

export const listAic = ({ json, model }: ListSettings) =>
  Option.isNone(model) ? listSlices(json) : listLayouts(model.value, json)

interface ListedSlice extends SliceContent {
  readonly slice: Slice
  readonly origin: string
  readonly sha256: string
}

const describe = Effect.fnUntraced(function* (slice: Slice) {
  const { header, tables } = yield* openSlice(slice)
  const listed: ListedSlice = {
    slice,
    origin: header.source.origin,
    sha256: header.sha256,
    ...sliceContent(slice.backend, tables.sectionNames)
  }
  return listed
})

const sliceJson = ({ expertFormats, families, origin, sha256, slice, weightFormats }: ListedSlice) => ({
  system: slice.system,
  backend: slice.backend,
  backend_version: slice.version,
  families,
  weight_formats: weightFormats,
  expert_formats: expertFormats,
  imported: slice.imported,
  origin,
  sha256
})

const sliceRow = ({ expertFormats, families, origin, sha256, slice, weightFormats }: ListedSlice) => [
  slice.system,
  slice.backend,
  slice.version,
  families.join(" "),
  weightFormats.join(" "),
  expertFormats.join(" "),
  shortHash(sha256),
  `${origin}${slice.imported ? ", imported" : ""}`
]

const listSlices = Effect.fnUntraced(function* (json: boolean) {
  const listed = yield* Effect.forEach(yield* slices, describe)
  if (json) return yield* Console.log(JSON.stringify(listed.map(sliceJson), undefined, 2))
  const heading = ["system", "backend", "version", "families", "weights", "experts", "tables", "origin"]
  yield* Console.log([...textTable([heading, ...listed.map(sliceRow)]), "", ...legend].join("\n"))
})

const legend = [
  "families: dense (Llama, Qwen2, Qwen3, MiMo), moe (Mixtral, Qwen-MoE, MiniMax-M2, gpt-oss), mla (DeepSeek-V3, Kimi-K2).",
  "More can be imported (dynosim aic import); --model shows where a model can be timed."
]

interface ListedLayout {
  readonly slice: Slice
  readonly layout: Result.Result<Layout, string>
}

const layoutOf = (model: string) =>
  Effect.fnUntraced(function* (slice: Slice) {
    const layout = yield* Effect.result(smallestLayout(slice, model))
    const listed: ListedLayout = { slice, layout: Result.mapError(layout, ({ problem }) => problem) }
    return listed
  })

const layoutJson = ({ layout, slice }: ListedLayout) => {
  const name = { system: slice.system, backend: slice.backend, backend_version: slice.version }
  if (Result.isFailure(layout)) return { ...name, gpus: null, problem: layout.failure }
  const { gpus, kvTokens, sizes } = layout.success
  return {
    ...name,
    gpus,
    aic_tp_size: sizes.tp,
    aic_attention_dp_size: sizes.attentionDp,
    aic_moe_tp_size: sizes.moeTp,
    aic_moe_ep_size: sizes.moeEp,
    kv_tokens: kvTokens
  }
}

const layoutRow = ({ layout, slice }: ListedLayout) => {
  const name = [slice.system, slice.backend, slice.version]
  if (Result.isFailure(layout)) return [...name, "-", layout.failure]
  const { gpus, kvTokens } = layout.success
  return [...name, String(gpus), `${spreadText(layout.success.sizes)}; ${englishNumber(kvTokens)} KV tokens`]
}

const listLayouts = Effect.fnUntraced(function* (model: string, json: boolean) {
  const { config, id } = yield* modelConfig(model)
  yield* modelShape(id, config)
  const listed = yield* Effect.forEach(yield* slices, layoutOf(model))
  if (json) return yield* Console.log(JSON.stringify(listed.map(layoutJson), undefined, 2))
  const heading = ["system", "backend", "version", "GPUs", "smallest layout, or why there is none"]
  yield* Console.log([`${id}:`, ...textTable([heading, ...listed.map(layoutRow)])].join("\n"))
})

/**
 * A bundle: one AIC configuration in a JSON file, for models, systems or backend versions that the package does not
 * ship. It carries the operations and just the table rows they look up, so it is small and evaluates like shipped data.
 *
 * `data/schema/aic-bundle.schema.json` is the JSON Schema of the format; `tools/aic/export_bundle.py` writes one from
 * aiconfigurator's tables.
 */
import { maxInt32 } from "../../structures/Int32.ts"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { AicError } from "../aic/AicError.ts"
import type { AicModelArgs } from "../aic/AicArgs.ts"
import type { AicSetup } from "../aic/AicSetup.ts"
import { Op } from "../aic/Op.ts"
import { normalisedQuant } from "../aic/QuantMode.ts"
import { maxLatencyMs, missingSection, type PerfTables, type RowTable, sectionColumns } from "../aic/PerfTables.ts"
import { SystemConstants } from "../aic/SystemConstants.ts"
import { parsedJson } from "../../settings/LooseJson.ts"
import { readTextFile } from "../../settings/TextFile.ts"

const Size = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
const Key = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxInt32 }))

const Section = Schema.Struct({
  columns: Schema.Record(Schema.String, Schema.Array(Key)).annotate({
    description: "Integer keys by column, one entry per row."
  }),
  latencyMs: Schema.Array(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: maxLatencyMs }))).annotate({ description: "Milliseconds, one entry per row." })
})
type Section = typeof Section.Type

const Source = Schema.Struct({
  system: Schema.String,
  backend: Schema.Literals(["vllm", "sglang", "trtllm"]),
  backendVersion: Schema.String,
  modelPath: Schema.String,
  tpSize: Size,
  moeTpSize: Size,
  moeEpSize: Size,
  attentionDpSize: Size,
  gemmDtype: Schema.String,
  moeDtype: Schema.String,
  fmhaDtype: Schema.String,
  kvCacheDtype: Schema.String,
  origin: Schema.String.annotate({ description: "Where the numbers come from, for the report." })
}).annotate({ description: "What the bundle was made for; it is used for runs whose aic_* arguments agree with it." })

/** A bundle's JSON: the operations of a pass of one deployment, their measured latencies, and the shape of its model. */
export const AicBundleFile = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  format: Schema.Literal("dynosim-aic-bundle"),
  version: Schema.Literal(1),
  source: Source,
  system: SystemConstants,
  shape: Schema.Struct({
    family: Schema.Literals(["dense", "moe"]).annotate({ description: "Which coefficients size the activations." }),
    layers: Size,
    heads: Size,
    kvHeads: Size,
    headDim: Size,
    latent: Schema.optionalKey(Schema.Struct({ kvDim: Size, hidden: Size, experts: Size, topk: Size })).annotate({
      description: "Of a model with latent attention: elements that a token occupies per layer, width, experts."
    })
  }).annotate({ description: "Dimensions of the whole model, for sizing the KV pool." }),
  contextOps: Schema.Array(Op).annotate({ description: "Operations of a prefill pass, in the order of addition." }),
  generationOps: Schema.Array(Op).annotate({ description: "Operations of a decode step, in the order of addition." }),
  tables: Schema.Record(Schema.String, Section).annotate({
    description: "Measured latencies by section: gemm/<quant> (n, k, m), context_attention/<fmha>/<kv> and " +
      "generation_attention/<kv> (kv_heads, head_dim, window, heads, tokens, batch), moe/<quant> (topk, experts, hidden, " +
      "inter, moe_tp, moe_ep, tokens), all_reduce, all_gather and reduce_scatter (gpus, elements)."
  })
})
export type AicBundleFile = typeof AicBundleFile.Type

/** A bundle that was read and checked: what a timing model is built from. */
export interface AicBundle {
  /** As the user named it. */
  readonly file: string
  readonly setup: AicSetup
  /** What the arguments say differently, such as `tp_size 2 instead of 4`; empty where the bundle fits. */
  readonly differences: (args: AicModelArgs) => ReadonlyArray<string>
}

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(AicBundleFile), { onExcessProperty: "error" })

/** Rows in ascending order of their keys, as the look-ups expect them; of rows with the same keys the last one counts. */
const rowTable = (section: Section): RowTable => {
  const names = Object.keys(section.columns)
  const keys = names.map((name) => section.columns[name]!)
  const compare = (a: number, b: number): number => {
    const column = keys.find((values) => values[a] !== values[b])
    return column === undefined ? 0 : column[a]! - column[b]!
  }
  const sorted = section.latencyMs.map((_, row) => row).toSorted((a, b) => compare(a, b) || a - b)
  const order = sorted.filter((row, i) => i + 1 === sorted.length || compare(row, sorted[i + 1]!) !== 0)
  return {
    rows: order.length,
    columns: Object.fromEntries(names.map((name, i) => [name, Int32Array.from(order, (row) => keys[i]![row]!)])),
    latencyMs: Float64Array.from(order, (row) => section.latencyMs[row]!)
  }
}

const sectionProblem = (name: string, section: Section): string | undefined => {
  const wanted = sectionColumns(name)
  if (wanted === undefined) return `tables: unknown section '${name}'`
  const bad = wanted.find((column) => section.columns[column]?.length !== section.latencyMs.length)
  return bad === undefined ? undefined : `tables.${name}: column '${bad}' is missing or not as long as latencyMs`
}

const inOrder = (name: string, section: Section): Section => {
  const wanted = sectionColumns(name) ?? []
  return { ...section, columns: Object.fromEntries(wanted.map((column) => [column, section.columns[column] ?? []])) }
}

const perfTables = (file: string, tables: AicBundleFile["tables"]): PerfTables => {
  const sectionNames = Object.keys(tables)
  return {
    label: file,
    sectionNames,
    excerpt: true,
    section: (name) => {
      const section = tables[name]
      return section === undefined
        ? Effect.fail(missingSection(file, sectionNames, name))
        : Effect.sync(() => rowTable(inOrder(name, section)))
    }
  }
}

/** Whose tokens the bundle's experts are priced for; `undefined` where there is but one rank. */
const expertTokensOf = ({ contextOps, source }: AicBundleFile): string | undefined => {
  if (source.attentionDpSize === 1) return undefined
  return contextOps.some((op) => op.op === "moe" && (op.ranks ?? 1) > 1) ? "all_ranks" : "one_rank"
}

const differences = (content: AicBundleFile) => (args: AicModelArgs): ReadonlyArray<string> => {
  const { source } = content
  const pairs: ReadonlyArray<readonly [string, string | number | undefined, string | number | undefined]> = [
    ["aic_system", args.system, source.system],
    ["aic_backend", args.backend, source.backend],
    ["aic_backend_version", args.backendVersion, source.backendVersion],
    ["aic_model_path", args.modelPath, source.modelPath],
    ["aic_tp_size", args.tpSize, source.tpSize],
    ["aic_moe_tp_size", args.moeTpSize, source.moeTpSize],
    ["aic_moe_ep_size", args.moeEpSize, source.moeEpSize],
    ["aic_attention_dp_size", args.attentionDpSize, source.attentionDpSize],
    ["aic_gemm_dtype", normalisedQuant(args.gemmDtype), source.gemmDtype],
    ["aic_moe_dtype", normalisedQuant(args.moeDtype), source.moeDtype],
    ["aic_fmha_dtype", normalisedQuant(args.fmhaDtype), source.fmhaDtype],
    ["aic_kv_cache_dtype", normalisedQuant(args.kvCacheDtype), source.kvCacheDtype],
    ["aic_moe_tokens", args.moeTokens, expertTokensOf(content) ?? args.moeTokens]
  ]
  return pairs.flatMap(([name, given, own]) =>
    given === undefined || given === own ? [] : [`${name} is ${given}, the bundle's is ${own}`]
  )
}

const setupOf = (file: string, content: AicBundleFile): AicSetup => {
  const { source } = content
  return {
    source: `AIC bundle ${file} (${source.origin}; ${source.system} ${source.backend} ${source.backendVersion}, ` +
      `${source.modelPath})`,
    backend: source.backend,
    system: content.system,
    sizes: { tp: source.tpSize, moeTp: source.moeTpSize, moeEp: source.moeEpSize, attentionDp: source.attentionDpSize },
    shape: { ...content.shape, activations: content.shape.family, latent: content.shape.latent },
    kvCacheQuant: source.kvCacheDtype,
    lists: { context: content.contextOps, generation: content.generationOps },
    tableFile: undefined,
    countsDrafts: false,
    wayOut: undefined,
    notes: [],
    tables: Effect.succeed(perfTables(file, content.tables))
  }
}

/** A bundle from the text of its file. */
export const parseAicBundle = Effect.fnUntraced(function*(
  file: string,
  text: string
): Effect.fn.Return<AicBundle, AicError> {
  const content = yield* Effect.mapError(decode(text), (cause) =>
    new AicError({ where: file, problem: parsedJson(text) === undefined ? "is not JSON" : cause.message, advice: "see data/schema/aic-bundle.schema.json" }))
  for (const [name, section] of Object.entries(content.tables)) {
    const problem = sectionProblem(name, section)
    if (problem !== undefined) return yield* new AicError({ where: file, problem })
  }
  return { file, setup: setupOf(file, content), differences: differences(content) }
})

/** Reads a bundle file. */
export const loadAicBundle = Effect.fnUntraced(function*(
  file: string
): Effect.fn.Return<AicBundle, AicError, FileSystem.FileSystem> {
  const text = yield* readTextFile(file, (reason) =>
    new AicError({ where: file, problem: `cannot be read: ${reason}` }))
  return yield* parseAicBundle(file, text)
})

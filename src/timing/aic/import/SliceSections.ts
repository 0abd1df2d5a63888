/**
 * From the published tables of one slice (a system, a backend and its version) to the sections that look-ups read.
 *
 * The rules are those by which the reference reads the tables (ai-dynamo 1.3.1): the first row of a repeated key counts,
 * in the two tables of whole MLA modules the last; eager all-reduce kernels are passed over; `kv_heads` is 0 where every
 * head has its own KV head; of the expert-load distributions only those that are looked up are kept.
 */
import * as Effect from "effect/Effect"
import type { AicError } from "../AicError.ts"
import { sectionColumns } from "../PerfTables.ts"
import { integers, latencies, optionalIntegers, optionalTexts, type ParquetColumns, texts } from "./ParquetColumns.ts"
import { type Repeated, type Section, type SectionRows, Sections } from "./SectionRows.ts"

/** The tables of a slice by file name without its ending; `undefined` for one that the slice does not have. */
export type ReadTable = (name: string) => Effect.Effect<ParquetColumns | undefined, AicError>

export interface SliceTables {
  readonly system: string
  /** A table of the backend's own kernels. */
  readonly own: ReadTable
  /** Latencies of the collective library; `undefined` where there are none for this system. */
  readonly collectives: Effect.Effect<ParquetColumns | undefined, AicError>
}

type Columns = ReadonlyArray<Int32Array>

interface Rows {
  /** Name of a row's section; `undefined` passes the row over. */
  readonly section: (row: number) => string | undefined
  /** Key columns in the order of the section's. */
  readonly keys: Columns
  readonly repeated?: Repeated
}

const addRows = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns, rows: Rows) {
  const ms = yield* latencies(table, "latency")
  let last: { readonly name: string; readonly rows: SectionRows } | undefined
  for (let row = 0; row < table.rows; row++) {
    const name = rows.section(row)
    if (name === undefined) continue
    // Tables list a section's rows one after another.
    if (last?.name !== name) last = { name, rows: sections.of(name, sectionColumns(name) ?? [], rows.repeated) }
    last.rows.add(rows.keys, row, ms[row]!)
  }
})

const columnsOf = (table: ParquetColumns, ...names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) => integers(table, name))

/** Lengths during generation: the prompt and what was generated. */
const lengthOf = Effect.fnUntraced(function* (table: ParquetColumns) {
  const step = yield* integers(table, "step")
  return (yield* integers(table, "isl")).map((isl, row) => isl + step[row]!)
})

/** Products without a mode of their own, and those that the reference reckons from others less the cost of scaling. */
const skippedGemmQuants: ReadonlySet<string> = new Set(["awq", "gptq", "fp8_static"])

const addGemm = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const quants = yield* texts(table, "gemm_dtype")
  yield* addRows(sections, table, {
    section: (row) => (skippedGemmQuants.has(quants[row]!) ? undefined : `gemm/${quants[row]}`),
    keys: yield* columnsOf(table, "n", "k", "m")
  })
})

const attentionKeys = Effect.fnUntraced(function* (table: ParquetColumns, lengths: Int32Array) {
  const [heads, kvHeads, headDim, batch] = [
    yield* integers(table, "num_heads"),
    yield* integers(table, "num_key_value_heads"),
    yield* integers(table, "head_dim"),
    yield* integers(table, "batch_size")
  ]
  const shared = kvHeads.map((count, row) => (count === heads[row] ? 0 : count))
  return [shared, headDim, yield* optionalIntegers(table, "window_size"), heads, lengths, batch]
})

const addContextAttention = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const [fmha, kv] = [yield* texts(table, "attn_dtype"), yield* texts(table, "kv_cache_dtype")]
  yield* addRows(sections, table, {
    section: (row) => `context_attention/${fmha[row]}/${kv[row]}`,
    keys: yield* attentionKeys(table, yield* integers(table, "isl"))
  })
})

const addGenerationAttention = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const kv = yield* texts(table, "kv_cache_dtype")
  yield* addRows(sections, table, {
    section: (row) => `generation_attention/${kv[row]}`,
    keys: yield* attentionKeys(table, yield* lengthOf(table))
  })
})

/** Measured for one backend's low-latency mode alone; not part of the curve. */
const skippedExpertKernel = "moe_torch_flow_min_latency"
const evenLoad = "uniform"
/** The width of the models whose expert load is the milder one: DeepSeek-V3 and its descendants. */
const mildLoadHidden = 7168

/** Rows of one load distribution, of the even one for formats that were not measured under it. */
const addExpertLoad = Effect.fnUntraced(function* (
  sections: Sections,
  table: ParquetColumns,
  load: { readonly family: string; readonly distribution: string; readonly hidden?: number }
) {
  const [quants, distributions] = [yield* texts(table, "moe_dtype"), yield* texts(table, "distribution")]
  const kernels = optionalTexts(table, "kernel_source")
  const counted = (row: number) => kernels[row] !== skippedExpertKernel
  const measured = new Set(quants.filter((_, row) => counted(row) && distributions[row] === load.distribution))
  const hidden = yield* integers(table, "hidden_size")
  yield* addRows(sections, table, {
    section: (row) => {
      const quant = quants[row]!
      const wanted = measured.has(quant) ? load.distribution : evenLoad
      if (!counted(row) || distributions[row] !== wanted) return undefined
      return load.hidden === undefined || hidden[row] === load.hidden ? `${load.family}/${quant}` : undefined
    },
    keys: yield* columnsOf(
      table,
      "topk",
      "num_experts",
      "hidden_size",
      "inter_size",
      "moe_tp_size",
      "moe_ep_size",
      "num_tokens"
    )
  })
})

const addExperts = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  yield* addExpertLoad(sections, table, { family: "moe", distribution: "power_law_1.2" })
  yield* addExpertLoad(sections, table, {
    family: "moe_power_law_1.01",
    distribution: "power_law_1.01",
    hidden: mildLoadHidden
  })
})

const addContextModule = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const fmha = yield* texts(table, "mla_dtype")
  const [kv, gemm] = [yield* texts(table, "kv_cache_dtype"), yield* texts(table, "gemm_type")]
  yield* addRows(sections, table, {
    section: (row) => `mla_context_module/${fmha[row]}/${kv[row]}/${gemm[row]}`,
    keys: yield* columnsOf(table, "num_heads", "isl", "batch_size"),
    repeated: "last"
  })
})

const addGenerationModule = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const fmha = yield* texts(table, "mla_dtype")
  const [kv, gemm] = [yield* texts(table, "kv_cache_dtype"), yield* texts(table, "gemm_type")]
  yield* addRows(sections, table, {
    section: (row) => `mla_generation_module/${fmha[row]}/${kv[row]}/${gemm[row]}`,
    keys: [...(yield* columnsOf(table, "num_heads", "batch_size")), yield* lengthOf(table)],
    repeated: "last"
  })
})

const addContextMla = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const [fmha, kv] = [yield* texts(table, "mla_dtype"), yield* texts(table, "kv_cache_dtype")]
  yield* addRows(sections, table, {
    section: (row) => `context_mla/${fmha[row]}/${kv[row]}`,
    keys: yield* columnsOf(table, "num_heads", "isl", "batch_size")
  })
})

const addGenerationMla = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const kv = yield* texts(table, "kv_cache_dtype")
  yield* addRows(sections, table, {
    section: (row) => `generation_mla/${kv[row]}`,
    keys: [...(yield* columnsOf(table, "num_heads", "batch_size")), yield* lengthOf(table)]
  })
})

const mlaProducts: ReadonlyMap<string, string> = new Map([
  ["mla_gen_pre", "pre"],
  ["mla_gen_post", "post"]
])

const addMlaProducts = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const [quants, ops] = [yield* texts(table, "bmm_dtype"), yield* texts(table, "op_name")]
  yield* addRows(sections, table, {
    section: (row) => {
      const stage = mlaProducts.get(ops[row]!)
      return stage === undefined ? undefined : `mla_bmm/${quants[row]}/${stage}`
    },
    keys: yield* columnsOf(table, "num_heads", "num_tokens")
  })
})

/** The one system whose eager all-reduce rows are the ones to use. */
const eagerAllReduceSystem = "b60"

const addAllReduce = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns, system: string) {
  const sources = [optionalTexts(table, "kernel_source"), optionalTexts(table, "backend")]
  const eager = (row: number) => sources.some((source) => source[row]!.endsWith("_eager"))
  yield* addRows(sections, table, {
    section: (row) => (system !== eagerAllReduceSystem && eager(row) ? undefined : "all_reduce"),
    keys: yield* columnsOf(table, "num_gpus", "message_size")
  })
})

const collectiveNames: ReadonlySet<string> = new Set(["all_gather", "reduce_scatter"])

const addCollectives = Effect.fnUntraced(function* (sections: Sections, table: ParquetColumns) {
  const [types, names] = [yield* texts(table, "nccl_dtype"), yield* texts(table, "op_name")]
  yield* addRows(sections, table, {
    section: (row) => (types[row] === "half" && collectiveNames.has(names[row]!) ? names[row] : undefined),
    keys: yield* columnsOf(table, "num_gpus", "message_size")
  })
})

type AddTable = (sections: Sections, table: ParquetColumns, system: string) => Effect.Effect<void, AicError>

const ownTables: ReadonlyArray<readonly [string, AddTable]> = [
  ["gemm_perf", addGemm],
  ["context_attention_perf", addContextAttention],
  ["generation_attention_perf", addGenerationAttention],
  ["moe_perf", addExperts],
  ["mla_context_module_perf", addContextModule],
  ["mla_generation_module_perf", addGenerationModule],
  ["context_mla_perf", addContextMla],
  ["generation_mla_perf", addGenerationMla],
  ["mla_bmm_perf", addMlaProducts],
  ["custom_allreduce_perf", addAllReduce]
]

/** Every section of one slice. */
export const sliceSections = Effect.fnUntraced(function* ({ collectives, own, system }: SliceTables) {
  const sections = new Sections()
  for (const [name, add] of ownTables) {
    const table = yield* own(name)
    if (table !== undefined) yield* add(sections, table, system)
  }
  const exchanged = yield* collectives
  if (exchanged !== undefined) yield* addCollectives(sections, exchanged)
  const finished: ReadonlyArray<Section> = sections.finished()
  return finished
})

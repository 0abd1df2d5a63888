/** A small made-up data set of the shape in which AIConfigurator publishes its own: YAML and Parquet files, a wheel of them. */
import { strToU8, zipSync } from "fflate"
import { type BasicType, parquetWriteBuffer } from "hyparquet-writer"
import { zstdCompressSync } from "node:zlib"

/** Files by name, relative to the folder `systems`. */
export type Files = Readonly<Record<string, Uint8Array>>

type Rows = ReadonlyArray<Readonly<Record<string, string | number>>>

const typeOf = (name: string, value: string | number | undefined): BasicType =>
  typeof value === "string" ? "STRING" : name === "latency" ? "DOUBLE" : name === "batch_size" ? "INT64" : "INT32"

/** Rows as a Parquet file; integers of either width, compressed like the published ones. */
export const parquet = (rows: Rows): Uint8Array => {
  const names = Object.keys(rows[0] ?? {})
  const columnData = names.map((name) => {
    const type = typeOf(name, rows[0]![name])
    const values = rows.map((row) => row[name]!)
    return { name, type, data: type === "INT64" ? values.map((value) => BigInt(value)) : values }
  })
  return new Uint8Array(
    parquetWriteBuffer({ columnData, codec: "ZSTD", compressors: { ZSTD: (bytes) => zstdCompressSync(bytes) } })
  )
}

const yaml = (memBandwidth: number): Uint8Array =>
  strToU8(`# made up
data_dir: data/toy # relative
gpu:
  mem_bw: ${memBandwidth} # B/s
  mem_bw_empirical_scaling_factor: 0.8
  mem_empirical_constant_latency: 0.000003
  mem_capacity: 85899345920
  bfloat16_tc_flops: 312000000000000
node:
  num_gpus_per_node: 4
  intra_node_bw: 300000000000
  inter_node_bw: 25000000000
misc:
  nccl_mem:
    1: 0
    2: 358612992
    4: 411041792
    8: 411041792
  other_mem: 3758096384
  nccl_version: '2.30.1'
`)

const each = <A, B>(values: ReadonlyArray<A>, rowsOf: (value: A) => ReadonlyArray<B>): ReadonlyArray<B> =>
  values.flatMap(rowsOf)

/** Four rows over two sizes and two batches. */
const shapes: Rows = each([1, 4096], (size) => [1, 64].map((batch) => ({ size, batch })))

const gemm = (scale: number): Rows =>
  each([64, 4096], (n) => each([64, 4096], (k) => [1, 8192].map((m) => ({ n, k, m })))).map(({ k, m, n }) => ({
    kernel_source: "toy",
    gemm_dtype: "bfloat16",
    m,
    n,
    k,
    latency: scale * (1e-3 + n * k * m * 1e-14)
  }))

const attention = (extra: "step" | "none"): Rows =>
  each([4, 8], (heads) =>
    shapes.map(({ batch, size }) => ({
      ...(extra === "step"
        ? { kv_cache_dtype: "bfloat16", step: 1 }
        : { attn_dtype: "bfloat16", kv_cache_dtype: "bfloat16" }),
      num_heads: heads,
      num_key_value_heads: heads,
      head_dim: 64,
      isl: Number(size),
      batch_size: Number(batch),
      latency: 1e-3 + heads * Number(size) * Number(batch) * 1e-8
    }))
  )

/** The same key three times: the first counts here, the last in the tables of whole modules. */
const repeatedModule: Rows = [5, 6, 7].map((latency) => ({
  mla_dtype: "bfloat16",
  kv_cache_dtype: "fp8",
  gemm_type: "fp8_block",
  num_heads: 16,
  isl: 128,
  batch_size: 2,
  latency
}))

const allReduce: Rows = [
  { backend: "toy_eager", num_gpus: 2, message_size: 128, latency: 99 },
  { backend: "toy", num_gpus: 2, message_size: 128, latency: 0.01 },
  { backend: "toy", num_gpus: 2, message_size: 1_048_576, latency: 0.1 }
]

const nccl: Rows = ["all_gather", "broadcast"].map((op_name) => ({
  nccl_dtype: "half",
  op_name,
  num_gpus: 2,
  message_size: 128,
  latency: 0.02
}))

const slice = (folder: string, scale = 1): Files => ({
  [`${folder}/gemm_perf.parquet`]: parquet([...gemm(scale), ...gemm(77), { ...gemm(1)[0]!, gemm_dtype: "awq" }]),
  [`${folder}/context_attention_perf.parquet`]: parquet(attention("none")),
  [`${folder}/generation_attention_perf.parquet`]: parquet(attention("step")),
  [`${folder}/custom_allreduce_perf.parquet`]: parquet(allReduce)
})

/** One system with several versions of a backend: two whole ones, one incomplete, one that only points to others. */
export const publishedFiles = (): Files => ({
  "toy.yaml": yaml(2e12),
  "data/toy/nccl/2.30.1/nccl_perf.parquet": parquet(nccl),
  ...slice("data/toy/vllm/0.9.0"),
  ...slice("data/toy/vllm/0.10.0", 2),
  "data/toy/vllm/0.10.0/context_mla_perf.parquet": parquet(repeatedModule.map(({ gemm_type: _, ...row }) => row)),
  "data/toy/vllm/0.10.0/mla_context_module_perf.parquet": parquet(repeatedModule),
  ...slice("data/toy/vllm/0.11.0"),
  "data/toy/vllm/0.11.0/INCOMPLETE.txt": strToU8("not yet"),
  "data/toy/vllm/0.12.0/SHARED_LAYER_REUSE.txt": strToU8("see others"),
  "data/toy/unknown_engine/1.0/gemm_perf.parquet": parquet(gemm(1))
})

const inWheel = (name: string): string => `aiconfigurator/systems/${name}`

/** The files as a wheel. */
export const wheel = (files: Files = publishedFiles()): Uint8Array =>
  zipSync({
    ...Object.fromEntries(Object.entries(files).map(([name, bytes]) => [inWheel(name), bytes])),
    "aiconfigurator/model_configs/x.json": strToU8("{}"),
    "aiconfigurator-9.9.1.dist-info/METADATA": strToU8(
      "Metadata-Version: 2.4\nName: aiconfigurator\nVersion: 9.9.1\n\nText\n"
    )
  })

/** A model small enough for the made-up tables. */
export const toyModel = {
  architectures: ["LlamaForCausalLM"],
  num_hidden_layers: 2,
  hidden_size: 256,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  head_dim: 64,
  intermediate_size: 512,
  vocab_size: 1024
}

/** The hardware constants of a system, from its YAML file in the published data. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AicError } from "../AicError.ts"
import type { SystemConstants } from "../SystemConstants.ts"

const Amount = Schema.Finite.check(Schema.isGreaterThan(0))
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(schema)

const SystemFile = Schema.Struct({
  gpu: Schema.Struct({
    mem_bw: Amount,
    mem_bw_empirical_scaling_factor: Amount,
    mem_empirical_constant_latency: Schema.Finite,
    mem_capacity: Amount,
    bfloat16_tc_flops: Amount,
    fp8_tc_flops: optional(Amount),
    fp4_tc_flops: optional(Amount)
  }),
  node: Schema.Struct({
    num_gpus_per_node: Amount,
    num_gpus_per_rack: optional(Amount),
    intra_node_bw: Amount,
    inter_node_bw: Amount,
    inter_rack_bw: optional(Amount)
  }),
  misc: Schema.Struct({
    nccl_mem: Schema.Record(Schema.String, Schema.Finite),
    other_mem: Schema.Finite,
    nccl_version: optional(Schema.Union([Schema.String, Schema.Number])),
    oneccl_version: optional(Schema.Union([Schema.String, Schema.Number]))
  })
})
type SystemFile = typeof SystemFile.Type

const decode = Schema.decodeUnknownSync(SystemFile)

/** Where the latencies of collectives may lie: library and version, the one to prefer first. */
export type CollectiveLibrary = readonly [library: "nccl" | "oneccl", version: string]

export interface SystemDescription {
  readonly constants: SystemConstants
  readonly collectives: ReadonlyArray<CollectiveLibrary>
}

const constantsOf = ({ gpu, misc, node }: SystemFile): SystemConstants => ({
  memBandwidthBytesPerS: gpu.mem_bw,
  memBandwidthScaling: gpu.mem_bw_empirical_scaling_factor,
  memConstantLatencyS: gpu.mem_empirical_constant_latency,
  memCapacityBytes: gpu.mem_capacity,
  bfloat16Flops: gpu.bfloat16_tc_flops,
  ...(gpu.fp8_tc_flops === undefined ? {} : { fp8Flops: gpu.fp8_tc_flops }),
  ...(gpu.fp4_tc_flops === undefined ? {} : { fp4Flops: gpu.fp4_tc_flops }),
  gpusPerNode: node.num_gpus_per_node,
  ...(node.num_gpus_per_rack === undefined ? {} : { gpusPerRack: node.num_gpus_per_rack }),
  intraNodeBytesPerS: node.intra_node_bw,
  interNodeBytesPerS: node.inter_node_bw,
  ...(node.inter_rack_bw === undefined ? {} : { interRackBytesPerS: node.inter_rack_bw }),
  ncclMemBytes: misc.nccl_mem,
  otherMemBytes: misc.other_mem
})

const collectivesOf = ({ misc }: SystemFile): ReadonlyArray<CollectiveLibrary> => [
  ...(misc.nccl_version === undefined ? [] : [["nccl", String(misc.nccl_version)] as const]),
  ...(misc.oneccl_version === undefined ? [] : [["oneccl", String(misc.oneccl_version)] as const])
]

/** Reads a system's YAML file; `label` names it in errors. */
export const readSystem = (label: string, text: string): Effect.Effect<SystemDescription, AicError> =>
  Effect.tryPromise({
    try: async () => {
      const { parse } = await import("yaml")
      const file = decode(parse(text))
      return { constants: constantsOf(file), collectives: collectivesOf(file) }
    },
    catch: (cause) => new AicError({ where: label, problem: cause instanceof Error ? cause.message : String(cause) })
  })

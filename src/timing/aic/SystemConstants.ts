/** Hardware constants of a GPU system: what formulas need where no measurement exists, and what sizing subtracts. */
import * as Schema from "effect/Schema"
import { weightFormat } from "./QuantMode.ts"

/** Bytes, FLOP/s, counts: wide enough for any machine, and no quotient of two of them leaves the range of numbers. */
const Amount = Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 1e24 }))
const Bytes = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e24 }))

export const SystemConstants = Schema.Struct({
  memBandwidthBytesPerS: Amount,
  /** Share of the nominal bandwidth that kernels reach. */
  memBandwidthScaling: Schema.Finite.check(Schema.isBetween({ minimum: 1e-6, maximum: 1e6 })),
  /** Fixed cost of a memory-bound kernel, in seconds. */
  memConstantLatencyS: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1e6 })),
  memCapacityBytes: Amount,
  bfloat16Flops: Amount,
  fp8Flops: Schema.optionalKey(Amount),
  fp4Flops: Schema.optionalKey(Amount),
  gpusPerNode: Amount,
  /** Absent where everything beyond a node counts as one rack. */
  gpusPerRack: Schema.optionalKey(Amount),
  intraNodeBytesPerS: Amount,
  interNodeBytesPerS: Amount,
  interRackBytesPerS: Schema.optionalKey(Amount),
  /** Memory that the collective library holds, by number of GPUs. */
  ncclMemBytes: Schema.Record(Schema.String, Bytes),
  otherMemBytes: Bytes
})
export type SystemConstants = typeof SystemConstants.Type

/** Milliseconds of a memory-bound kernel that moves `bytes`. */
export const memoryMs = (system: SystemConstants, bytes: number): number =>
  (bytes / (system.memBandwidthBytesPerS * system.memBandwidthScaling) + system.memConstantLatencyS) * 1000

/** Peak FLOP/s of tensor cores for a GEMM format. */
export const peakFlops = (system: SystemConstants, quant: string): number => {
  const { computeFactor } = weightFormat(quant)
  const known = computeFactor === 2 ? system.fp8Flops : computeFactor === 4 ? system.fp4Flops : undefined
  return known ?? system.bfloat16Flops * computeFactor
}

/** Bandwidth per GPU of a collective among `gpus` GPUs, bytes/s. */
export const collectiveBytesPerS = (system: SystemConstants, gpus: number): number => {
  if (gpus <= system.gpusPerNode) return system.intraNodeBytesPerS
  if (gpus <= (system.gpusPerRack ?? Infinity)) return system.interNodeBytesPerS
  return system.interRackBytesPerS ?? system.interNodeBytesPerS
}

/** Arbitrary small runs that put an engine under pressure: tiny pools and budgets, shared prefixes, simultaneous arrivals. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type { EngineArgs } from "../../src/engine/EngineArgs.ts"
import type { OffloadPolicy } from "../../src/engine/tiers/TierArgs.ts"
import { Pcg32 } from "../../src/structures/Pcg32.ts"
import type { TraceRow } from "../../src/trace/TraceRow.ts"
import { engineArgs } from "../support/EngineArgsBuilder.ts"
import { row } from "../support/RequestBuilder.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Args = Schema.Struct({
  engineType: Schema.Literals(["vllm", "vllm", "trtllm"]),
  blockTokens: Schema.Literals([2, 4, 8, 16, 64]),
  numGpuBlocks: between(4, 60),
  maxNumBatchedTokens: Schema.Literals([3, 8, 16, 64, "unlimited"]),
  maxNumSeqs: Schema.Literals([1, 2, 5, "unlimited"]),
  enablePrefixCaching: Schema.Boolean,
  enableChunkedPrefill: Schema.Literals([true, true, true, false]),
  preemptionMode: Schema.Literals(["lifo", "fifo"]),
  speedupRatio: Schema.Literals([0, 1, 4, 1e9]),
  decodeSpeedupRatio: Schema.Literals([1, 2]),
  acceptRates: Schema.UndefinedOr(
    Schema.Array(Schema.Literals([0, 0.3, 0.85, 1])).check(Schema.isMinLength(1), Schema.isMaxLength(4))
  )
})

const Row = Schema.Struct({
  gapMs: Schema.Literals([0, 0, 1, 5, 50, 500]),
  hashIds: Schema.Array(between(0, 2)).check(Schema.isMinLength(1), Schema.isMaxLength(5)),
  /** Cut off the last hash id, in tokens. */
  missing: between(0, 15),
  outputTokens: between(1, 40)
})

const Spec = Schema.Struct({
  args: Args,
  traceBlockTokens: Schema.Literals([4, 6, 16]),
  rows: Schema.Array(Row).check(Schema.isMaxLength(40)),
  workers: Schema.Literals([1, 1, 2, 5]),
  concurrency: Schema.UndefinedOr(Schema.Literals([1, 3])),
  chunkRows: Schema.Literals([1, 3, 100]),
  /** For runs that are cut off. */
  limitMs: Schema.Literals([0, 20, 45, 60, 120, 333])
})

export interface RandomRun {
  readonly args: EngineArgs
  readonly traceBlockTokens: number
  readonly rows: ReadonlyArray<TraceRow>
  readonly workers: number
  readonly concurrency: number | undefined
  readonly chunkRows: number
  readonly limitMs: number
}

const rowsOf = ({ rows, traceBlockTokens }: typeof Spec.Type): ReadonlyArray<TraceRow> => {
  let timestampMs = 0
  return rows.map(({ gapMs, hashIds, missing, outputTokens }, index) => {
    timestampMs += gapMs
    const promptTokens = hashIds.length * traceBlockTokens - (missing % traceBlockTokens)
    return row({ timestampMs, promptTokens, outputTokens, hashIds }, index + 1)
  })
}

const limit = (value: number | "unlimited"): number => (value === "unlimited" ? Number.POSITIVE_INFINITY : value)

const argsOf = ({ acceptRates, maxNumBatchedTokens, maxNumSeqs, ...args }: typeof Args.Type): EngineArgs =>
  engineArgs({
    ...args,
    maxNumBatchedTokens: limit(maxNumBatchedTokens),
    maxNumSeqs: limit(maxNumSeqs),
    mtp: acceptRates === undefined ? undefined : { acceptRates, seed: 42n }
  })

export const randomRun: Arbitrary.Arbitrary<RandomRun> = Arbitrary.schema(Spec).pipe(
  Arbitrary.map((spec) => ({ ...spec, args: argsOf(spec.args), rows: rowsOf(spec) }))
)

/** The run's engine with tiers, drawn from the run itself. */
export const tiered = ({ args, rows }: RandomRun, policy: OffloadPolicy): EngineArgs => {
  const random = new Pcg32(rows.length, args.numGpuBlocks)
  const pick = <A>(values: ReadonlyArray<A>): A => values[random.below(values.length)]!
  const bandwidth = (): number => pick([0, 1e-6, 0.001, 0.1, 14])
  return {
    ...args,
    engineType: args.engineType === "sglang" ? "vllm" : args.engineType,
    kvBytesPerToken: 131_072,
    numG2Blocks: pick([1, 2, 5, 20, 200]),
    numG3Blocks: pick([0, 0, 1, 4, 100]),
    enableG4Storage: policy === "on_evict" && random.below(3) === 0,
    offloadPolicy: policy,
    offloadLatencyUs: pick([0, 0, 250, 1e5]),
    g3Scope: pick(["shared", "worker"]),
    onboard: pick(["always", "always", "faster"]),
    offloadBatchSize: pick([1, 2, 4, 32]),
    deviceToHostGbS: bandwidth(),
    hostToDeviceGbS: bandwidth(),
    hostToDiskGbS: bandwidth(),
    diskToHostGbS: bandwidth(),
    hostToObjectGbS: bandwidth(),
    objectToHostGbS: bandwidth()
  }
}

/** The run's engine in SGLang's style, with pages and a pool large enough for requests to decode for a while. */
export const sglangArgs = ({ args }: RandomRun): EngineArgs => ({
  ...args,
  engineType: "sglang",
  numGpuBlocks: args.numGpuBlocks * 4,
  enablePrefixCaching: true,
  enableChunkedPrefill: true,
  preemptionMode: "lifo"
})

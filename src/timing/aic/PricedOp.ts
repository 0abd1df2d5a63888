/**
 * Operations bound to their tables: plain objects that turn the shape of a pass into milliseconds.
 */
import * as Effect from "effect/Effect"
import { AicError } from "./AicError.ts"
import { attentionGrid } from "./AttentionTable.ts"
import { type Collective, collective } from "./Collectives.ts"
import type { Curve } from "./Curve.ts"
import { gemmCurve } from "./GemmTable.ts"
import type { Grid, GridRow } from "./HeadGrid.ts"
import type { MeasuredRange } from "./MeasuredRange.ts"
import { absorbCurve, latentGrid } from "./MlaTable.ts"
import { type MoeCurve, moeCurve } from "./MoeTable.ts"
import type {
  AllReduceOp,
  ContextAttentionOp,
  FallbackOp,
  GenerationAttentionOp,
  MoeDispatchOp,
  MoeOp,
  Op,
  OverlapOp,
  SingleOp
} from "./Op.ts"
import type { PerfTables } from "./PerfTables.ts"
import { attentionBytes } from "./QuantMode.ts"
import { memoryMs, type SystemConstants } from "./SystemConstants.ts"

/** Price of one operation in a pass, ms >= 0, all its repetitions included. */
export interface PricedOp {
  /** Whether the price depends on the sequence lengths; the others depend on batch and tokens alone. */
  readonly readsSequence: boolean
  /**
   * `batch` requests with `tokens` new tokens together, each `sequenceTokens` long of which `prefixTokens` were there
   * before the pass.
   */
  ms(batch: number, tokens: number, sequenceTokens: number, prefixTokens: number): number
  /** How prices of decode steps go on behind the last one; absent where each step must be asked for. */
  readonly row?: StepRow | undefined
}

/** Decode steps of a batch behind the last one that was asked for, each request a token longer in each. */
export interface StepRow {
  /** How many of them, behind the one at `sequenceTokens`, have their price from the same measurements. */
  stepsFrom(sequenceTokens: number): number
  /** Adds to `intoMs`, at the places `from` to before `to`, the prices at as many tokens more than `sequenceTokens`. */
  addTo(intoMs: Float64Array, from: number, to: number, batch: number, sequenceTokens: number): void
}

/** Where a model's operations find their prices. */
export interface PriceSource {
  readonly tables: PerfTables
  readonly system: SystemConstants
  readonly range: MeasuredRange
}

/** Memory-bound work in proportion to the tokens. */
class MemoryBound implements PricedOp {
  readonly readsSequence = false
  private readonly count: number
  private readonly bytesPerToken: number
  private readonly system: SystemConstants

  constructor(count: number, bytesPerToken: number, system: SystemConstants) {
    this.count = count
    this.bytesPerToken = bytesPerToken
    this.system = system
  }

  ms(_batch: number, tokens: number): number {
    return Math.max(0, memoryMs(this.system, tokens * this.bytesPerToken)) * this.count
  }
}

/** A curve over the tokens of the pass, of `ranks` such passes together, or over its requests. */
class OverTokens implements PricedOp {
  readonly readsSequence = false
  private readonly count: number
  private readonly curve: Curve | MoeCurve
  private readonly ranks: number
  private readonly perRequest: boolean

  constructor(count: number, curve: Curve | MoeCurve, { perRequest = false, ranks = 1 } = {}) {
    this.count = count
    this.curve = curve
    this.ranks = ranks
    this.perRequest = perRequest
  }

  ms(batch: number, tokens: number): number {
    return Math.max(0, this.curve.at(this.perRequest ? batch : tokens * this.ranks)) * this.count
  }
}

interface Message {
  readonly collective: Collective
  readonly elementsPerToken: number
}

/** Collectives one after the other. */
class Exchange implements PricedOp {
  readonly readsSequence = false
  private readonly count: number
  private readonly messages: ReadonlyArray<Message>

  constructor(count: number, messages: ReadonlyArray<Message>) {
    this.count = count
    this.messages = messages
  }

  ms(_batch: number, tokens: number): number {
    let total = 0
    for (let i = 0; i < this.messages.length; i++) {
      const { collective, elementsPerToken } = this.messages[i]!
      total += collective.at(tokens * elementsPerToken)
    }
    return Math.max(0, total) * this.count
  }
}

/** Prefill attention: the measured kernel without the part that the prefix saves, and fixed extras per layer. */
class ContextAttention implements PricedOp {
  readonly readsSequence = true
  private readonly count: number
  private readonly grid: Grid
  private readonly extrasMs: number

  constructor(count: number, grid: Grid, extrasMs: number) {
    this.count = count
    this.grid = grid
    this.extrasMs = extrasMs
  }

  ms(batch: number, _tokens: number, sequenceTokens: number, prefixTokens: number): number {
    const whole = sequenceTokens * sequenceTokens
    const share = (whole - prefixTokens * prefixTokens) / whole
    return Math.max(0, this.grid.at(sequenceTokens, batch) * share + this.extrasMs) * this.count
  }
}

/** Decode attention over (tokens, batch). */
class GenerationAttention implements PricedOp {
  readonly readsSequence = true
  readonly row: StepRow | undefined
  private readonly count: number
  private readonly grid: Grid

  constructor(count: number, grid: Grid) {
    this.count = count
    this.grid = grid
    const { onward } = grid
    this.row =
      onward === undefined
        ? undefined
        : {
            stepsFrom: (sequenceTokens) => onward.stepsFrom(sequenceTokens),
            addTo: (intoMs, from, to, batch, sequenceTokens) =>
              onward.addTo(intoMs, from, to, sequenceTokens, batch, count)
          }
  }

  ms(batch: number, _tokens: number, sequenceTokens: number): number {
    return Math.max(0, this.grid.at(sequenceTokens, batch)) * this.count
  }
}

/** Latent attention of a decode step, over (batch, tokens). */
class LatentGeneration implements PricedOp {
  readonly readsSequence = true
  private readonly count: number
  private readonly grid: Grid

  constructor(count: number, grid: Grid) {
    this.count = count
    this.grid = grid
  }

  ms(batch: number, _tokens: number, sequenceTokens: number): number {
    return Math.max(0, this.grid.at(batch, sequenceTokens)) * this.count
  }
}

/** Operations one after the other. */
class Sequence implements PricedOp {
  readonly readsSequence: boolean
  private readonly ops: ReadonlyArray<PricedOp>

  constructor(ops: ReadonlyArray<PricedOp>) {
    this.ops = ops
    this.readsSequence = ops.some((op) => op.readsSequence)
  }

  ms(batch: number, tokens: number, sequenceTokens: number, prefixTokens: number): number {
    let total = 0
    for (let i = 0; i < this.ops.length; i++) total += this.ops[i]!.ms(batch, tokens, sequenceTokens, prefixTokens)
    return Math.max(0, total)
  }
}

/** Two operations at the same time. */
class Overlap implements PricedOp {
  readonly readsSequence: boolean
  private readonly first: PricedOp
  private readonly second: PricedOp

  constructor(first: PricedOp, second: PricedOp) {
    this.first = first
    this.second = second
    this.readsSequence = first.readsSequence || second.readsSequence
  }

  ms(batch: number, tokens: number, sequenceTokens: number, prefixTokens: number): number {
    return Math.max(
      this.first.ms(batch, tokens, sequenceTokens, prefixTokens),
      this.second.ms(batch, tokens, sequenceTokens, prefixTokens)
    )
  }
}

/** Rotary embedding, KV write and query/key norm; the reference charges them once per layer, whatever the tokens. */
const contextExtrasMs = (system: SystemConstants, op: ContextAttentionOp): number => {
  const query = op.heads * op.headDim
  const key = op.kvHeads * op.headDim
  const rope = 2 * memoryMs(system, 2 * query + 2 * key)
  const kvWrite = 2 * memoryMs(system, key * attentionBytes(op.fmha))
  const qkNorm = op.qkNorm ? 2 * (2 * memoryMs(system, 2 * query) + 2 * memoryMs(system, 2 * key)) : 0
  return 1.1 * (qkNorm + rope + kvWrite)
}

/** Lower bound of decode attention, ms: arithmetic at peak, or reading the KV cache once. */
const generationFloorMs =
  (system: SystemConstants, op: GenerationAttentionOp) =>
  (row: GridRow): number => {
    const past = row.outer - 1
    const attended = op.window > 0 ? Math.min(past, op.window) : past
    const kvHeads = op.heads === op.kvHeads ? row.heads : op.kvHeads
    const speedUp = op.kvCache === "fp8" ? 2 : 1
    return Math.max(
      (((4 * row.inner * row.heads * op.headDim * attended) / system.bfloat16Flops) * 1000) / speedUp,
      ((row.inner * (4 * row.heads * op.headDim + 2 * kvHeads * attended * op.headDim * attentionBytes(op.kvCache)))
        / system.memBandwidthBytesPerS)
        * 1000
    )
  }

const contextAttention = ({ range, system, tables }: PriceSource, op: ContextAttentionOp) =>
  Effect.map(
    attentionGrid(tables, range, {
      ...op,
      section: `context_attention/${op.fmha}/${op.kvCache}`
    }),
    (grid) => new ContextAttention(op.count, grid, contextExtrasMs(system, op))
  )

const generationAttention = ({ range, system, tables }: PriceSource, op: GenerationAttentionOp) =>
  Effect.map(
    attentionGrid(tables, range, {
      ...op,
      section: `generation_attention/${op.kvCache}`,
      floorMs: generationFloorMs(system, op),
      exactFirst: true,
      needsVariation: true
    }),
    (grid) => new GenerationAttention(op.count, grid)
  )

/** What moves tokens to their experts and back: a list of (collective, GPUs, copies of the batch). */
const dispatchPlan = Effect.fnUntraced(function* (op: MoeDispatchOp) {
  const gpus = op.moeTp * op.moeEp
  const attentionTp = Math.max(1, Math.floor(gpus / op.attentionDp))
  const pre = op.stage === "pre"
  const acrossDp = { kind: pre ? "all_gather" : "reduce_scatter", gpus, copies: op.attentionDp } as const
  const reduce = { kind: "all_reduce", gpus, copies: 1 } as const
  if (op.backend === "vllm") return [...(attentionTp > 1 ? [reduce] : []), ...(op.attentionDp > 1 ? [acrossDp] : [])]
  if (op.backend === "sglang") {
    if (op.attentionDp <= 1) return attentionTp > 1 ? [reduce] : []
    if (attentionTp <= 1) return [acrossDp]
    return pre
      ? [{ kind: "reduce_scatter", gpus: attentionTp, copies: 1 } as const, acrossDp]
      : [acrossDp, { kind: "all_gather", gpus: attentionTp, copies: 1 } as const]
  }
  return yield* new AicError({
    where: "aic_backend",
    problem: `expert dispatch of mixtures of experts on '${op.backend}' is not modelled`,
    advice: "use vllm or sglang"
  })
})

const moeDispatch = Effect.fnUntraced(function* ({ range, system, tables }: PriceSource, op: MoeDispatchOp) {
  const messages: Array<Message> = []
  for (const { copies, gpus, kind } of yield* dispatchPlan(op)) {
    messages.push({
      collective: yield* collective(tables, system, range, kind, gpus),
      elementsPerToken: op.hidden * copies
    })
  }
  return new Exchange(op.count, messages)
})

const allReduce = Effect.fnUntraced(function* ({ range, system, tables }: PriceSource, op: AllReduceOp) {
  if (op.gpus <= 1) return new Exchange(op.count, [])
  const reduce = yield* collective(tables, system, range, "all_reduce", op.gpus)
  return new Exchange(op.count, [{ collective: reduce, elementsPerToken: op.hidden }])
})

const experts = ({ range, system, tables }: PriceSource, op: MoeOp) =>
  Effect.map(moeCurve(tables, system, range, op), (curve) => new OverTokens(op.count, curve, { ranks: op.ranks ?? 1 }))

/** The latent kernel or module of a prefill: no extras, they are part of what was measured. */
const latentContext = ({ range, tables }: PriceSource, section: string, op: { count: number; heads: number }) =>
  Effect.map(
    latentGrid(tables, range, { section, heads: op.heads, phase: "prefill" }),
    (grid) => new ContextAttention(op.count, grid, 0)
  )

const latentGeneration = ({ range, tables }: PriceSource, section: string, op: { count: number; heads: number }) =>
  Effect.map(
    latentGrid(tables, range, { section, heads: op.heads, phase: "decode" }),
    (grid) => new LatentGeneration(op.count, grid)
  )

const priceSingle = (source: PriceSource, op: SingleOp): Effect.Effect<PricedOp, AicError> => {
  switch (op.op) {
    case "embedding":
      return Effect.succeed(new MemoryBound(op.count, 2 * op.hidden, source.system))
    case "elementwise":
      return Effect.succeed(new MemoryBound(op.count, op.bytesPerToken, source.system))
    case "gemm":
      return Effect.map(
        gemmCurve(source.tables, source.system, source.range, op),
        (curve) => new OverTokens(op.count, curve, { perRequest: op.rows === "requests" })
      )
    case "context_attention":
      return contextAttention(source, op)
    case "generation_attention":
      return generationAttention(source, op)
    case "mla_context_module":
      return latentContext(source, `${op.op}/${op.fmha}/${op.kvCache}/${op.gemm}`, op)
    case "mla_generation_module":
      return latentGeneration(source, `${op.op}/${op.fmha}/${op.kvCache}/${op.gemm}`, op)
    case "context_mla":
      return latentContext(source, `${op.op}/${op.fmha}/${op.kvCache}`, op)
    case "generation_mla":
      return latentGeneration(source, `${op.op}/${op.kvCache}`, op)
    case "mla_bmm":
      return Effect.map(
        absorbCurve(source.tables, source.range, op),
        (curve) => new OverTokens(op.count, curve, { perRequest: true })
      )
    case "moe_dispatch":
      return moeDispatch(source, op)
    case "moe":
      return experts(source, op)
    case "all_reduce":
      return allReduce(source, op)
  }
}

const priceSequence = (source: PriceSource, ops: ReadonlyArray<SingleOp>): Effect.Effect<PricedOp, AicError> =>
  Effect.map(
    Effect.forEach(ops, (op) => priceSingle(source, op)),
    (priced) => new Sequence(priced)
  )

/** The alternative where the first choice was not measured; if neither was, both reasons. */
const priceFallback = (source: PriceSource, op: FallbackOp): Effect.Effect<PricedOp, AicError> =>
  Effect.catch(priceSingle(source, op.primary), (missing) =>
    Effect.mapError(
      priceSequence(source, op.fallback),
      ({ advice, problem, where }) =>
        new AicError({
          where,
          problem: `${missing.problem}, and ${problem}`,
          ...(advice === undefined ? {} : { advice })
        })
    )
  )

const priceOverlap = (source: PriceSource, op: OverlapOp): Effect.Effect<PricedOp, AicError> =>
  Effect.map(
    Effect.all([priceSequence(source, op.first), priceSequence(source, op.second)]),
    ([first, second]) => new Overlap(first, second)
  )

/** Binds one operation to its tables; fails where a table lacks what it needs. */
export const priceOp = (source: PriceSource, op: Op): Effect.Effect<PricedOp, AicError> => {
  switch (op.op) {
    case "fallback":
      return priceFallback(source, op)
    case "overlap":
      return priceOverlap(source, op)
    default:
      return priceSingle(source, op)
  }
}
